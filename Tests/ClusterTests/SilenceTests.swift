import Cluster
import Messages
import Testing

/// Who is blamed for silence, and who is waited for, when the coordinator itself was away.
@Suite struct SilenceTests {
  private let incarnation = Incarnation(rawValue: 100)!

  /// Ticks as the coordinator does, four times a heartbeat, with heartbeats of these nodes.
  private func pass(
    _ membership: inout Membership, from start: Double, to end: Double, heard nodes: [UInt32]
  ) -> [Membership.Directive] {
    var directives: [Membership.Directive] = []
    for quarter in 1...Int((end - start) * 4) {
      let now = at(start + Double(quarter) / 4)
      for number in nodes {
        directives += membership.receive(
          beat(UInt64(now.nanoseconds), view: 1), from: node(number), incarnation,
          now: now)
      }
      directives += membership.tick(now: now)
    }
    return directives
  }

  @Test func whoeverComesAfterAllWereLostDoesNotWaitForTheDead() {
    var membership = pair()
    _ = pass(&membership, from: 0, to: 4, heard: [])
    #expect(membership.view == nil)
    _ = membership.receive(hello("a", 101), provenKey: nil, now: at(4))
    _ = pass(&membership, from: 4, to: 4.5, heard: [])
    #expect(membership.view?.members.map(\.name) == ["a"])
    #expect(membership.view?.number == ViewNumber(rawValue: 2), "numbers go on")
  }

  @Test func aCoordinatorThatSleptBlamesNobody() {
    var membership = pair()
    _ = pass(&membership, from: 0, to: 2, heard: [1, 2])
    // For 28 s it is stopped, and its clock is read before its sockets are.
    #expect(membership.tick(now: at(30)) == [])
    // From here on silence counts again.
    _ = pass(&membership, from: 30, to: 32.5, heard: [1])
    #expect(membership.view?.number == ViewNumber(rawValue: 1))
    _ = pass(&membership, from: 32.5, to: 34, heard: [1])
    #expect(membership.view?.members.map(\.name) == ["a"])
  }

  @Test func aRestartedCoordinatorThatIsSlowToBeginWaitsAsLong() {
    var membership = restarted(2)
    #expect(membership.tick(now: at(30)) == [])
    _ = pass(&membership, from: 30, to: 39.5, heard: [])
    #expect(membership.view?.members.count == 2)
    _ = pass(&membership, from: 39.5, to: 41, heard: [])
    #expect(membership.view == nil)
  }

  @Test func whoWasHeardAfterARestartIsLostAsUsual() {
    var membership = restarted(2)
    let view = membership.view
    _ = pass(&membership, from: 0, to: 1, heard: [1, 2])
    #expect(membership.view == view)
    _ = pass(&membership, from: 1, to: 4.5, heard: [1])
    #expect(membership.view?.members.map(\.name) == ["a"], "the grace is for those not heard yet")
  }

  @Test func absenceIsNotSilence() {
    var clock = AwakeClock(at: at(100))
    for tick in 1...20 { clock.tick(.zero + .milliseconds(100_000 + 100 * tick)) }
    #expect(clock.now == at(102))
    clock.tick(at(500))
    #expect(clock.now == at(103))
    clock.tick(at(500.5))
    #expect(clock.now == at(103.5))
  }

  private func names(_ membership: Membership) -> [String] { membership.view?.members.map(\.name) ?? [] }

  @Test func whoDiedWithTheCoordinatorIsMissedThreeHeartbeatsAfterTheOthersAreBack() {
    for nodes in 2...4 {
      var membership = restarted(nodes)
      let others = (1..<UInt32(nodes)).map { $0 }
      _ = pass(&membership, from: 0, to: 3, heard: others)
      #expect(membership.view?.number == ViewNumber(rawValue: 1))
      _ = pass(&membership, from: 3, to: 3.5, heard: others)
      #expect(names(membership) == Array(["a", "b", "c"].prefix(nodes - 1)))
      #expect(membership.view?.cause.contains("no heartbeat for 3000 ms") == true)
    }
  }

  @Test func whoeverComesLateMayBeFollowedByOthers() {
    // No node comes for nearly all of the grace, and then one after the other.
    var membership = restarted(4)
    _ = pass(&membership, from: 0, to: 9, heard: [])
    for back in 1...3 as ClosedRange<UInt32> {
      let start = 6.5 + 2.5 * Double(back)
      _ = pass(&membership, from: start, to: start + 2.5, heard: Array(1...back))
      #expect(membership.view?.members.count == 4, "\(back)")
    }
    _ = pass(&membership, from: 16.5, to: 17.5, heard: [1, 2, 3])
    #expect(names(membership) == ["a", "b", "c"])
  }

  @Test func oneOfManyThatIsBackDoesNotMakeTheOthersLost() {
    // The others' network may be what is missing.
    var membership = restarted(4)
    _ = pass(&membership, from: 0, to: 9.75, heard: [1])
    #expect(membership.view?.members.count == 4)
    _ = pass(&membership, from: 9.75, to: 10.5, heard: [1])
    #expect(names(membership) == ["a"])
  }

  @Test func aLaterStartOfAMemberIsAMemberThatIsBack() {
    var membership = restarted(2)
    _ = membership.receive(hello("a", 200), provenKey: nil, now: at(0.5))
    let later = Incarnation(rawValue: 200)!
    for second in 1...4 {
      _ = membership.receive(beat(UInt64(second), view: 2), from: node(1), later, now: at(Double(second)))
      _ = membership.tick(now: at(Double(second)))
      #expect(names(membership) == (second < 4 ? ["a", "b"] : ["a"]))
    }
  }

  @Test func shortHeartbeatsLeaveTimeToFindTheCoordinator() {
    var rules = configuration(2)
    rules.heartbeat = .milliseconds(100)
    var membership = Membership(configuration: rules, replaying: logged(2).log, now: at(0))
    for tick in 1...50 {
      let now = Timestamp.zero + .milliseconds(50 * tick)
      _ = membership.receive(beat(UInt64(tick), view: 1), from: node(1), incarnation, now: now)
      _ = membership.tick(now: now)
      #expect(membership.view?.members.count == (tick <= 41 ? 2 : 1), "\(tick)")
    }
  }
}
