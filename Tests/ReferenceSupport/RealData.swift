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

  /// The numeric columns of a CSV file, row by row, without a header line and without the first `skipped` columns.
  public static func rows(_ path: String, skipping skipped: Int = 0, columns: Int) -> [[Double]] {
    guard let folder, let text = try? String(contentsOf: folder.appendingPathComponent(path), encoding: .utf8) else {
      fatalError("no table \(path); guard the test with RealData.exists")
    }
    return text.split(whereSeparator: \.isNewline).compactMap { line in
      let cells = line.split(separator: ",", omittingEmptySubsequences: false).dropFirst(skipped).prefix(columns)
      let numbers = cells.compactMap { Double($0) }
      return numbers.count == columns ? numbers : nil
    }
  }
}
