import Cluster
import Messages
import Testing

/// Which states a coordinator asks for, from whom, and when.
struct StateIntakeTests {
  private static let steps = 10
  private static let learner = Walk(shards: 1)
  private static let count = LearnerState.count(of: learner)
  private static let incarnation = Incarnation(rawValue: 1)!

  private static func intake(
    interval: Duration? = nil, resuming: (step: Int, state: LearnerState)? = nil
  ) -> StateIntake {
    StateIntake(steps: steps, stateCount: count, checkpointInterval: interval, resuming: resuming, now: at(0))
  }

  private static func state(converged: Bool = false) -> LearnerState {
    LearnerState(of: learner, converged: converged)
  }

  private static func requests(_ directives: [StateIntake.Directive], to number: UInt32) -> [StateRequest] {
    directives.compactMap {
      if case .send(.stateRequest(let request), node(number)) = $0 { request } else { nil }
    }
  }

  private static func isAsking(_ directives: [StateIntake.Directive], _ number: UInt32) -> Bool {
    if case .send(.saveRequest, node(number))? = directives.first { directives.count == 1 } else { false }
  }

  /// Answers all requests, in order.
  /// - Returns: the last directives.
  private static func deliver(
    _ state: LearnerState, from number: UInt32, to intake: inout StateIntake, _ requests: [StateRequest], now: Timestamp
  ) throws -> [StateIntake.Directive] {
    var (left, last) = (requests, [StateIntake.Directive]())
    while !left.isEmpty {
      last = intake.take(try #require(state.part(left.removeFirst())), from: node(number), now: now)
      left += Self.requests(last, to: number)
    }
    return last
  }

  private static func kept(_ directives: [StateIntake.Directive]) -> UInt64? {
    if case .keep(let offer, _)? = directives.first, directives.count == 1 { offer.step } else { nil }
  }

  /// Offers a state of a step, and hands all of it over.
  private static func fetch(_ step: Int, to intake: inout StateIntake, now: Timestamp = at(0)) throws -> UInt64? {
    let state = state()
    let requests = requests(intake.consider(state.offer(step: step), of: node(1), incarnation, now: now), to: 1)
    return kept(try deliver(state, from: 1, to: &intake, requests, now: now))
  }

  @Test func aNewerStateIsFetchedAndKept() throws {
    var intake = Self.intake()
    #expect(intake.offer == nil)
    #expect(try Self.fetch(3, to: &intake) == 3)
    #expect(intake.savedStep == 3 && !intake.isLastHere)
    #expect(intake.offer?.step == 3 && intake.offer?.digest == Self.state().digest)
    let request = StateRequest(digest: Self.state().digest, bytes: 0..<16)
    #expect(intake.part(request)?.payload == [UInt8](repeating: 0, count: 16))
    #expect(intake.part(StateRequest(digest: simulatedDigest, bytes: 0..<16)) == nil)
    // No newer than what is here, and of a step that there is not.
    for step in [2, 3, 11] {
      #expect(intake.consider(Self.state().offer(step: step), of: node(1), Self.incarnation, now: at(0)).isEmpty)
    }
    #expect(try Self.fetch(Self.steps, to: &intake) == 10)
    #expect(intake.isLastHere)
  }

  @Test func theLastStateMayBeOneThatHasConverged() throws {
    var intake = Self.intake()
    let state = Self.state(converged: true)
    let requests = Self.requests(
      intake.consider(state.offer(step: 4), of: node(1), Self.incarnation, now: at(0)), to: 1)
    #expect(Self.kept(try Self.deliver(state, from: 1, to: &intake, requests, now: at(0))) == 4)
    #expect(intake.isLastHere)
    // It is here, and is not wanted once more.
    intake.wantLast()
    #expect(intake.drive(source: node(1), now: at(9)).isEmpty)
  }

  @Test func whatNodesBeginWithIsWhatTheJobGoesOnFrom() {
    let intake = Self.intake(resuming: (5, Self.state()))
    #expect(intake.offer?.step == 5 && intake.savedStep == 5)
  }

  @Test func anotherSizeIsRefusedAndSoIsAnotherContent() throws {
    var intake = Self.intake()
    var offer = Self.state().offer(step: 3)
    offer = StateOffer(step: 3, converged: false, count: offer.count + 1, digest: offer.digest)
    if case .refuse? = intake.consider(offer, of: node(1), Self.incarnation, now: at(0)).first {
    } else {
      Issue.record("it is fetched")
    }
    // Said to have converged, and has not.
    let state = Self.state()
    offer = StateOffer(step: 3, converged: true, count: Self.count, digest: state.digest)
    let requests = Self.requests(intake.consider(offer, of: node(1), Self.incarnation, now: at(0)), to: 1)
    let last = try Self.deliver(state, from: 1, to: &intake, requests, now: at(0))
    if case .refuse? = last.first {} else { Issue.record("it is kept") }
    #expect(intake.savedStep == 0 && intake.offer == nil)
  }

  @Test func partsOfOtherNodesAreNotTaken() throws {
    var intake = Self.intake()
    let state = Self.state()
    let requests = Self.requests(
      intake.consider(state.offer(step: 3), of: node(1), Self.incarnation, now: at(0)), to: 1)
    let part = try #require(state.part(requests[0]))
    #expect(intake.take(part, from: node(2), now: at(0)).isEmpty)
    // Nothing has come, so the same is requested again.
    #expect(Self.requests(intake.drive(source: nil, now: at(1.5)), to: 1) == requests)
  }

  @Test func aNewerOfferReplacesAnOlderOneThatIsUnderWay() throws {
    var intake = Self.intake()
    let state = Self.state()
    let first = intake.consider(state.offer(step: 5), of: node(1), Self.incarnation, now: at(0))
    #expect(!Self.requests(first, to: 1).isEmpty)
    #expect(intake.consider(state.offer(step: 5), of: node(2), Self.incarnation, now: at(0)).isEmpty)
    let second = intake.consider(state.offer(step: 6), of: node(2), Self.incarnation, now: at(0))
    let requests = Self.requests(second, to: 2)
    #expect(!requests.isEmpty)
    #expect(Self.kept(try Self.deliver(state, from: 2, to: &intake, requests, now: at(0))) == 6)
  }

  @Test func aNodeThatFallsSilentIsAskedAgainAndThenGivenUp() {
    var intake = Self.intake()
    let state = Self.state()
    intake.want()
    #expect(!intake.consider(state.offer(step: 3), of: node(1), Self.incarnation, now: at(0)).isEmpty)
    #expect(intake.drive(source: node(2), now: at(1)).isEmpty)
    #expect(!Self.requests(intake.drive(source: node(2), now: at(1.1)), to: 1).isEmpty)
    #expect(intake.drive(source: node(2), now: at(5.1)).isEmpty)
    #expect(Self.isAsking(intake.drive(source: node(2), now: at(5.2)), 2))
  }

  @Test func whoIsNotInTheViewIsNotWaitedFor() throws {
    var intake = Self.intake()
    intake.want()
    let view = try #require(pair().view)
    let member = view.members[0]
    _ = intake.consider(Self.state().offer(step: 3), of: member.node, member.incarnation, now: at(0))
    intake.follow(view)
    #expect(intake.drive(source: node(2), now: at(0.5)).isEmpty)
    intake.follow(View(number: ViewNumber(rawValue: 2), members: [view.members[1]], shards: 8, cause: "lost"))
    #expect(Self.isAsking(intake.drive(source: node(2), now: at(0.5)), 2))
  }

  @Test func aWantedStateIsAskedForOnceASecondUntilItIsHere() throws {
    var intake = Self.intake()
    #expect(intake.drive(source: node(1), now: at(0)).isEmpty)
    intake.want()
    #expect(intake.drive(source: nil, now: at(0)).isEmpty)
    #expect(Self.isAsking(intake.drive(source: node(1), now: at(0)), 1))
    #expect(intake.drive(source: node(1), now: at(1)).isEmpty)
    #expect(Self.isAsking(intake.drive(source: node(1), now: at(1.1)), 1))
    // Even one of the step that is here.
    #expect(try Self.fetch(0, to: &intake, now: at(2)) == 0)
    #expect(intake.drive(source: node(1), now: at(9)).isEmpty)
  }

  @Test func timeAloneWantsNothingWhereNothingHasMoved() throws {
    var intake = Self.intake(interval: .seconds(10))
    // From the first question on.
    for time in [0.0, 9] { intake.wantByTime(furthest: 3, now: at(time)) }
    #expect(intake.drive(source: node(1), now: at(9)).isEmpty)
    intake.wantByTime(furthest: 0, now: at(10))
    #expect(intake.drive(source: node(1), now: at(10)).isEmpty)
    intake.wantByTime(furthest: 3, now: at(11))
    #expect(Self.isAsking(intake.drive(source: node(1), now: at(11)), 1))
    #expect(try Self.fetch(3, to: &intake, now: at(15)) == 3)
    // A checkpoint is there: time counts from it.
    intake.wantByTime(furthest: 5, now: at(24))
    #expect(intake.drive(source: node(1), now: at(24)).isEmpty)
    intake.wantByTime(furthest: 5, now: at(25))
    #expect(Self.isAsking(intake.drive(source: node(1), now: at(25)), 1))
  }

  @Test func noMoreAreFetchedThanCanBeWritten() throws {
    var intake = Self.intake()
    for step in 1...4 { #expect(try Self.fetch(step, to: &intake) == UInt64(step)) }
    let state = Self.state()
    for step in [5, 6] {
      #expect(intake.consider(state.offer(step: step), of: node(1), Self.incarnation, now: at(0)).isEmpty)
    }
    var asked: [NodeNumber] = []
    let next = intake.wrote(
      isCurrent: { number, _ in
        asked.append(number)
        return true
      }, now: at(0))
    #expect(asked == [node(1)])
    #expect(Self.kept(try Self.deliver(state, from: 1, to: &intake, Self.requests(next, to: 1), now: at(0))) == 6)
    // The one that was wanted is fetched all the same; one of a node that is gone is not.
    intake.want()
    #expect(try Self.fetch(7, to: &intake) == 7)
    #expect(intake.consider(state.offer(step: 8), of: node(1), Self.incarnation, now: at(0)).isEmpty)
    #expect(intake.wrote(isCurrent: { _, _ in false }, now: at(0)).isEmpty)
  }
}
