import Foundation

/// Real tables for tests: in the folder that ELBO_TEST_DATA names, or in ../shared/data beside the checkout. They are no
/// part of the project; tests that want one are skipped where it is absent.
public enum RealData {
  public static let folder: URL? = {
    let checkout = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let named = ProcessInfo.processInfo.environment["ELBO_TEST_DATA"].map { URL(fileURLWithPath: $0) }
    let candidates = [named, checkout.deletingLastPathComponent().appendingPathComponent("shared/data")]
    return candidates.compactMap { $0 }.first { FileManager.default.fileExists(atPath: $0.path) }
  }()

  public static func exists(_ path: String) -> Bool {
    folder.map { FileManager.default.fileExists(atPath: $0.appendingPathComponent(path).path) } ?? false
  }

  /// The numeric columns of a table, row by row, without lines that have fewer numbers and without the first `skipped`
  /// columns. Columns are separated by commas or blanks; a name that ends in .gz is unpacked.
  public static func rows(_ path: String, skipping skipped: Int = 0, columns: Int) -> [[Double]] {
    text(path).split(whereSeparator: \.isNewline).compactMap { line in
      let cells = line.split { $0 == "," || $0 == " " }.dropFirst(skipped).prefix(columns)
      let numbers = cells.compactMap { Double($0) }
      return numbers.count == columns ? numbers : nil
    }
  }

  private static func text(_ path: String) -> String {
    guard let url = folder?.appendingPathComponent(path) else {
      fatalError("no table \(path); guard the test with RealData.exists")
    }
    if path.hasSuffix(".gz") {
      let (process, output) = (Process(), Pipe())
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = ["gzip", "-dc", url.path]
      process.standardOutput = output
      if (try? process.run()) != nil, let data = try? output.fileHandleForReading.readToEnd() {
        return String(decoding: data, as: UTF8.self)
      }
    } else if let data = try? Data(contentsOf: url) {
      return String(decoding: data, as: UTF8.self)
    }
    fatalError("cannot read \(url.path)")
  }
}
