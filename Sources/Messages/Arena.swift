import CProtobufC

/// Memory of the C structures of one message while it is packed. Frees everything at once.
final class Arena {
  private var blocks: [UnsafeMutableRawPointer] = []

  deinit {
    for block in blocks { block.deallocate() }
  }

  private func allocate<T>(_ type: T.Type, count: Int) -> UnsafeMutablePointer<T> {
    let memory = UnsafeMutablePointer<T>.allocate(capacity: max(count, 1))
    blocks.append(UnsafeMutableRawPointer(memory))
    return memory
  }

  /// A generated structure with its defaults, filled in by `fill`.
  func make<T>(
    _ initialize: (UnsafeMutablePointer<T>?) -> Void, _ fill: (inout T) -> Void = { _ in }
  ) -> UnsafeMutablePointer<T> {
    let memory = allocate(T.self, count: 1)
    initialize(memory)
    fill(&memory.pointee)
    return memory
  }

  /// At most `limit` bytes of the text, cut where a character ends.
  func text(_ text: String, limit: Int) -> UnsafeMutablePointer<CChar> {
    var clipped = text
    while clipped.utf8.count > limit { clipped.removeLast(max(1, (clipped.utf8.count - limit) / 4)) }
    let utf8 = clipped.utf8CString
    let memory = allocate(CChar.self, count: utf8.count)
    utf8.withUnsafeBufferPointer { memory.initialize(from: $0.baseAddress!, count: utf8.count) }
    return memory
  }

  func bytes(_ bytes: [UInt8]) -> ProtobufCBinaryData {
    let memory = allocate(UInt8.self, count: bytes.count)
    memory.initialize(from: bytes, count: bytes.count)
    return ProtobufCBinaryData(len: bytes.count, data: memory)
  }

  func numbers<T: BitwiseCopyable>(_ numbers: [T]) -> UnsafeMutablePointer<T> {
    let memory = allocate(T.self, count: numbers.count)
    memory.initialize(from: numbers, count: numbers.count)
    return memory
  }

  func list<T>(_ items: [UnsafeMutablePointer<T>]) -> UnsafeMutablePointer<UnsafeMutablePointer<T>?> {
    let memory = allocate(UnsafeMutablePointer<T>?.self, count: items.count)
    for (index, item) in items.enumerated() { (memory + index).initialize(to: item) }
    return memory
  }

  func texts(_ texts: [String], limit: Int) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> {
    list(texts.map { text($0, limit: limit) })
  }
}

/// The bytes of a generated structure, with room for `extra` more.
func pack<T>(_ message: UnsafeMutablePointer<T>, extra: Int = 0) -> [UInt8] {
  let base = UnsafeRawPointer(message).assumingMemoryBound(to: ProtobufCMessage.self)
  let size = protobuf_c_message_get_packed_size(base)
  return [UInt8](unsafeUninitializedCapacity: size + extra) { buffer, count in
    count = protobuf_c_message_pack(base, buffer.baseAddress!)
  }
}

/// Unpacks, hands the structure to `body`, and frees it.
func withUnpacked<T, Result>(
  _ bytes: UnsafeRawBufferPointer, limit: Int, name: String,
  unpack: (UnsafeMutablePointer<ProtobufCAllocator>?, Int, UnsafePointer<UInt8>?) -> UnsafeMutablePointer<T>?,
  _ body: (T) throws(MessageError) -> Result
) throws(MessageError) -> Result {
  guard bytes.count <= limit else {
    throw MessageError(.tooLarge, name, "\(bytes.count) bytes, at most \(limit) are taken")
  }
  // An empty message is valid protobuf; protobuf-c wants a pointer all the same.
  var nothing: UInt8 = 0
  let unpacked = withUnsafePointer(to: &nothing) { nothing in
    unpack(nil, bytes.count, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? nothing)
  }
  guard let unpacked else { throw MessageError(.malformed, name, "\(bytes.count) bytes are not a \(name)") }
  defer {
    protobuf_c_message_free_unpacked(
      UnsafeMutableRawPointer(unpacked).assumingMemoryBound(to: ProtobufCMessage.self), nil)
  }
  return try body(unpacked.pointee)
}
