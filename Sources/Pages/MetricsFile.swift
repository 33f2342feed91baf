import Files
import Reports

/// The part of a run's metrics.jsonl that a page receives.
enum MetricsFile {
  /// A longer file is not read whole.
  static let limit = 32 << 20
  private static let pieces = 256
  private static let longestLine = 1 << 20

  /// An object: `end`, the byte up to which lines are included; `curves`; `isNew`: they replace those before; `note`.
  /// - Parameter after: the byte after the last line that is known; 0: none.
  static func json(_ path: String, after: Int) -> String {
    do throws(RunFile.Refusal) {
      guard let file = try RunFile(path) else { return text(Curves(), end: 0, isNew: true, note: "") }
      // A resumed training cuts off what it writes again.
      let start = after <= file.size && file.size - after <= limit ? max(after, 0) : 0
      guard file.size - start > limit else {
        var (curves, bad) = (Curves(), 0)
        let bytes = file.bytes(from: start, count: file.size - start)
        let used = add(bytes[...], to: &curves, &bad)
        let note = bad > 0 ? "metrics.jsonl has \(bad) lines that are none" : ""
        return text(curves, end: start + used, isNew: start == 0, note: note)
      }
      return sample(file)
    } catch {
      return text(Curves(), end: 0, isNew: true, note: error.sentence)
    }
  }

  /// Of a very long file: lines of pieces that lie evenly in it.
  private static func sample(_ file: RunFile) -> String {
    var (curves, bad, end) = (Curves(), 0, 0)
    let length = limit / pieces
    for piece in 0..<pieces {
      let start = piece == pieces - 1 ? file.size - length : file.size / pieces * piece
      let bytes = file.bytes(from: start, count: length)
      // A piece begins in the middle of a line.
      let first = start == 0 ? 0 : bytes.firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? bytes.count
      end = start + first + add(bytes[first...], to: &curves, &bad)
    }
    let gigabytes = (Double(file.size) / 1e8).rounded() / 10
    return text(
      curves, end: end, isNew: true,
      note: "metrics.jsonl has \(gigabytes) GB: the curves are of \(curves.lines) lines that lie evenly in it")
  }

  /// Adds whole lines.
  /// - Returns: how many bytes these are; a line that is not written to its end is left for later.
  private static func add(_ bytes: ArraySlice<UInt8>, to curves: inout Curves, _ bad: inout Int) -> Int {
    var start = bytes.startIndex
    while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
      if let line = end - start <= longestLine ? MetricsLine(bytes[start..<end]) : nil {
        curves.add(line)
      } else if end > start {
        bad += 1
      }
      start = end + 1
    }
    return start - bytes.startIndex
  }

  private static func text(_ curves: Curves, end: Int, isNew: Bool, note: String) -> String {
    JSONText.object([
      ("end", "\(end)"), ("isNew", "\(isNew)"), ("note", JSONText.string(note)), ("curves", curves.json),
    ])
  }
}
