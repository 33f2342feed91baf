import Cluster
import Messages
import Testing

/// Membership and ledger, message by message; what happens between them is the simulation's.
@Suite struct MembershipTests {
  private func refusal(_ directives: [Membership.Directive]) -> Refused.Code? {
    guard case .reply(.refused(let refused))? = directives.first else { return nil }
    return refused.code
  }

  @Test func theFirstViewWaitsForAllThatAreExpected() {
    var membership = Membership(configuration: configuration(2))
    let first = membership.receive(hello("a"), provenKey: nil, now: at(0))
    #expect(membership.view == nil)
    #expect(first.contains(.log(.dataFingerprinted(simulatedDigest))))
    let second = membership.receive(hello("b"), provenKey: nil, now: at(1))
    #expect(membership.view?.members.map(\.shards) == [0..<4, 4..<8])
    let logged = second.firstIndex { if case .log(.viewDecided) = $0 { true } else { false } }
    let announced = second.firstIndex { if case .send(.view, _) = $0 { true } else { false } }
    #expect(logged! < announced!, "in the log before anybody hears of it")
  }

  @Test func theFirstViewDoesNotWaitForEver() {
    var membership = Membership(configuration: configuration(3))
    _ = membership.receive(hello("a"), provenKey: nil, now: at(0))
    var directives: [Membership.Directive] = []
    for second in stride(from: 0.5, to: 61, by: 0.5) {
      _ = membership.receive(
        beat(UInt64(second * 2), view: 0), from: node(1), Incarnation(rawValue: 100)!, now: at(second))
      directives += membership.tick(now: at(second))
    }
    #expect(membership.view?.members.count == 1)
  }

  @Test func strangersAreToldWhy() {
    var membership = pair()
    #expect(refusal(membership.receive(hello("c") { $0.build = "x" }, provenKey: nil, now: at(1))) == .buildDiffers)
    let other = Digest(bytes: [UInt8](repeating: 1, count: 32))!
    #expect(refusal(membership.receive(hello("c") { $0.recipe = other }, provenKey: nil, now: at(1))) == .recipeDiffers)
    #expect(refusal(membership.receive(hello("c") { $0.data = other }, provenKey: nil, now: at(1))) == .dataDiffers)
    #expect(refusal(membership.receive(hello("a", 99), provenKey: nil, now: at(1))) == .staleIncarnation)
    let key = PublicKey(bytes: [UInt8](repeating: 3, count: 32))!
    #expect(refusal(membership.receive(hello("c"), provenKey: key, now: at(1))) == .notListed)
    #expect(refusal(membership.receive(hello("c") { $0.publicKey = key }, provenKey: nil, now: at(1))) == .notListed)
    #expect(refusal(membership.receive(hello("c") { $0.publicKey = key }, provenKey: key, now: at(1))) == nil)
    _ = membership.end(Stop(reason: .asked, explanation: "enough"), now: at(2))
    #expect(refusal(membership.receive(hello("d"), provenKey: nil, now: at(3))) == .jobOver)
  }

  @Test func aListedKeySpeaksForItsOwnNodeAlone() {
    let keys = (1...2).map { PublicKey(bytes: [UInt8](repeating: $0, count: 32))! }
    var membership = Membership(configuration: configuration(2))
    for (name, key) in zip(["a", "b"], keys) {
      _ = membership.receive(hello(name) { $0.publicKey = key }, provenKey: key, now: at(0))
    }
    let first = Incarnation(rawValue: 100)!
    #expect(!membership.isImpostor(node(1), first, provenKey: keys[0]))
    #expect(membership.isImpostor(node(1), first, provenKey: keys[1]))
    #expect(membership.isImpostor(node(1), first, provenKey: nil))
    // Nor can it take another's place, by the same start or by a later one, as long as that one is there.
    for incarnation in [100, 101] as [UInt64] {
      let stolen = hello("a", incarnation) { $0.publicKey = keys[1] }
      #expect(refusal(membership.receive(stolen, provenKey: keys[1], now: at(1))) == .notListed)
    }
    #expect(membership.view?.members.map(\.incarnation) == [first, first])
    let restarted = hello("a", 101) { $0.publicKey = keys[0] }
    #expect(refusal(membership.receive(restarted, provenKey: keys[0], now: at(1))) != .notListed)
    _ = membership.gone("a", now: at(2))
    let replaced = hello("a", 102) { $0.publicKey = keys[1] }
    #expect(refusal(membership.receive(replaced, provenKey: keys[1], now: at(3))) == nil)
  }

