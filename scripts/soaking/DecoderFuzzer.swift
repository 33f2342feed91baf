// Decodes what libFuzzer makes up: compiled into one module with the Messages room, under AddressSanitizer.

/// The first byte says what the rest is to be. What is accepted is encoded again, and must then stay as it is.
@_cdecl("LLVMFuzzerTestOneInput")
public func decodeOne(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard let start, count > 0 else { return 0 }
  // Exact copies, so that a read beyond a frame's end is one beyond its allocation.
  let rest = UnsafeRawBufferPointer(start: start + 1, count: count - 1)
  switch start[0] % 4 {
  case 0:
    copied(rest) { frame in
      guard let message = try? ControlMessage(decoding: frame) else { return }
      let encoded = message.encoded()
      precondition((try? ControlMessage(decoding: encoded))?.encoded() == encoded, "a control message is not stable")
    }
  case 1:
    copied(rest) { frame in
      guard let record = try? LogRecord(decoding: frame) else { return }
      let encoded = record.encoded()
      precondition((try? LogRecord(decoding: encoded))?.encoded() == encoded, "a log record is not stable")
    }
  case 2: copied(rest) { data([$0]) }
  default:
    // The next two bytes say where the second frame begins.
    guard rest.count >= 2 else { return 0 }
    let frames = rest[2...]
    let head = min(frames.count, Int(rest[0]) << 8 | Int(rest[1]))
    copied(UnsafeRawBufferPointer(rebasing: frames.prefix(head))) { first in
      copied(UnsafeRawBufferPointer(rebasing: frames.dropFirst(head))) { data([first, $0]) }
    }
  }
  return 0
}

private func data(_ frames: [UnsafeRawBufferPointer]) {
  guard let decoded = try? DataMessage.decode(frames: frames) else { return }
  let encoded = decoded.message.head(payloadCount: decoded.payload.count) + Array(decoded.payload)
  encoded.withUnsafeBytes { bytes in
    let again = try? DataMessage.decode(frames: [bytes])
    precondition(
      again.map { $0.message.head(payloadCount: $0.payload.count) + Array($0.payload) } == encoded,
      "a data message is not stable")
  }
}

private func copied(_ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void) {
  let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
  defer { copy.deallocate() }
  copy.copyMemory(from: bytes)
  body(UnsafeRawBufferPointer(copy))
}
