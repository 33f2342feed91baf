import CMessages
import CProtobufC

extension DataMessage {
  /// Field 15, length-delimited.
  private static let payloadTag: UInt8 = 15 << 3 | 2

  /// The first frame: everything up to and with the tag and length of the payload. The second frame is the payload
  /// itself, `payloadCount` bytes; with none there is no second frame. Joined they are one DataMessage.
  public func head(payloadCount: Int = 0) -> [UInt8] {
    let arena = Arena()
    let message = arena.make(elbo__v1__data_message__init) {
      $0.protocol_version = Protocol.version
      $0.job = header.job.rawValue
      $0.sender = header.sender.rawValue
      $0.incarnation = header.incarnation.rawValue
      $0.view = header.view.rawValue
      $0.position = arena.position(header.position)
      $0.bytes_before = header.bytesBefore
      body.fill(&$0, in: arena)
    }
    var bytes = pack(message, extra: 1 + 10)
    guard payloadCount > 0 else { return bytes }
    bytes.append(Self.payloadTag)
    var length = UInt64(payloadCount)
    while length >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: length) | 0x80)
      length >>= 7
    }
    bytes.append(UInt8(length))
    return bytes
  }

  /// A decoded message and its payload, which lies where it was received.
  public struct Decoded {
    public let message: DataMessage
    public let payload: UnsafeRawBufferPointer
  }

  /// The message that the frames make, joined: one frame, or a head and a payload. Nothing about them is trusted.
  /// `payload` of the result points into `frames` and lives as long as they do.
  public static func decode(frames: [UnsafeRawBufferPointer]) throws(MessageError) -> Decoded {
    guard frames.count == 1 || frames.count == 2 else {
      throw MessageError(.frames, "DataMessage", "\(frames.count) frames, 1 or 2 expected")
    }
    let (head, payload) = try split(frames[0], second: frames.count == 2 ? frames[1] : nil)
    let message = try withUnpacked(
      head, limit: Limits.dataHead, name: "DataMessage", unpack: elbo__v1__data_message__unpack
    ) { (message: Elbo__V1__DataMessage) throws(MessageError) -> DataMessage in
      guard message.protocol_version == Protocol.version else {
        throw MessageError(
          .version, "DataMessage.protocol_version",
          "\(message.protocol_version), this program speaks \(Protocol.version)")
      }
      guard let job = JobID(rawValue: message.job) else { throw MessageError(.missing, "DataMessage.job", "0") }
      return DataMessage(
        header: DataHeader(
          job: job, sender: try Check.node(message.sender, "DataMessage.sender"),
          incarnation: try Check.incarnation(message.incarnation, "DataMessage.incarnation"),
          view: try Check.view(message.view, "DataMessage.view"),
          position: try Check.position(message.position, "DataMessage.position"),
          bytesBefore: message.bytes_before),
        body: try DataBody(message))
    }
    if case .chunk(let chunk) = message.body, chunk.place != nil {
      guard payload.isEmpty else {
        throw MessageError(.range, "DataMessage.payload", "a payload that also lies elsewhere")
      }
    } else if case .chunk(let chunk) = message.body {
      guard payload.count == chunk.payloadCount else {
        throw MessageError(.length, "DataMessage.payload", "\(payload.count) bytes, \(chunk.payloadCount) expected")
      }
      guard Checksum.crc32c(payload) == chunk.checksum else {
        throw MessageError(.checksum, "Chunk.checksum", "the payload is damaged")
      }
    } else if !payload.isEmpty {
      throw MessageError(.range, "DataMessage.payload", "a payload without a chunk")
    }
    return Decoded(message: message, payload: payload)
  }

  /// Walks the fields of the first frame up to the payload's tag. The payload must be the last field and end where
  /// the frames end.
  private static func split(
    _ first: UnsafeRawBufferPointer, second: UnsafeRawBufferPointer?
  ) throws(MessageError) -> (head: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer) {
    var walk = FieldWalk(bytes: first)
    while let field = try walk.next() {
      guard field.number == 15 else { continue }
      guard field.wireType == 2, let length = field.length else {
        throw MessageError(.malformed, "DataMessage.payload", "not bytes")
      }
      let rest = UnsafeRawBufferPointer(rebasing: first[walk.position...])
      let head = UnsafeRawBufferPointer(rebasing: first[..<field.start])
      guard length <= UInt64(Limits.payload) else {
        throw MessageError(.tooLarge, "DataMessage.payload", "\(length) bytes, at most \(Limits.payload) are taken")
      }
      if let second {
        guard rest.isEmpty, UInt64(second.count) == length else {
          throw MessageError(.frames, "DataMessage.payload", "the second frame is not the payload announced")
        }
        return (head, second)
      }
      guard UInt64(rest.count) == length else {
        throw MessageError(.frames, "DataMessage.payload", "\(rest.count) bytes follow, \(length) are announced")
      }
      return (head, rest)
    }
    guard second == nil else {
      throw MessageError(.frames, "DataMessage.payload", "a second frame that the first does not announce")
    }
    return (first, UnsafeRawBufferPointer(start: nil, count: 0))
  }
}

/// Walks the top-level fields of protobuf bytes without looking into them.
private struct FieldWalk {
  let bytes: UnsafeRawBufferPointer
  var position = 0

  struct Field {
    var start: Int
    var number: UInt64
    var wireType: UInt8
    /// Of a length-delimited field.
    var length: UInt64?
  }

  init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// The next field; `nil` at the end. Stands behind the field afterwards; for field 15, behind its length.
  mutating func next() throws(MessageError) -> Field? {
    guard position < bytes.count else { return nil }
    let start = position
    let key = try varint()
    var field = Field(start: start, number: key >> 3, wireType: UInt8(key & 7))
    switch field.wireType {
    case 0: _ = try varint()
    case 1: try skip(8)
    case 5: try skip(4)
    case 2:
      let length = try varint()
      field.length = length
      if field.number != 15 { try skip(length) }
    default: throw MessageError(.malformed, "DataMessage", "wire type \(field.wireType)")
    }
    return field
  }

  private mutating func varint() throws(MessageError) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard position < bytes.count else { break }
      let byte = bytes[position]
      position += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    throw MessageError(.malformed, "DataMessage", "a number without an end")
  }

  private mutating func skip(_ count: UInt64) throws(MessageError) {
    guard count <= UInt64(bytes.count - position) else {
      throw MessageError(.malformed, "DataMessage", "a field runs over the end")
    }
    position += Int(count)
  }
}
