import Foundation
import Messages
import Testing

/// Bytes that Google's protobuf made of the same values (scripts/reference/messages.py).
private let golden: [String: [String: [UInt8]]] = {
  let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Golden/messages.json")
  let hex = try! JSONDecoder().decode([String: [String: String]].self, from: Data(contentsOf: file))
  return hex.mapValues { messages in
    messages.mapValues { text in
      let digits = Array(text.utf8).map { $0 < 0x3A ? $0 - 0x30 : $0 - 0x57 }
      return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
  }
}()

@Suite struct GoldenTests {
  @Test func everyMessageHasASample() {
    #expect(Set(golden["control"]!.keys) == Set(Samples.control.keys))
    #expect(Set(golden["data"]!.keys) == Set(Samples.data.keys))
    #expect(Set(golden["log"]!.keys) == Set(Samples.log.keys))
  }

  @Test("Control messages decode from their golden bytes and encode to them", arguments: Samples.control.keys.sorted())
  func control(name: String) throws {
    let bytes = golden["control"]![name]!
    #expect(try ControlMessage(decoding: bytes) == Samples.control[name]!)
    #expect(Samples.control[name]!.encoded() == bytes)
  }

  @Test(
    "Data messages decode from their golden bytes, in one frame or two, and encode to them",
    arguments: Samples.data.keys.sorted())
  func data(name: String) throws {
    let bytes = golden["data"]![name]!
    let (message, payload) = Samples.data[name]!
    let (decoded, decodedPayload) = try decode([bytes])
    #expect(decoded == message)
    #expect(decodedPayload == payload)

    let head = message.head(payloadCount: payload.count)
    #expect(head + payload == bytes, "the frames joined are the message")
    let (again, againPayload) = try decode(payload.isEmpty ? [head] : [head, payload])
    #expect(again == message)
    #expect(againPayload == payload)
  }

  @Test("Log records decode from their golden bytes and encode to them", arguments: Samples.log.keys.sorted())
  func log(name: String) throws {
    let bytes = golden["log"]![name]!
    #expect(try decodeRecord(bytes) == Samples.log[name]!)
    #expect(Samples.log[name]!.encoded() == bytes)
  }
}
