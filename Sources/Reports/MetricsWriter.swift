import Files

/// A line of metrics.jsonl.
public struct MetricsRecord: Sendable, Hashable {
  /// Steps that are done.
  public var step: Int
  /// Passes over the training data that are done, with their fraction.
  public var epoch: Double
  /// Seconds of training, those before a resumption included.
  public var seconds: Double
  public var examplesPerSecond: Double
  /// By name: `train/elbo`, `test/kl`.
  public var metrics: [String: Double]

  public init(step: Int, epoch: Double, seconds: Double, examplesPerSecond: Double, metrics: [String: Double]) {
    self.step = step
    self.epoch = epoch
    self.seconds = seconds
    self.examplesPerSecond = examplesPerSecond
    self.metrics = metrics
  }

  /// One JSON object: `step`, `epoch`, `seconds`, `examples_per_second`, then the metrics sorted by name. What is not a
  /// finite number is null.
  package var json: String {
    let head = [
      ("step", "\(step)"), ("epoch", JSONText.number(epoch)), ("seconds", JSONText.number(seconds)),
      ("examples_per_second", JSONText.number(examplesPerSecond)),
    ]
    let rest = metrics.sorted { $0.key < $1.key }.map { ($0.key, JSONText.number($0.value)) }
    return JSONText.object((head + rest).map { (key: $0.0, value: $0.1) })
  }
}

/// Writes metrics.jsonl: one JSON object a line, each line written whole as soon as it is known.
public struct MetricsWriter: ~Copyable, Sendable {
  private let file: OutputFile
  /// Bytes of whole lines.
  private var size: Int

  /// Opens the file, which is made when it is not there.
  ///
  /// - Parameter step: the step that a resumed training goes on from. Lines up to that step stay; lines beyond it will
  ///   be written again, and a line that was not written to its end is none, so both are cut off. Nil: a new training,
  ///   nothing stays.
  public init(_ path: String, resumingFrom step: Int? = nil) throws(FileError) {
    let file = try OutputFile(path, .append)
    let present = try file.size()
    var kept = 0
    if let step, present > 0 { kept = Self.sizeOfLines(in: try InputFile.read(path), upTo: step) }
    if kept < present { try file.truncate(to: kept) }
    self.file = file
    size = kept
  }

  /// Adds a line. When that fails (the disk is full) the file is cut back to whole lines.
  public mutating func append(_ record: MetricsRecord) throws(FileError) {
    let line = Array((record.json + "\n").utf8)
    do throws(FileError) {
      try file.append(line)
    } catch {
      try? file.truncate(to: size)
      throw error
    }
    size += line.count
  }

  /// Waits until the lines are on the disk: before a checkpoint that counts on them.
  public func sync() throws(FileError) {
    try file.sync()
  }

  /// How many bytes the whole lines from the start up to a step take. A line that is not one of these ends them.
  private static func sizeOfLines(in bytes: [UInt8], upTo last: Int) -> Int {
    let start = Array("{\"step\":".utf8)
    var size = 0
    while let end = bytes[size...].firstIndex(of: UInt8(ascii: "\n")) {
      let line = bytes[size..<end]
      guard line.starts(with: start), line.last == UInt8(ascii: "}") else { break }
      let digits = line.dropFirst(start.count).prefix { $0 != UInt8(ascii: ",") }
      guard let step = Int(String(decoding: digits, as: UTF8.self)), step <= last else { break }
      size = end + 1
    }
    return size
  }
}
