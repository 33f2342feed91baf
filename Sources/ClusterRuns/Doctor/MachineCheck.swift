import Datasets
import Foundation
import Reports
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

  package init(data: String, withFingerprint: Bool) throws {
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
    let gnuplot = Gnuplot.find()
    items.append(
      Item(
        isGood: gnuplot != nil, name: "gnuplot",
        text: gnuplot?.path
          ?? "plots are written as CSV only; install it with: sudo apt-get install gnuplot-nox"))
    do {
      let dataset = try DataSource.open(DataRequest(source: data))
      if withFingerprint { fingerprint = dataset.fingerprint }
      items.append(Item(isGood: true, name: "data", text: dataset.description))
    } catch {
      items.append(Item(isGood: false, name: "data", text: "\(error)"))
    }
  }

  /// One line an item.
  package var text: String {
    items.map { item in
      "\(item.isGood ? "ok    " : "failed") \(item.name.padding(toLength: 12, withPad: " ", startingAt: 0)) \(item.text)\n"
    }.joined()
  }
}
