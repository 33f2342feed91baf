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

  /// The share of the rows that calibrates, and the share that is scored. More than so many rows add little to either.
  private static let share = 0.15
  private static let most = 10_000
  /// Rows that calibrate where a quarter of all is enough for them: bounds at 95 % need 19, and classes also a temperature.
  private static let fewestCalibrating = 40.0
  private static let mostCalibrating = 0.25

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
    let calibrating = max(share, min(FitParts.fewestCalibrating / Double(count), FitParts.mostCalibrating))
    var wanted: [(part: Part, share: Double)] = reading.task.hasTarget ? [(.calibration, calibrating)] : []
    if reading.testCount == 0 { wanted.append((.test, share)) }
    let held = wanted.reduce(0) { $0 + $1.share }
    // The place of a unit in the order says its part: evenly spread, so that each class is.
    func isTaken(_ place: Int) -> Bool {
      Int(Double(place + 1) * held) > Int(Double(place) * held)
    }
    var parts: [Part: [[Int]]] = [.learning: [], .calibration: [], .test: []]
    for (place, unit) in sorted.enumerated() {
      let least = wanted.min { Double(parts[$0.part]!.count) / $0.share < Double(parts[$1.part]!.count) / $1.share }
      parts[isTaken(place) ? least!.part : .learning]!.append(unit)
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
      let isOwn = part == .test && reading.testCount > 0
      try AtomicFile.write(
        reading.path(of: part.rawValue, in: folder), try text(self[part], isOwn ? .test : .train, reading))
    }
  }

  /// Writes a file of what all parts hold, or all but the one that is scored.
  /// - Precondition: the part that is scored is not the data's own where it is wanted.
  /// - Returns: its path.
  package func writeJoined(_ reading: FitReading, tested: Bool, in folder: String) throws -> String {
    precondition(!tested || reading.testCount == 0)
    let path = reading.path(of: tested ? "all" : "all-but-test", in: folder)
    // In the order of the data: a table is read once.
    let rows = (learning + calibration + (tested ? test : [])).sorted()
    try AtomicFile.write(path, try text(rows, .train, reading))
    return path
  }

  private func text(_ rows: [Int], _ part: ExampleList.Part, _ reading: FitReading) throws -> String {
    switch reading.content {
    case .table(let profile): try profile.text(ofRows: rows)
    case .examples(let source, _, _):
      ExampleList(source: source, part: part, indices: rows.map { UInt32($0) }).text
    }
  }
}

extension FitReading {
  /// How many examples the data's own test part has.
  package var testCount: Int { if case .examples(_, let tests, _) = content { tests } else { 0 } }

  /// Where the rows of a part lie.
  package func path(of part: FitParts.Part, in folder: String) -> String { path(of: part.rawValue, in: folder) }

  fileprivate func path(of name: String, in folder: String) -> String {
    let form = if case .table = content { "csv" } else { "examples" }
    return "\(folder)/data/\(name).\(form)"
  }
}
