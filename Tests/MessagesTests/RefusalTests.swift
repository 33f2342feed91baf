import CMessages
import Messages
import Testing

/// Every check of a decoded field, each with a message that fails it.
@Suite struct RefusalTests {
  private func code(_ message: ControlMessage) -> MessageError.Code? {
    do throws(MessageError) {
      _ = try ControlMessage(decoding: message.encoded())
      return nil
    } catch { return error.code }
  }

  private func code(frames: [[UInt8]]) -> MessageError.Code? {
    do throws(MessageError) {
      _ = try decode(frames)
      return nil
    } catch { return error.code }
  }

  private func hello(_ change: (inout Hello) -> Void) -> ControlMessage {
    guard case .hello(var hello) = Samples.control["hello"]!.body else { fatalError() }
    change(&hello)
    return Samples.fromStranger(.hello(hello))
  }

  @Test("A hello with a missing or out-of-range field is refused; a public key is optional") func hello() {
    #expect(code(hello { $0.name = "" }) == .missing)
    #expect(code(hello { $0.build = "" }) == .missing)
    #expect(code(hello { $0.lanes = 0 }) == .range)
    #expect(code(hello { $0.dataEndpoints = [] }) == .missing)
    #expect(code(hello { $0.dataEndpoints = Array(repeating: "tcp://a:1", count: 17) }) == .range)
    #expect(code(hello { $0.position.step = .max }) == .range)
    #expect(code(hello { $0.publicKey = nil }) == nil)
  }

  @Test("A view is refused unless its members cover each shard once, in ascending order") func view() {
    func view(_ members: [Member], shards: Int = 8, number: UInt64 = 6) -> ControlMessage {
      Samples.fromCoordinator(
        .view(View(number: ViewNumber(rawValue: number), members: members, shards: shards, cause: "")))
    }
    #expect(code(view([Samples.member(1, 0..<8)])) == nil)
    #expect(code(view([])) == nil)
    #expect(code(view([Samples.member(1, 0..<8)], number: 0)) == .missing)
    #expect(code(view([Samples.member(1, 0..<7)])) == .range, "a shard is not assigned")
    #expect(code(view([Samples.member(1, 0..<5), Samples.member(2, 4..<8)])) == .range, "a shard is assigned twice")
    #expect(code(view([Samples.member(2, 0..<4), Samples.member(1, 4..<8)])) == .range, "not ascending")
    #expect(code(view([Samples.member(1, 0..<8)], shards: 0)) == .range)
  }

  @Test func predictionStatus() {
    func assist(_ change: (inout PredictionStatus) -> Void) -> ControlMessage {
      var status = Samples.progress
      change(&status)
      return Samples.fromStranger(.assist(Assist(prediction: 77, endpoint: "a", publicKey: nil, status: status)))
    }
    #expect(code(assist { _ in }) == nil)
    #expect(code(assist { $0.examples = 0 }) == .range)
    #expect(code(assist { $0.leasesDone = 17 }) == .range, "more leases done than there are")
    #expect(code(assist { $0.out = Array(repeating: $0.out[0], count: Limits.leases + 1) }) == .range)
    #expect(code(assist { $0.out[0].samples = 5..<5 }) == .missing)
    guard case .statusReply(var reply) = Samples.control["status_reply"]!.body else { fatalError() }
    reply.help[0].prediction = 0
    #expect(code(Samples.fromCoordinator(.statusReply(reply))) == .missing)
  }

  @Test("A chunk with a wrong checksum, length, range, precision or tally is refused") func chunks() {
    let (message, payload) = Samples.data["partial"]!
    func changed(_ change: (inout Chunk) -> Void, payload: [UInt8] = payload) -> MessageError.Code? {
      guard case .chunk(var chunk) = message.body else { fatalError() }
      change(&chunk)
      let message = DataMessage(header: message.header, body: .chunk(chunk))
      return code(frames: [message.head(payloadCount: payload.count), payload])
    }
    #expect(changed { _ in } == nil)
    #expect(changed { $0.checksum ^= 1 } == .checksum)
    #expect(changed({ _ in }, payload: Array(payload.dropLast())) == .length)
    #expect(changed { $0.elements = 0..<9 } == .length)
    #expect(changed { $0.elements = 91..<101 } == .range, "beyond the vector")
    #expect(changed { $0.precision = .bytes } == .range)
    #expect(changed { $0.tally = nil } == .range, "element 0 without a tally")
    #expect(changed { $0.elements = 1..<11 } == .range, "a tally without element 0")
    #expect(changed { $0.tally = Tally(examples: .nan, metrics: []) } == .range)
    #expect(changed { $0.kind = .state(digest: digest(1), chain: Chain(rawValue: 0)) } == .range)
    #expect(changed { $0.kind = .partial(subtree: (1 << 20)..<(1 << 20) + 1) } == .range)
  }

