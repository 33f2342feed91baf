import NIOCore
import NIOHTTP1

/// Sends an answer from the task that made it.
struct Sender: Sendable {
  let connection: ConnectionHandle
  /// Whether only the head is sent.
  let isHead: Bool

  /// Bytes that are handed to the system at a time: a client that takes them is no slow one.
  private static let pieceLength = 1 << 20

  /// Sends the whole answer, and lets the connection go on. One that cannot be sent closes it.
  func send(_ response: Response) async {
    do {
      switch response.body {
      case .bytes(let bytes): try await send(response, bytes)
      case .stream(let make): try await send(response, make)
      }
      connection.execute { $0.finish() }
    } catch {
      connection.execute { $0.close() }
    }
  }

  private func send(_ response: Response, _ bytes: [UInt8]) async throws {
    let first = isHead ? 0 : min(bytes.count, Self.pieceLength)
    try await write { connection in
      let head = HTTPServerResponsePart.head(connection.head(of: response, length: bytes.count))
      return first > 0 ? [head, .body(.byteBuffer(ByteBuffer(bytes: bytes[..<first])))] : [head]
    }
    guard !isHead else { return }
    for start in stride(from: first, to: bytes.count, by: Self.pieceLength) {
      let end = min(start + Self.pieceLength, bytes.count)
      try await write { _ in [.body(.byteBuffer(ByteBuffer(bytes: bytes[start..<end])))] }
    }
  }

  private func send(_ response: Response, _ make: (BodyWriter) async throws -> Void) async throws {
    try await write(isStream: true) { [.head($0.head(of: response, length: nil))] }
    guard !isHead else { return }
    connection.execute { $0.waitForStream() }
    do {
      try await make(
        BodyWriter { piece in
          try await write(isStream: true) { _ in [.body(.byteBuffer(ByteBuffer(bytes: piece)))] }
          connection.execute { $0.waitForStream() }
        })
    } catch is CancellationError {
      // The server ends, or the client is gone: what was sent is whole as far as it goes.
    }
  }

  private func write(
    isStream: Bool = false, _ parts: @escaping @Sendable (Connection) -> [HTTPServerResponsePart]
  ) async throws {
    try await connection.wait { $0.write(parts($0), isStream: isStream) }
  }
}
