import Datasets
import Files
import Foundation
import Tensors

/// The parts of the data: what is learned from and chosen by, what calibrates and has chosen nothing, and what is scored
/// in the report.
///
/// Each is a file, of rows of the table or of the numbers of examples, so that every training and every process reads them
/// as any other data.
package struct FitParts: Sendable {
  package let learning: [Int]
  /// Empty where nothing is predicted.
  package let calibration: [Int]
  /// Of the data's own test part where it has one.
  package let test: [Int]

  package enum Part: String, CaseIterable, Sendable { case learning, calibration, test }

  /// The share of the rows that calibrates; as many are scored. More than so many rows add little to either.
  private static let share = 0.15
  private static let most = 10_000

  /// Rows by a random order of the seed; of classes each part has its share of each, and sequences stay whole. Of a series
  /// the first rows are learned from, the next ones calibrate, and the last ones are scored.
  package init(_ reading: FitReading, seed: UInt64) {
    guard reading.series == nil else {
      let held = Int(FitParts.share * Double(reading.rows.count))
      let learned = reading.rows.count - 2 * held
      learning = Array(reading.rows[..<learned])
      calibration = Array(reading.rows[learned..<(learned + held)])
      test = Array(reading.rows[(learned + held)...])
      return
    }
    let units = FitParts.units(reading)
    let count = units.count
    let order = RandomKey(seed: seed).at(tensor: 0x6669_7473).permutation(count).map { units[Int($0)] }
    let isOfClasses = reading.task.isOfClasses
    let classes = isOfClasses ? Dictionary(grouping: order) { reading.groups[$0[0]] }.sorted { $0.key < $1.key } : []
    let sorted = isOfClasses ? classes.flatMap(\.value) : order
    let share = min(FitParts.share, Double(FitParts.most) / Double(count))
    var wanted: [Part] = reading.task.hasTarget ? [.calibration, .test] : [.test]
    if reading.testCount > 0 { wanted.removeAll { $0 == .test } }
    // The place of a unit in the order says its part: evenly spread, so that each class is.
    func isTaken(_ place: Int) -> Bool {
      let share = Double(wanted.count) * share
      return Int(Double(place + 1) * share) > Int(Double(place) * share)
    }
    var parts: [Part: [[Int]]] = [.learning: [], .calibration: [], .test: []]
    for (place, unit) in sorted.enumerated() {
      let least = wanted.min { parts[$0]!.count < parts[$1]!.count }
      parts[isTaken(place) ? least! : .learning]!.append(unit)
    }
    func rows(_ part: Part) -> [Int] { parts[part]!.joined().sorted() }
    (learning, calibration) = (rows(.learning), rows(.calibration))
    test = reading.testCount > 0 ? Array(0..<reading.testCount) : rows(.test)
  }

  /// Rows that stay together.
  private static func units(_ reading: FitReading) -> [[Int]] {
    guard reading.task == .states else { return reading.rows.map { [$0] } }
    return Dictionary(grouping: reading.rows) { reading.groups[$0] }.values.sorted { $0[0] < $1[0] }
  }

  package subscript(part: Part) -> [Int] {
    switch part {
    case .learning: learning
    case .calibration: calibration
    case .test: test
    }
  }

  /// SHA-256 of what the parts hold, wherever the data lies.
  package func digest(_ reading: FitReading) throws -> String {
    var hash = SHA256()
    for part in Part.allCases {
      switch reading.content {
      case .table(let profile): hash.update(try profile.text(ofRows: self[part]).utf8)
      case .examples(_, _, let fingerprint):
        hash.update((fingerprint + "\n" + self[part].map { "\($0)\n" }.joined()).utf8)
      }
    }
    return hash.hexDigest()
  }

  /// Writes a file for each part.
  package func write(_ reading: FitReading, to folder: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: folder + "/data", withIntermediateDirectories: true)
    } catch {
      throw FileError("make the folder", folder + "/data", systemError: EACCES)
    }
    for part in Part.allCases where !self[part].isEmpty {
      try AtomicFile.write(reading.path(of: part, in: folder), try text(part, reading))
    }
  }

  /// Writes the first rows of a series to a file beside the parts.
  /// - Parameter tested: whether the rows that are scored are among them.
  /// - Returns: its path.
  package func writeSeries(_ reading: FitReading, tested: Bool, in folder: String) throws -> String {
    guard case .table(let profile) = reading.content else { preconditionFailure("a series is a table") }
    let path = "\(folder)/data/\(tested ? "whole" : "before-test").csv"
    try AtomicFile.write(path, try profile.text(ofRows: learning + calibration + (tested ? test : [])))
    return path
  }

  private func text(_ part: Part, _ reading: FitReading) throws -> String {
    switch reading.content {
    case .table(let profile): return try profile.text(ofRows: self[part])
    case .examples(let source, let tests, _):
      return ExampleList(
        source: source, part: part == .test && tests > 0 ? .test : .train, indices: self[part].map { UInt32($0) }
      ).text
    }
  }
}

extension FitReading {
  /// How many examples the data's own test part has.
  var testCount: Int { if case .examples(_, let tests, _) = content { tests } else { 0 } }

  /// Where the rows of a part lie.
  package func path(of part: FitParts.Part, in folder: String) -> String {
    let form = if case .table = content { "csv" } else { "examples" }
    return "\(folder)/data/\(part.rawValue).\(form)"
  }
}
