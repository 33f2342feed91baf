import Cluster
import Foundation
import Messages
import Testing

/// Numbers that nodes of one machine show each other.
@Suite struct SharedMemoryTests {
  private static let count = 10_000

  private func chunk(_ elements: Range<Int>) -> Chunk {
    Chunk(
      kind: .total, position: .start, elements: elements, precision: .float32, checksum: 0, tally: nil,
      vectorCount: Self.count)
  }

  private func filled() throws -> (SharedMemory, Place) {
    let memory = try #require(SharedMemory(count: 4 * Self.count))
    let place = memory.renew()
    let numbers = memory.numbers.assumingMemoryBound(to: Float.self)
    for index in 0..<Self.count { numbers[index] = Float(index) }
    return (memory, place)
  }

  private func payload(_ reading: PeerMemory.Reading) throws -> LentPayload {
    guard case .found(let payload) = reading else { throw ReadingError(reading: "\(reading)") }
    return payload
  }

  private struct ReadingError: Error { var reading: String }

  private func isDamaged(_ reading: PeerMemory.Reading) -> Bool {
    if case .damaged = reading { true } else { false }
  }

  private func isUnseen(_ reading: PeerMemory.Reading) -> Bool {
    if case .unseen = reading { true } else { false }
  }

  @Test func isReadWhereItLies() throws {
    let (memory, place) = try filled()
    defer { withExtendedLifetime(memory) {} }
    var peer = PeerMemory()
    let payload = try payload(peer.payload(of: chunk(500..<600), at: place))
    #expect(Array(payload.bytes.assumingMemoryBound(to: Float.self)) == (500..<600).map(Float.init))
    #expect(payload.isIntact)
  }

  @Test func whatWasOverwrittenIsNoticed() throws {
    let (memory, place) = try filled()
    defer { withExtendedLifetime(memory) {} }
    var peer = PeerMemory()
    let chunk = chunk(500..<600)
    let old = try payload(peer.payload(of: chunk, at: place))
    let next = memory.renew()
    #expect(!old.isIntact, "while it was read")
    #expect(isDamaged(peer.payload(of: chunk, at: place)), "before")
    #expect(try payload(peer.payload(of: chunk, at: next)).isIntact)
  }

  @Test func nothingBeyondItsEndIsRead() throws {
    let (memory, place) = try filled()
    defer { withExtendedLifetime(memory) {} }
    var peer = PeerMemory()
    var chunk = chunk(500..<600)
    chunk.elements = Self.count..<Self.count + 100
    #expect(isDamaged(peer.payload(of: chunk, at: place)))
  }

  /// Another process's file of the same number, an ordinary file, a device, a process that is not there.
  @Test func anythingElseIsNotSeen() throws {
    let (memory, place) = try filled()
    defer { withExtendedLifetime(memory) {} }
    let chunk = chunk(0..<100)
    let file = try #require(FileHandle(forReadingAtPath: #filePath))
    let device = try #require(FileHandle(forReadingAtPath: "/dev/zero"))
    let others: [(inout Place) -> Void] = [
      { $0.token ^= 1 }, { $0.descriptor = UInt32(file.fileDescriptor) },
      { $0.descriptor = UInt32(device.fileDescriptor) }, { $0.process = 1 << 30 },
    ]
    let places = others.map { change in
      var other = place
      change(&other)
      return other
    }
    for place in places {
      var peer = PeerMemory()
      #expect(isUnseen(peer.payload(of: chunk, at: place)))
    }
  }

  /// A reader keeps what it has seen, also when its owner has gone.
  @Test func outlivesItsOwner() throws {
    var (memory, place): (SharedMemory?, Place) = try filled()
    let chunk = chunk(0..<100)
    var peer = PeerMemory()
    let before = try payload(peer.payload(of: chunk, at: place))
    memory = nil
    #expect(memory == nil)
    let after = try payload(peer.payload(of: chunk, at: place))
    for payload in [before, after] {
      #expect(Array(payload.bytes.assumingMemoryBound(to: Float.self)) == (0..<100).map(Float.init))
    }
    var other = PeerMemory()
    #expect(isUnseen(other.payload(of: chunk, at: place)))
  }
}

@Suite struct BucketTests {
  /// The order of a backward pass: from the last element to the first.
  @Test func goWhenTheyAreLargeEnoughAndOnce() {
    let size = Buckets.leastCount
    let buckets = Buckets(count: 3 * size)
    var gone = Intervals()
    for start in stride(from: 3 * size - size / 4, through: 0, by: -size / 4) {
      guard let bucket = buckets.add(start..<start + size / 4) else { continue }
      #expect(bucket.count >= size)
      #expect(!bucket.contains(0), "the tally goes with element 0, in the end")
      #expect(gone.intersection(Intervals(bucket)).isEmpty)
      gone.formUnion(Intervals(bucket))
    }
    #expect(gone == Intervals(size..<3 * size))
    #expect(buckets.rest == Intervals(0..<size))
  }

  @Test func whatIsSmallWaitsForItsNeighbours() {
    let size = Buckets.leastCount
    let buckets = Buckets(count: 4 * size)
    #expect(buckets.add(size + 16..<2 * size) == nil)
    #expect(buckets.add(3 * size..<4 * size) == 3 * size..<4 * size)
    #expect(buckets.add(size..<size + 16) == size..<2 * size)
    #expect(buckets.rest == Intervals([0..<size, 2 * size..<3 * size]))
  }
}
