import Datasets
import Files
import Foundation
import Reports
import Runs
import Training

/// What a machine needs to train, looked at one by one.
package struct MachineCheck: Codable, Sendable {
  package struct Item: Codable, Sendable {
    package var isGood: Bool
    package var name: String
    package var text: String
  }

  /// As `ClusterIdentity.build`: only equal ones train together.
  package var build: String
  /// Of the data; nil where they cannot be read.
  package var fingerprint: String?
  package var items: [Item]

  package var isGood: Bool { items.allSatisfy(\.isGood) }

  package init(data: String, withFingerprint: Bool) async throws {
    build = try ClusterIdentity.build()
    items = [
      Item(isGood: true, name: "elbo", text: Version.elbo),
      Item(
        isGood: true, name: "processor",
        text: "\(Environment.processorName()), \(ProcessInfo.processInfo.activeProcessorCount) processors"),
      Item(isGood: true, name: "kernels", text: Version.kernels),
      Item(isGood: true, name: "oneDNN", text: Version.oneDNN),
      Item(isGood: true, name: "reads", text: DataSource.readable),
    ]
    items += MachineCheck.settings
    let gnuplot = Gnuplot.find()
    items.append(
      Item(
        isGood: gnuplot != nil, name: "gnuplot",
        text: gnuplot?.path
          ?? "plots are written as CSV only; install it with: sudo apt-get install gnuplot-nox"))
    // No failure: few figures have Korean text.
    if await Fonts.haveHangul() == false {
      items.append(
        Item(
          isGood: true, name: "fonts",
          text:
            "none has Hangul, so that figures with Korean text cannot be read; run: sudo apt-get install fonts-nanum, or take --figures svg"
        ))
    }
    do {
      let dataset = try DataSource.open(DataRequest(source: data))
      if withFingerprint { fingerprint = dataset.fingerprint }
      items.append(Item(isGood: true, name: "data", text: dataset.description))
    } catch {
      items.append(Item(isGood: false, name: "data", text: "\(error)"))
    }
  }

  /// The variables that take the place of defaults.
  private static var settings: [Item] {
    Setting.allCases.map { setting in
      var (isGood, text) = (true, setting.value ?? "not set: \(setting.meaning)")
      switch setting {
      case .lanes:
        do { _ = try Run.lanesOfEnvironment() } catch { (isGood, text) = (false, "\(error)") }
      case .runs:
        if setting.value != nil, isFile(Setting.runsFolder) { (isGood, text) = (false, "\(text) is no folder") }
      case .data:
        let absent = Setting.dataFolders.filter { !FileManager.default.fileExists(atPath: $0) }
        if !absent.isEmpty { (isGood, text) = (false, "\(text): there is no \(absent.joined(separator: ", "))") }
      }
      return Item(isGood: isGood, name: setting.rawValue, text: text)
    }
  }

  private static func isFile(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder.boolValue
  }

  /// An object: whether all is `good`, the `build`, and `checks` with `name`, `good` and `text`.
  package var json: String {
    let checks = items.map { item in
      JSONText.object([
        ("name", JSONText.string(item.name)), ("good", "\(item.isGood)"), ("text", JSONText.string(item.text)),
      ])
    }
    return JSONText.object([
      ("good", "\(isGood)"), ("build", JSONText.string(build)), ("checks", "[" + checks.joined(separator: ",") + "]"),
    ])
  }

  /// One line an item.
  package var text: String {
    items.map { item in
      "\(item.isGood ? "ok    " : "failed") \(item.name.padding(toLength: 12, withPad: " ", startingAt: 0)) \(item.text)\n"
    }.joined()
  }
}
