import Datasets
import Files
import Foundation
import Tensors

/// The parts of a table: what is learned from and chosen by, what calibrates and has chosen nothing, and what is scored
/// in the report.
///
/// Each is a file of rows of the table, so that every training and every process reads them as any other data.
package struct FitParts: Sendable {
  package let learning: [Int]
  package let calibration: [Int]
  package let test: [Int]

  /// The share of the rows that calibrates; as many are scored. More than so many rows add little to either.
  private static let share = 0.15
  private static let most = 10_000

  /// Rows by a random order of the seed; of classes each part has its share of each.
  package init(_ reading: FitReading, seed: UInt64) {
    let count = reading.rows.count
    let order = RandomKey(seed: seed).at(tensor: 0x6669_7473).permutation(count).map { reading.rows[Int($0)] }
    let isOfClasses = reading.task == .classes
    let groups = isOfClasses ? Dictionary(grouping: order) { reading.classes[$0] }.sorted { $0.key < $1.key } : []
    let sorted = isOfClasses ? groups.flatMap(\.value) : order
    let share = min(FitParts.share, Double(FitParts.most) / Double(count))
    // The place of a row in the order says its part: evenly spread, so that each class is.
    func isTaken(_ place: Int, _ share: Double) -> Bool {
      Int(Double(place + 1) * share) > Int(Double(place) * share)
    }
    var (parts, place) = ([[Int]](repeating: [], count: 3), 0)
    for row in sorted {
      defer { place += 1 }
      guard isTaken(place, 2 * share) else {
        parts[0].append(row)
        continue
      }
      parts[parts[1].count <= parts[2].count ? 1 : 2].append(row)
    }
    (learning, calibration, test) = (parts[0].sorted(), parts[1].sorted(), parts[2].sorted())
  }

  package static func learningPath(_ folder: String) -> String { folder + "/data/learning.csv" }
  package static func calibrationPath(_ folder: String) -> String { folder + "/data/calibration.csv" }
  package static func testPath(_ folder: String) -> String { folder + "/data/test.csv" }

  private var all: [(rows: [Int], path: (String) -> String)] {
    [
      (learning, FitParts.learningPath), (calibration, FitParts.calibrationPath), (test, FitParts.testPath),
    ]
  }

  /// SHA-256 of the files.
  package func digest(_ reading: FitReading) throws -> String {
    var hash = SHA256()
    for part in all { hash.update(try reading.profile.text(ofRows: part.rows).utf8) }
    return hash.hexDigest()
  }

  /// Writes a file for each part.
  package func write(_ reading: FitReading, to folder: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: folder + "/data", withIntermediateDirectories: true)
    } catch {
      throw FileError("make the folder", folder + "/data", systemError: EACCES)
    }
    for part in all { try AtomicFile.write(part.path(folder), try reading.profile.text(ofRows: part.rows)) }
  }
}
