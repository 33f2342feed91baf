import Foundation
import Messages
import Testing

/// Random and mutated bytes: decoding gives a message or an error, never a trap, and what it gives is stable.
/// `ELBO_FUZZ=1000000` runs that many; `ELBO_FUZZ_SEED` replays a run.
@Suite struct FuzzTests {
  private let count = ProcessInfo.processInfo.environment["ELBO_FUZZ"].flatMap { Int($0) } ?? 20_000
  private let seed = ProcessInfo.processInfo.environment["ELBO_FUZZ_SEED"].flatMap { UInt64($0) } ?? 20_260_101

  private func mutate(_ seedBytes: [UInt8], _ generator: inout SplitMix) -> [UInt8] {
    var bytes = seedBytes
    for _ in 0...Int.random(in: 0...4, using: &generator) {
      let position = bytes.isEmpty ? 0 : Int.random(in: 0..<bytes.count, using: &generator)
      switch Int.random(in: 0..<7, using: &generator) {
      case 0 where !bytes.isEmpty: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      case 1 where !bytes.isEmpty: bytes[position] = [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &generator)!
      case 2: bytes.insert(UInt8(truncatingIfNeeded: generator.next()), at: position)
      case 3 where !bytes.isEmpty: bytes.remove(at: position)
      case 4: bytes.removeLast(bytes.count - position)
      case 5: bytes.insert(contentsOf: bytes[position...].prefix(40), at: position)
      default:
        // A length or a number blown up: nine continuation bytes.
        bytes.insert(contentsOf: [UInt8](repeating: 0xFF, count: 9) + [1], at: position)
      }
    }
    return bytes
  }

  @Test("A mutated control message is refused, or decodes to one that survives a round trip") func control() {
    var generator = SplitMix(seed: seed)
    let seeds = Samples.control.sorted { $0.key < $1.key }.map { $0.value.encoded() }
    var accepted = 0
    for _ in 0..<count {
      let bytes =
        Int.random(in: 0..<10, using: &generator) == 0
        ? (0..<Int.random(in: 0..<200, using: &generator)).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        : mutate(seeds.randomElement(using: &generator)!, &generator)
      guard let message = try? ControlMessage(decoding: bytes) else { continue }
      accepted += 1
      let encoded = message.encoded()
      #expect((try? ControlMessage(decoding: encoded))?.encoded() == encoded)
    }
    #expect(accepted > 0 && accepted < count)
  }

  @Test("A mutated data message is refused, or decodes to one that survives a round trip") func data() {
    var generator = SplitMix(seed: seed &+ 1)
    let seeds = Samples.data.sorted { $0.key < $1.key }.map { $0.value }
    var accepted = 0
    for _ in 0..<count {
      let (message, payload) = seeds.randomElement(using: &generator)!
      let head = message.head(payloadCount: payload.count)
      let frames: [[UInt8]] =
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: [mutate(head + payload, &generator)]
        case 1: [mutate(head, &generator), payload]
        case 2: [head, mutate(payload, &generator)]
        case 3: [mutate(head, &generator)]
        default: [mutate(head, &generator), mutate(payload, &generator)]
        }
      guard let (decoded, rest) = try? decode(frames) else { continue }
      accepted += 1
      let encoded = decoded.head(payloadCount: rest.count) + rest
      let again = try? decode([encoded])
      #expect(again.map { $0.0.head(payloadCount: $0.1.count) + $0.1 } == encoded)
    }
    #expect(accepted > 0 && accepted < count)
  }

  @Test("A mutated log record is refused, or decodes to one that survives a round trip") func log() {
    var generator = SplitMix(seed: seed &+ 2)
    let seeds = Samples.log.sorted { $0.key < $1.key }.map { $0.value.encoded() }
    for _ in 0..<count {
      let bytes = mutate(seeds.randomElement(using: &generator)!, &generator)
      guard let record = try? decodeRecord(bytes) else { continue }
      let encoded = record.encoded()
      #expect((try? decodeRecord(encoded))?.encoded() == encoded)
    }
  }
}