  @Test func numbersThatAreNotSent() {
    var message = Samples.data["lent"]!.0
    guard case .chunk(var chunk) = message.body else { return }
    func changed(_ change: (inout Chunk) -> Void, payload: [UInt8] = []) -> MessageError.Code? {
      var copy = chunk
      change(&copy)
      message.body = .chunk(copy)
      let head = message.head(payloadCount: payload.count)
      return code(frames: payload.isEmpty ? [head] : [head, payload])
    }
    #expect(changed { _ in } == nil)
    #expect(changed({ _ in }, payload: [UInt8](repeating: 0, count: 160)) == .range, "sent all the same")
    #expect(changed { $0.place!.process = 0 } == .missing)
    #expect(changed { $0.place!.token = 0 } == .missing)
    #expect(changed { $0.place = nil } == .length)
    chunk.precision = .bytes
    #expect(changed { $0.kind = .state(digest: digest(1), chain: Chain(rawValue: 0)) } == .range)
  }

  @Test("Frames that differ from the announced payload are refused, and so are malformed heads") func frames() {
    let (message, payload) = Samples.data["total"]!
    let head = message.head(payloadCount: payload.count)
    #expect(code(frames: []) == .frames)
    #expect(code(frames: [head]) == .frames, "announced, not there")
    #expect(code(frames: [head, payload + [0]]) == .frames)
    #expect(code(frames: [head, Array(payload.dropLast())]) == .frames)
    #expect(code(frames: [head, payload, []]) == .frames)
    #expect(code(frames: [head + payload + [8, 1]]) == .frames, "a field behind the payload")
    #expect(code(frames: [message.head(), payload]) == .frames, "not announced")
    #expect(code(frames: [message.head()]) == .length, "a chunk without a payload")
    let sync = Samples.data["sync"]!.0
    #expect(code(frames: [sync.head(payloadCount: 4), [1, 2, 3, 4]]) == .range)
    #expect(code(frames: [sync.head(payloadCount: Limits.payload + 1), []]) == .tooLarge)
    #expect(code(frames: [[UInt8](repeating: 0x80, count: 64)]) == .malformed)
    #expect(code(frames: [[0x7D, 0, 0, 0, 0]]) == .malformed, "field 15 as a fixed32")
    #expect(code(frames: [[]]) == .version)
  }

  @Test("A control message that is malformed, too large, without a body or of another version is refused")
  func envelope() {
    func raw(_ bytes: [UInt8]) -> MessageError.Code? {
      do throws(MessageError) {
        _ = try ControlMessage(decoding: bytes)
        return nil
      } catch { return error.code }
    }
    var bytes = Samples.control["stop"]!.encoded()
    #expect(bytes[..<2] == [8, 1])
    bytes[1] = 2
    #expect(raw(bytes) == .version)
    #expect(raw([]) == .version)
    #expect(raw([8, 1]) == .body)
    #expect(raw(Array(Samples.control["stop"]!.encoded().dropLast())) == .malformed)
    #expect(raw([UInt8](repeating: 0, count: Limits.controlMessage + 1)) == .tooLarge)
    // stop { reason: 77 }
    #expect(raw([8, 1, 0xC2, 1, 2, 8, 77]) == .enumerator)
    #expect(raw([8, 1, 0xC2, 1, 0]) == .missing)
    // recipe_request { build: "\xFF" }
    #expect(raw([8, 1, 0x52, 3, 10, 1, 0xFF]) == .text)
    // leave { reason: ASKED, explanation: 5000 × "x" }
    let long = [UInt8](repeating: 0x78, count: 5000)
    #expect(raw([8, 1, 0x92, 1, 0x8D, 0x27, 8, 2, 0x12, 0x88, 0x27] + long) == .tooLarge)
  }

  @Test func overlongTextIsCutAtACharacter() throws {
    let message = Samples.fromNode(.leave(Leave(reason: .failed, explanation: String(repeating: "ü", count: 4000))))
    guard case .leave(let leave) = try ControlMessage(decoding: message.encoded()).body else { return }
    #expect(leave.explanation.utf8.count <= Limits.explanation)
    #expect(leave.explanation.allSatisfy { $0 == "ü" })
    #expect(leave.explanation.count > 1000)
  }

  @Test func samplesMustFillTheirResult() {
    guard case .sampleResult(var result) = Samples.control["sample_result"]!.body else { return }
    result.outputs = 3
    #expect(code(Samples.fromNode(.sampleResult(result))) == .length)
    result.outputs = 65536
    result.statistics = 65536
    result.samples = 0..<UInt64(UInt32.max)
    result.examples = 0..<Limits.elements
    #expect(code(Samples.fromNode(.sampleResult(result))) == .length, "the product exceeds 64 bits")
  }

  /// The generated parser, which knows nothing of frames, reads the joined frames as one message.
  @Test func joinedFramesAreOneMessage() throws {
    let (message, payload) = Samples.data["state"]!
    let joined = message.head(payloadCount: payload.count) + payload
    let unpacked = try #require(elbo__v1__data_message__unpack(nil, joined.count, joined))
    defer { elbo__v1__data_message__free_unpacked(unpacked, nil) }
    #expect(unpacked.pointee.payload.len == payload.count)
    #expect(unpacked.pointee.chunk.pointee.vector_count == 1000)
  }
}
