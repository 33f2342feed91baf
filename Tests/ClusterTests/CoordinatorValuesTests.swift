import Cluster
import Messages
import Testing
import ZeroMQ

/// The smaller values that a coordinator consists of.
struct CoordinatorValuesTests {
  private static func route(_ number: UInt8) -> RoutingID { RoutingID(bytes: [number]) }

  @Test func aJobIsAsFarAsItsFurthestNode() {
    var progress = JobProgress(now: at(0))
    #expect(progress.runningSince == nil && progress.stillness(now: at(4)) == .seconds(4))
    let positions = [PhaseIndex(step: 3, phase: 0), PhaseIndex(step: 2, phase: 1), PhaseIndex(step: 3, phase: 1)]
    for (second, position) in positions.enumerated() {
      progress.follow(beat(1, view: 1) { $0.position = position }, now: at(Double(5 + second)))
    }
    #expect(progress.furthest == positions[2])
    #expect(progress.runningSince == at(5))
    #expect(progress.stillness(now: at(8)) == .seconds(1))
    progress.follow(beat(2, view: 1), now: at(8))
    #expect(progress.stillness(now: at(9)) == .seconds(2))
    // An evaluation takes long, and another view begins anew.
    progress.follow(beat(3, view: 1) { $0.stage = .evaluating }, now: at(9))
    #expect(progress.stillness(now: at(9)) == .zero)
    progress.viewChanged(now: at(11))
    #expect(progress.stillness(now: at(12)) == .seconds(1))
    #expect(progress.runningSince == at(5) && progress.furthest == positions[2])
  }

  @Test func strangersAreNotedOnce() {
    var strangers = Strangers()
    for _ in 0..<3 { strangers.refuse() }
    #expect(strangers.refused == 3)
    #expect([1, 2, 1].map { strangers.isFirst(Self.route($0)) } == [true, true, false])
    #expect([0, 4, 5].map { strangers.isSilenceNew($0) } == [false, true, false])
  }

  @Test func aNodeIsWhereItWasLastHeard() {
    var routes = NodeRoutes()
    #expect(routes[node(1)] == nil)
    routes.prepares(Self.route(1))
    routes.prepares(Self.route(2))
    routes[node(1)] = Self.route(1)
    routes.isReady(Self.route(1))
    #expect(routes.preparing == [Self.route(2)])
    routes[node(1)] = Self.route(3)
    #expect(routes[node(1)] == Self.route(3))
  }

  @Test func strangersThatPrepareForEverAreBounded() {
    var routes = NodeRoutes()
    for number in 0..<Limits.members + 5 {
      routes.prepares(RoutingID(bytes: [UInt8(number & 255), UInt8(number >> 8)]))
    }
    #expect(routes.preparing.count == Limits.members)
  }

  @Test func theLastNodeThatIsToldEndsTheWait() async {
    var farewell = Farewell()
    #expect(farewell.isDone)
    for number: UInt32 in [1, 2] { farewell.owe(node(number)) }
    #expect(!farewell.isDone)
    await withCheckedContinuation { continuation in
      farewell.wait(continuation)
      farewell.told(node(3))
      farewell.told(node(1))
      #expect(!farewell.isDone)
      farewell.told(node(2))
    }
    #expect(farewell.isDone)
    farewell.owe(node(1))
    await withCheckedContinuation { continuation in
      farewell.wait(continuation)
      farewell.stopWaiting()
      // The wait is over: nothing is resumed twice.
      farewell.told(node(1))
    }
  }
}
