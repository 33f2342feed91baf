import Cluster
import Messages
import Testing

@Suite struct ExchangeMachineTests {
  private static let count = 48
  private let now = Timestamp.zero

  private func node(_ number: UInt32) -> NodeNumber { NodeNumber(rawValue: number)! }
  private let incarnation = Incarnation(rawValue: 1)!

  private func message(from number: UInt32, _ body: DataBody) -> DataMessage {
    DataMessage(
      header: DataHeader(
        job: JobID(rawValue: 1)!, sender: node(number), incarnation: incarnation, view: ViewNumber(rawValue: 1),
        position: .start, bytesBefore: 0), body: body)
  }

  private let digest = Digest(bytes: [UInt8](repeating: 1, count: 32))!

  /// What nodes 2 and 3 say of themselves: they have another history than node 1.
  private let account = Sync(
    position: .start, chain: Chain(rawValue: 2), previousChain: Chain(rawValue: 0), retainsTotals: false,
    shardsDone: Intervals())

  private func state(_ elements: Range<Int>) -> Chunk {
    Chunk(
      kind: .state(digest: digest, chain: Chain(rawValue: 2)), position: .start, elements: elements, precision: .bytes,
      checksum: 0, tally: nil, vectorCount: 8)
  }

  /// Node 1 of three, in their first view.
  private func machineInView() -> ExchangeMachine {
    var machine = ExchangeMachine(
      node: node(1),
      configuration: ExchangeMachine.Configuration(shards: 3, phases: [Self.count], stateCount: 8),
      chain: Chain(rawValue: 1))
    let members = (1...3).map { number in
      Member(
        node: node(UInt32(number)), incarnation: incarnation, name: "n\(number)", lanes: 1,
        dataEndpoints: ["tcp://127.0.0.1:1"], publicKey: nil, shards: number - 1..<number)
    }
    _ = machine.install(View(number: ViewNumber(rawValue: 1), members: members, shards: 3, cause: "test"), now: now)
    return machine
  }

  @Test("State that comes before the last account is asked for as soon as that is there")
  func earlyState() {
    var machine = machineInView()
    _ = machine.receive(message(from: 2, .sync(account)), now: now)
    #expect(machine.receive(message(from: 2, .chunk(state(0..<4))), now: now) == [.refuse(.early)])
    let directives = machine.receive(message(from: 3, .sync(account)), now: now)
    #expect(directives.contains(.send(.request(.state(elements: Intervals(0..<4))), to: [node(2)])))
    _ = machine.receive(message(from: 3, .chunk(state(4..<8))), now: now)
    let loading = machine.receive(message(from: 2, .chunk(state(0..<4))), now: now)
    #expect(loading.contains(.loadState(.start, digest: digest)))
  }

  /// A node has contributed, and finds in a new view that the others have come to the same position with another
  /// history: it gets their state, and its contribution is void.
  @Test func whatWasContributedToAnotherHistoryIsVoid() {
    var machine = machineInView()
    _ = machine.contributed(shard: 0, elements: Intervals(0..<Self.count), position: .start, now: now)
    for number: UInt32 in 2...3 { _ = machine.receive(message(from: number, .sync(account)), now: now) }
    let loading = machine.receive(message(from: 2, .chunk(state(0..<8))), now: now)
    #expect(loading.contains(.loadState(.start, digest: digest)))
    let directives = machine.stateLoaded(succeeded: true, finished: false, now: now)
    #expect(directives.contains(.release(.start)))
    #expect(machine.shardsDone.isEmpty)
  }
}
