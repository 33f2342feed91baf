import Figures
import Files
import Foundation
import Reports

/// The pictures of a run: the plain files of its `figures` folder that have a name as figures have.
struct FigureList {
  struct Item {
    let file: String
    /// The same for pictures of one thing at several steps.
    let name: String
    /// Nil: of the end.
    let step: Int?
    /// Changes when the picture is drawn anew.
    let changed: Int
  }

  /// More are not listed.
  private static let most = 2000
  static let types = ["png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"]

  let items: [Item]

  init(_ folder: String) {
    var status = stat()
    guard lstat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR,
      let names = try? FileManager.default.contentsOfDirectory(atPath: folder)
    else {
      items = []
      return
    }
    items = names.sorted().prefix(FigureList.most).compactMap { file in
      let parts = file.split(separator: ".")
      guard parts.count > 1, Figure.isFileStem(file), FigureList.types[String(parts.last!)] != nil else { return nil }
      var status = stat()
      guard lstat(folder + "/" + file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
      let stem = parts.dropLast().joined(separator: ".")
      // As learners name what they show on the way: samples-step-000200.
      let match = stem.wholeMatch(of: /(.+)-step-([0-9]{1,18})/)
      return Item(
        file: file, name: match.map { String($0.1) } ?? stem, step: match.flatMap { Int($0.2) },
        changed: Int(status.st_mtim.tv_sec) * 1000 + Int(status.st_mtim.tv_nsec) / 1_000_000)
    }
  }

  /// The media type of a picture that is in the list; nil: there is none of this name.
  func type(of file: String) -> String? {
    items.contains { $0.file == file } ? FigureList.types[String(file.split(separator: ".").last!)] : nil
  }

  var json: String {
    "["
      + items.map { item in
        JSONText.object([
          ("file", JSONText.string(item.file)), ("name", JSONText.string(item.name)),
          ("step", item.step.map { "\($0)" } ?? "null"), ("changed", "\(item.changed)"),
        ])
      }.joined(separator: ",") + "]"
  }
}
