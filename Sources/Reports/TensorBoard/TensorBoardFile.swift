import CChecksum
import Files
import Foundation

/// A TensorBoard event file: records of a length, its checksum, the event, and its checksum.
package struct TensorBoardFile: ~Copyable, Sendable {
  private let file: OutputFile
  /// Bytes of whole records.
  private var size: Int

  private static let prefix = "events.out.tfevents."

  /// Makes a file anew in a folder, whole or not at all, and removes the others there that Elbo wrote: TensorBoard follows
  /// a file of a new name, and shows steps that are written twice as it likes.
  /// - Parameters:
  ///   - records: the events that it holds at first.
  ///   - time: seconds since 1970; TensorBoard reads the files of a folder in the order of their names.
  package init(anewIn folder: String, records: [[UInt8]], time: Double) throws(FileError) {
    let old = TensorBoardFile.files(in: folder)
    // Of two in one second, the later one has the later name.
    let number = old.count { $0.contains(".\(Int(time)).") }
    let name = String(format: "\(TensorBoardFile.prefix)%010d.", Int(time)) + "elbo.\(getpid()).\(number)"
    let path = folder + "/" + name
    try AtomicFile.write(path, records.flatMap(TensorBoardFile.framed))
    for other in old where other != name { unlink(folder + "/" + other) }
    let file = try OutputFile(path, .append)
    size = try file.size()
    self.file = file
  }

  /// Event files that Elbo wrote.
  private static func files(in folder: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasPrefix(prefix) && $0.contains(".elbo.") }.sorted()
  }

  /// The whole records of the newest file in a folder.
  package static func records(in folder: String) -> [[UInt8]] {
    guard let name = files(in: folder).last, let bytes = try? InputFile.read(folder + "/" + name) else { return [] }
    return records(of: bytes)
  }

  /// Adds records. When that fails (the disk is full) the file is cut back to whole ones.
  package mutating func append(_ records: [[UInt8]]) throws(FileError) {
    let bytes = records.flatMap(TensorBoardFile.framed)
    do throws(FileError) {
      // In one piece: a reader on another machine must not see a part.
      try file.append(bytes)
    } catch {
      try? file.truncate(to: size)
      throw error
    }
    size += bytes.count
  }

  private static func framed(_ event: [UInt8]) -> [UInt8] {
    let length = littleEndian(UInt64(event.count))
    return length + littleEndian(checksum(length)) + event + littleEndian(checksum(event))
  }

  /// The whole records of a file; one that is damaged ends them.
  package static func records(of bytes: [UInt8]) -> [[UInt8]] {
    var (records, start) = ([[UInt8]](), 0)
    while bytes.count - start >= 16 {
      let length = bytes[start..<start + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      guard length <= UInt64(bytes.count - start - 16) else { break }
      let end = start + 12 + Int(length)
      let (head, event) = (Array(bytes[start..<start + 8]), Array(bytes[start + 12..<end]))
      guard bytes[start + 8..<start + 12].elementsEqual(littleEndian(checksum(head))),
        bytes[end..<end + 4].elementsEqual(littleEndian(checksum(event)))
      else { break }
      records.append(event)
      start = end + 4
    }
    return records
  }

  /// The step of an event.
  package static func step(of event: [UInt8]) -> Int { ProtoMessage.integer(2, in: event) ?? 0 }

  /// CRC-32C, turned and moved, since a checksum of data that holds its own checksum is weak.
  private static func checksum(_ bytes: [UInt8]) -> UInt32 {
    let sum = bytes.withUnsafeBytes { elbo_crc32c($0.baseAddress, $0.count) }
    return (sum >> 15 | sum << 17) &+ 0xa282_ead8
  }

  private static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }
}