  @Test func aRepeatedHelloIsTheSameAsOne() {
    var membership = pair()
    let again = membership.receive(hello("a"), provenKey: nil, now: at(0.1))
    #expect(membership.view?.number == ViewNumber(rawValue: 1))
    #expect(again.contains(.reply(.view(membership.view!))))
    #expect(!again.contains { if case .log = $0 { true } else { false } })
  }

  @Test func threeMissingHeartbeatsMakeANodeLost() {
    var membership = pair()
    let incarnation = Incarnation(rawValue: 100)!
    for second in 1...3 {
      _ = membership.receive(beat(UInt64(second), view: 1), from: node(1), incarnation, now: at(Double(second)))
      #expect(membership.tick(now: at(Double(second))) == [])
      #expect(membership.statuses(now: at(0))[1].state == (second < 2 ? .member : .suspect))
    }
    let directives = membership.tick(now: at(3.1))
    #expect(membership.view?.number == ViewNumber(rawValue: 2))
    #expect(membership.view?.members.map(\.node) == [node(1)])
    #expect(membership.view?.cause.contains("node 2 (b) is lost: no heartbeat for 3000 ms") == true)
    #expect(directives.contains { if case .send(.dismissed, let to) = $0 { to == node(2) } else { false } })
    // It wakes up, speaks as a member, is dismissed, and comes back as a new start.
    let told = membership.receive(beat(2, view: 1), from: node(2), incarnation, now: at(4))
    #expect(told.count == 1)
    guard case .reply(.dismissed(let dismissed))? = told.first else {
      Issue.record("not dismissed")
      return
    }
    #expect(dismissed.incarnation == incarnation)
    #expect(membership.receive(hello("b", 100), provenKey: nil, now: at(4)).count == 1)
    _ = membership.receive(beat(4, view: 2), from: node(1), incarnation, now: at(4))
    _ = membership.receive(hello("b", 101), provenKey: nil, now: at(4))
    #expect(membership.view?.number == ViewNumber(rawValue: 2), "joiners wait for each other")
    _ = membership.tick(now: at(4.3))
    #expect(membership.view?.members.map(\.incarnation.rawValue) == [100, 101])
    #expect(membership.statuses(now: at(5))[1].restarts == 1)
  }

