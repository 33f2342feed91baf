import Cluster

/// SplitMix64 (Steele, Lea & Flood 2014): a seeded generator, so that a failure can be replayed.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return mix(state)
  }

  mutating func chance(_ probability: Double) -> Bool { Double.random(in: 0..<1, using: &self) < probability }

  /// Between the two, more often short than long.
  mutating func duration(_ low: Duration, _ high: Duration) -> Duration {
    let share = Double.random(in: 0..<1, using: &self)
    return low + (high - low) * (share * share)
  }
}

func mix(_ word: UInt64) -> UInt64 {
  var word = word
  word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
  word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
  return word ^ (word >> 31)
}

/// Events in the order of their time, and of their making at equal times.
struct EventQueue<Event> {
  private struct Entry {
    var time: Timestamp
    var number: UInt64
    var event: Event

    func precedes(_ other: Entry) -> Bool { (time, number) < (other.time, other.number) }
  }
  private var heap: [Entry] = []
  private var nextNumber: UInt64 = 0

  var count: Int { heap.count }

  mutating func add(_ event: Event, at time: Timestamp) {
    heap.append(Entry(time: time, number: nextNumber, event: event))
    nextNumber += 1
    var index = heap.count - 1
    while index > 0, heap[index].precedes(heap[(index - 1) / 2]) {
      heap.swapAt(index, (index - 1) / 2)
      index = (index - 1) / 2
    }
  }

  mutating func next() -> (time: Timestamp, event: Event)? {
    guard !heap.isEmpty else { return nil }
    heap.swapAt(0, heap.count - 1)
    let entry = heap.removeLast()
    var index = 0
    while true {
      var least = index
      for child in [2 * index + 1, 2 * index + 2] where child < heap.count && heap[child].precedes(heap[least]) {
        least = child
      }
      guard least != index else { return (entry.time, entry.event) }
      heap.swapAt(index, least)
      index = least
    }
  }
}
