import Messages

/// The coordinator's log as bytes: records that are appended, each with its length and a checksum.
///
///     file:    "ELBOLOG1", then records
///     record:  length (uint32), CRC-32C of length and payload (uint32), payload; little-endian
///
/// A crash in the middle of an append leaves a torn tail, which is dropped: it was never acted upon, since every
/// record is on disk before it is. Damage anywhere else is an error; a coordinator that forgot a view could use its
/// number twice.
public enum DurableLog {
  public static let magic = Array("ELBOLOG1".utf8)

  /// What a log holds, and how many of its bytes are whole.
  public struct Content: Sendable {
    public var records: [[UInt8]] = []
    public var wholeBytes = 0
  }

  public struct Damage: Error, Hashable, Sendable, CustomStringConvertible {
    /// Where the first record begins that is not whole.
    public let offset: Int
    public let reason: String
    public var description: String { "the coordinator's log is damaged at byte \(offset): \(reason)" }
  }

  public static func encode(_ payload: [UInt8]) -> [UInt8] {
    let length = littleEndian(UInt32(payload.count))
    return length + littleEndian(Checksum.crc32c(length + payload)) + payload
  }

  public static func decode(_ bytes: [UInt8]) throws(Damage) -> Content {
    var content = Content()
    // File systems may leave zeros where data never arrived.
    guard !bytes.allSatisfy({ $0 == 0 }) else { return content }
    guard bytes.count >= magic.count else {
      guard magic.starts(with: bytes) else { throw Damage(offset: 0, reason: "not a log") }
      return content
    }
    guard bytes.starts(with: magic) else { throw Damage(offset: 0, reason: "not a log") }
    var offset = magic.count
    content.wholeBytes = offset
    while offset < bytes.count {
      let rest = bytes.count - offset
      if bytes[offset...].allSatisfy({ $0 == 0 }) { break }
      guard rest >= 8 else { break }
      let length = Int(number(bytes, offset))
      guard length <= Limits.logRecord else { throw Damage(offset: offset, reason: "a record of \(length) bytes") }
      guard rest >= 8 + length else { break }
      let payload = Array(bytes[offset + 8..<offset + 8 + length])
      guard Checksum.crc32c(Array(bytes[offset..<offset + 4]) + payload) == number(bytes, offset + 4) else {
        // The last record may be torn within; one in the middle may not.
        guard rest > 8 + length else { break }
        throw Damage(offset: offset, reason: "the checksum is wrong")
      }
      content.records.append(payload)
      offset += 8 + length
      content.wholeBytes = offset
    }
    return content
  }

  private static func littleEndian(_ number: UInt32) -> [UInt8] {
    withUnsafeBytes(of: number.littleEndian) { Array($0) }
  }

  private static func number(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << UInt32(8 * $1) }
  }

  /// What a log need hold: the newest start, the data, each name's newest number, the last view and checkpoint, the
  /// end.
  public static func compacted(_ records: [LogRecord]) -> [LogRecord] {
    var started: LogRecord?
    var data: LogRecord?
    var numbered: [String: (NodeNumber, LogRecord)] = [:]
    var view: LogRecord?
    var checkpoint: LogRecord?
    var ended: LogRecord?
    for record in records {
      switch record {
      case .coordinatorStarted: started = record
      case .dataFingerprinted: data = record
      case .nodeNumbered(let name, let node, _): numbered[name] = (node, record)
      case .viewDecided: view = record
      case .checkpointWritten: checkpoint = record
      case .jobEnded: ended = record
      }
    }
    let names = numbered.values.sorted { $0.0 < $1.0 }.map(\.1)
    return [started, data].compactMap { $0 } + names + [view, checkpoint, ended].compactMap { $0 }
  }
}