  @Test func aLaterStartTakesThePlaceAtOnce() {
    var membership = pair()
    let directives = membership.receive(hello("b", 200), provenKey: nil, now: at(0.5))
    #expect(membership.view?.members.map(\.incarnation.rawValue) == [100, 200])
    #expect(
      directives.contains {
        if case .send(.refused(let refused), _) = $0 { refused.code == .superseded } else { false }
      })
  }

  @Test("A clock that went back: a killed node takes its own place again, and not that of one that is alive")
  func earlierClock() throws {
    var membership = pair()
    var session = NodeSession(
      configuration: NodeSession.Configuration(
        name: "b", build: "b", recipe: simulatedDigest, data: simulatedDigest, lanes: 1, dataEndpoints: ["tcp://b:1"],
        publicKey: nil), incarnation: Incarnation(rawValue: 7)!)
    /// Says Hello at a time; what came of it.
    func knock(_ second: Double) throws -> [NodeSession.Directive] {
      let said = session.tick(now: at(second), position: .start) { beat($0, view: 0) }
      guard case .send(.hello(let hello))? = said.first else { return said }
      let answers = membership.receive(hello, provenKey: nil, now: at(second))
      guard case .reply(let body)? = answers.first(where: { if case .reply = $0 { true } else { false } }) else {
        return []
      }
      let message = ControlMessage(
        job: simulatedJob, sender: nil, incarnation: nil, epoch: Epoch(rawValue: 1), body: body)
      return session.receive(message, now: at(second))
    }
    // Killed a moment ago, so taken for alive: it goes on knocking.
    #expect(try knock(0.5) == [])
    #expect(try knock(1.5) == [])
    #expect(membership.view?.members.map(\.incarnation.rawValue) == [100, 100])
    _ = membership.gone("b", now: at(2))
    #expect(try knock(2.5) == [])
    #expect(session.incarnation.rawValue == 101)
    #expect(try knock(3) == [.admitted(node(2))])
    // Another one of the same name, while that one lives: refused in the end.
    session = NodeSession(configuration: session.configuration, incarnation: Incarnation(rawValue: 8)!)
    var outcome: [NodeSession.Directive] = []
    for second in 4...30 where outcome.isEmpty {
      _ = membership.receive(
        beat(UInt64(second), view: 0), from: node(2), Incarnation(rawValue: 101)!, now: at(Double(second)))
      outcome = try knock(Double(second))
    }
    guard case .refused(let refused)? = outcome.first else {
      Issue.record("\(outcome)")
      return
    }
    #expect(refused.code == .staleIncarnation && refused.explanation == "a later start of b is there")
  }

  @Test func whoLeavesIsReplacedAtOnce() {
    var membership = pair()
    _ = membership.receive(
      Leave(reason: .asked, explanation: "SIGTERM"), from: node(1), Incarnation(rawValue: 100)!, now: at(0.5))
    #expect(membership.view?.members.map(\.shards) == [0..<8])
    #expect(membership.view?.cause == "node 1 (a) has left: SIGTERM")
  }

  @Test func anOldViewInAHeartbeatIsAnsweredWithTheNewest() {
    var membership = pair()
    let replies = membership.receive(beat(1, view: 0), from: node(1), Incarnation(rawValue: 100)!, now: at(0.5))
    #expect(replies.contains(.reply(.view(membership.view!))))
    let none = membership.receive(beat(2, view: 1), from: node(1), Incarnation(rawValue: 100)!, now: at(0.6))
    #expect(none == [.reply(.heartbeatReply(HeartbeatReply(sequence: 2, view: ViewNumber(rawValue: 1))))])
  }

  @Test func aNodeThatIsAliveButStuckIsNamedAndThenLost() {
    var membership = pair()
    let incarnation = Incarnation(rawValue: 100)!
    var stuckAt: Double?
    var lostAt: Double?
    for second in 1...200 where lostAt == nil {
      let now = at(Double(second))
      // Node 2 computes and computes; node 1 has done its part and waits for it.
      _ = membership.receive(
        beat(UInt64(second), view: 1) { $0.waits = [Wait(node: node(2), cause: .partials)] }, from: node(1),
        incarnation, now: now)
      _ = membership.receive(beat(UInt64(second), view: 1), from: node(2), incarnation, now: now)
      _ = membership.tick(now: now)
      let states = membership.statuses(now: now).map(\.state)
      if states[1] == .stuck, stuckAt == nil { stuckAt = Double(second) }
      if states[1] == .lost { lostAt = Double(second) }
      #expect(states[0] == .member, "a node that waits is not to blame")
    }
    #expect(stuckAt == 62 && lostAt == 122)
    #expect(membership.view?.members.map(\.node) == [node(1)])
  }

  @Test func theJobMayEndWhenEveryoneHasTheLastTotal() {
    var membership = pair()
    let incarnation = Incarnation(rawValue: 100)!
    let first = membership.receive(
      beat(1, view: 1) { $0.stage = .finished }, from: node(1), incarnation, now: at(1))
    #expect(!first.contains { if case .finished = $0 { true } else { false } })
    let second = membership.receive(
      beat(1, view: 1) { $0.stage = .finished }, from: node(2), incarnation, now: at(1))
    #expect(second.contains { if case .finished = $0 { true } else { false } })
    let end = membership.end(Stop(reason: .completed, explanation: "done"), now: at(1))
    #expect(end.contains(.log(.jobEnded(.completed))))
    #expect(end.count { if case .send(.stop, _) = $0 { true } else { false } } == 2)
    // A node that has not received it asks by sending further heartbeats.
    let later = membership.receive(beat(2, view: 1), from: node(1), incarnation, now: at(2))
    #expect(later == [.reply(.stop(membership.stop!))])
  }

  @Test func aRestartedCoordinatorKnowsItsNodes() {
    let (membership, log) = logged(2)
    var restarted = Membership(configuration: configuration(2), replaying: log, now: at(0))
    #expect(restarted.view == membership.view)
    let incarnation = Incarnation(rawValue: 100)!
    // Node 1 is heard again, node 2 is not.
    for second in 1...14 {
      _ = restarted.receive(beat(UInt64(second), view: 1), from: node(1), incarnation, now: at(Double(second)))
      _ = restarted.tick(now: at(Double(second)))
      #expect(restarted.view?.members.count == (second <= 4 ? 2 : 1))
    }
    #expect(restarted.view?.number == ViewNumber(rawValue: 2), "numbers go on")
    #expect(
      refusal(
        restarted.receive(
          hello("c") { $0.data = Digest(bytes: [UInt8](repeating: 9, count: 32))! }, provenKey: nil, now: at(15)))
        == .dataDiffers)
    let ended = Membership(configuration: configuration(2), replaying: log + [.jobEnded(.completed)], now: at(0))
    #expect(ended.stop?.reason == .completed)
  }
}

