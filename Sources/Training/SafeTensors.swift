import Files
import Foundation
import Tensors

/// Reads and writes the safetensors format: eight bytes with the length of a JSON header (little-endian), the header,
/// the numbers. What it holds loads in Python as it is.
public enum SafeTensors {
  /// The format's own bound on the length of a header.
  private static let longestHeader = 100_000_000

  /// Writes the slots of buffers, in order: those of `plain` under their own names, those of `prefixed` with the buffer's
  /// name before them, as in `inputs/mean`.
  public static func write(
    _ path: String, plain: [FlatBuffer] = [], prefixed: [FlatBuffer] = [], metadata: [String: String] = [:]
  ) throws(FileError) {
    let buffers = plain.map { ($0, "") } + prefixed.map { ($0, $0.name + "/") }
    var entries: [String] = []
    if !metadata.isEmpty {
      let pairs = metadata.sorted { $0.key < $1.key }.map { "\(json($0.key)):\(json($0.value))" }
      entries.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
    }
    var offset = 0
    for (buffer, prefix) in buffers {
      let type = buffer.precision == .float32 ? "F32" : "F64"
      for slot in buffer.layout.slots {
        let end = offset + slot.shape.count * buffer.precision.stride
        let shape = slot.shape.dimensions.map(String.init).joined(separator: ",")
        let name = json(prefix + slot.name)
        entries.append("\(name):{\"dtype\":\"\(type)\",\"shape\":[\(shape)],\"data_offsets\":[\(offset),\(end)]}")
        offset = end
      }
    }
    var header = "{" + entries.joined(separator: ",") + "}"
    header += String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
    try AtomicFile.write(path) { (file) throws(FileError) in
      try file.append(withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) })
      try file.append(Array(header.utf8))
      for (buffer, _) in buffers {
        for slot in buffer.layout.slots { try file.append(UnsafeRawBufferPointer(buffer.bytes(of: slot))) }
      }
    }
  }

  /// A text as a JSON string.
  private static func json(_ text: String) -> String {
    // Encoding a string cannot fail.
    (try? JSONEncoder().encode(text)).map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
  }

  /// A file whose header has been checked: every tensor lies inside the file, and none overlaps another.
  public struct Contents {
    public struct Entry {
      public let precision: Precision
      public let shape: [Int]
      fileprivate let range: Range<Int>
    }

    public let path: String
    public let entries: [String: Entry]
    public let metadata: [String: String]
    private let bytes: [UInt8]

    /// Reads a file.
    /// - Throws: `FileError` when it cannot be read; `TrainingError` when it is not a safetensors file.
    public init(_ path: String) throws {
      let bytes = try InputFile.read(path)
      func damaged(_ what: String) -> TrainingError {
        TrainingError(
          .damagedFile, "\(path) is not a whole safetensors file: \(what)", advice: "use another checkpoint")
      }
      guard bytes.count >= 8 else { throw damaged("it has \(bytes.count) bytes") }
      let length = bytes[0..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      guard length <= UInt64(SafeTensors.longestHeader), Int(length) <= bytes.count - 8 else {
        throw damaged("its header claims \(length) bytes")
      }
      let body = 8 + Int(length)
      guard let object = try? JSONSerialization.jsonObject(with: Data(bytes[8..<body])) as? [String: Any] else {
        throw damaged("its header is not JSON")
      }
      var entries: [String: Entry] = [:]
      var ranges: [Range<Int>] = []
      for (name, value) in object where name != "__metadata__" {
        guard let fields = value as? [String: Any], let type = fields["dtype"] as? String,
          let shape = fields["shape"] as? [Int], let offsets = fields["data_offsets"] as? [Int], offsets.count == 2
        else { throw damaged("\(name) is not described") }
        guard let precision = ["F32": Precision.float32, "F64": .float64][type] else {
          throw damaged("\(name) holds \(type), not F32 or F64")
        }
        var count = 1
        for extent in shape {
          let (product, overflow) = count.multipliedReportingOverflow(by: extent)
          guard extent >= 0, !overflow, product <= bytes.count else { throw damaged("\(name) has the shape \(shape)") }
          count = product
        }
        guard offsets[0] >= 0, offsets[1] >= offsets[0], offsets[1] <= bytes.count - body,
          offsets[1] - offsets[0] == count * precision.stride
        else { throw damaged("\(name) does not lie inside the file, or is cut off") }
        let range = body + offsets[0]..<body + offsets[1]
        if !range.isEmpty { ranges.append(range) }
        entries[name] = Entry(precision: precision, shape: shape, range: range)
      }
      ranges.sort { $0.lowerBound < $1.lowerBound }
      for (one, next) in zip(ranges, ranges.dropFirst()) where one.upperBound > next.lowerBound {
        throw damaged("tensors overlap")
      }
      guard ranges.last?.upperBound ?? body == bytes.count else {
        throw damaged("there are bytes after the last tensor")
      }
      self.path = path
      self.entries = entries
      self.metadata = object["__metadata__"] as? [String: String] ?? [:]
      self.bytes = bytes
    }

    /// Of the numbers of all tensors, in the order in which they lie: that of the buffers that were written.
    public var sha256: String {
      var hash = SHA256()
      for entry in entries.values.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
        bytes[entry.range].withUnsafeBytes { hash.update($0) }
      }
      return hash.hexDigest()
    }

    /// Fills a buffer from the tensors of its slots' names.
    /// - Throws: `TrainingError` when one is missing or has another shape or type; the buffer is then unchanged.
    public func fill(_ buffer: FlatBuffer, prefixed: Bool) throws(TrainingError) {
      func name(_ slot: Slot) -> String { prefixed ? "\(buffer.name)/\(slot.name)" : slot.name }
      for slot in buffer.layout.slots {
        guard let entry = entries[name(slot)] else {
          throw TrainingError(
            .otherModel, "\(path) has no tensor \(name(slot))", advice: "it is of another model or recipe")
        }
        guard entry.shape == slot.shape.dimensions, entry.precision == buffer.precision else {
          throw TrainingError(
            .otherModel,
            "\(path): \(name(slot)) is \(entry.precision) \(entry.shape), not \(buffer.precision) \(slot.shape)",
            advice: "it is of another model or recipe")
        }
      }
      for slot in buffer.layout.slots {
        let range = entries[name(slot)]!.range
        bytes[range].withUnsafeBytes { buffer.bytes(of: slot).copyMemory(from: $0) }
      }
    }
  }
}