@Suite struct ShardLedgerTests {
  private let incarnation = Incarnation(rawValue: 100)!

  private func view(_ number: UInt64, _ blocks: [Range<Int>]) -> View {
    View(
      number: ViewNumber(rawValue: number),
      members: blocks.enumerated().map { index, shards in
        Member(
          node: node(UInt32(index + 1)), incarnation: incarnation, name: "n\(index)", lanes: 1,
          dataEndpoints: ["tcp://a:1"], publicKey: nil, shards: shards)
      }, shards: 8, cause: "")
  }

  private func late(_ step: UInt64, missing: Range<Int>, done: Range<Int>) -> Late {
    Late(
      view: ViewNumber(rawValue: 1), position: PhaseIndex(step: step, phase: 0), missing: Intervals(missing),
      shardsDone: Intervals(done), waitingMilliseconds: 500)
  }

  @Test func lateShardsGoToIdleNodesOnce() throws {
    var ledger = ShardLedger()
    ledger.begin(view(1, [0..<3, 3..<6, 6..<8]))
    // Node 2 is slow. Node 3 has said that it is done, and so does node 1 with its complaint.
    #expect(
      ledger.report(
        node: node(3), incarnation: incarnation, view: ViewNumber(rawValue: 1), position: PhaseIndex(step: 4, phase: 0),
        done: Intervals(6..<8)) == nil)
    let orders = try ledger.rescue(late(4, missing: 3..<6, done: 0..<3), from: node(1), incarnation).get()
    #expect(orders.map(\.shards) == [3..<4, 4..<5, 5..<6])
    #expect(orders.map(\.node) == [node(1), node(3), node(1)])
    // The same complaint of another owner asks the node that is left for each shard, and no node twice.
    let more = try ledger.rescue(late(4, missing: 3..<6, done: 6..<8), from: node(3), incarnation).get()
    #expect(more.map(\.node) == [node(3), node(1), node(3)])
    #expect(try ledger.rescue(late(4, missing: 3..<6, done: 6..<8), from: node(3), incarnation).get() == [])
    #expect(ledger.executors(of: 4) == [node(2), node(3), node(1)])
  }

  @Test func whatIsDoneIsNotComputedAgain() throws {
    var ledger = ShardLedger()
    ledger.begin(view(1, [0..<4, 4..<8]))
    for _ in 0..<2 {
      #expect(
        ledger.report(
          node: node(2), incarnation: incarnation, view: ViewNumber(rawValue: 1), position: .start,
          done: Intervals(4..<7)) == nil)
    }
    #expect(ledger.duplicates == 0, "said twice is done once")
    let orders = try ledger.rescue(late(0, missing: 4..<8, done: 0..<4), from: node(1), incarnation).get()
    #expect(orders.map(\.shards) == [7..<8])
    #expect(
      ledger.report(
        node: node(1), incarnation: incarnation, view: ViewNumber(rawValue: 1), position: .start,
        done: Intervals([0..<4, 7..<8])) == nil)
    #expect(
      ledger.report(
        node: node(2), incarnation: incarnation, view: ViewNumber(rawValue: 1), position: .start,
        done: Intervals(4..<8)) == nil)
    #expect(ledger.doneBy(7) == node(1))
    #expect(ledger.duplicates == 1)
  }

  @Test func staleReportsAreRefused() {
    var ledger = ShardLedger()
    ledger.begin(view(1, [0..<4, 4..<8]))
    func report(_ view: UInt64, _ incarnation: UInt64, _ step: UInt64, _ done: Range<Int> = 0..<1) -> ShardLedger
      .Refusal?
    {
      ledger.report(
        node: node(1), incarnation: Incarnation(rawValue: incarnation)!, view: ViewNumber(rawValue: view),
        position: PhaseIndex(step: step, phase: 0), done: Intervals(done))
    }
    #expect(report(1, 100, 5) == nil)
    #expect(report(0, 100, 5) == .staleView)
    #expect(report(2, 100, 5) == .staleView)
    #expect(report(1, 99, 5) == .staleIncarnation)
    #expect(report(1, 100, 4) == .stalePosition)
    #expect(report(1, 100, 5, 7..<9) == .unfit)
    #expect(ledger.doneBy(0) == node(1))
    #expect(report(1, 100, 6, 1..<2) == nil)
    #expect(ledger.doneBy(0) == nil, "a later phase begins with nothing done")
    ledger.begin(view(2, [0..<8]))
    #expect(report(1, 100, 6) == .staleView)
    #expect(report(2, 100, 3) == nil, "a new view may begin further back")
  }
}
