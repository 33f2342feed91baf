import Cluster
import Messages
import Testing

/// In which order, and when, reports of members are passed on.
struct ReportQueueTests {
  private static func report(_ step: UInt64, examples: UInt64 = 1) -> Report {
    Report(step: step, examples: examples, metrics: [])
  }

  private static func steps(_ reports: [Report]) -> [UInt64] { reports.map(\.step) }

  @Test func theyWaitForThoseBefore() {
    var queue = ReportQueue(periods: [2], steps: 9)
    #expect(queue.take(Self.report(4), furthest: 4, now: at(0)).isEmpty)
    #expect(Self.steps(queue.take(Self.report(2), furthest: 4, now: at(1))) == [2, 4])
    #expect(queue.recorded == 4)
    // After the last step there is one, though no period divides it.
    #expect(queue.take(Self.report(9), furthest: 9, now: at(1)).isEmpty)
    #expect(Self.steps(queue.take(Self.report(6), furthest: 9, now: at(1))) == [6])
    #expect(Self.steps(queue.take(Self.report(8), furthest: 9, now: at(1))) == [8, 9])
  }

  @Test func severalPeriodsAreAllWaitedFor() {
    var queue = ReportQueue(periods: [2, 3], steps: 12)
    #expect(queue.take(Self.report(3), furthest: 6, now: at(0)).isEmpty)
    #expect(queue.take(Self.report(6), furthest: 6, now: at(0)).isEmpty)
    #expect(queue.take(Self.report(4), furthest: 6, now: at(0)).isEmpty)
    #expect(Self.steps(queue.take(Self.report(2), furthest: 6, now: at(0))) == [2, 3, 4, 6])
  }

  @Test func theFirstOfAStepIsBelieved() {
    var queue = ReportQueue(periods: [1], steps: 9)
    #expect(queue.take(Self.report(2, examples: 5), furthest: 2, now: at(0)).isEmpty)
    #expect(queue.take(Self.report(2, examples: 6), furthest: 2, now: at(0)).isEmpty)
    #expect(queue.take(Self.report(1), furthest: 2, now: at(0)).map(\.examples) == [1, 5])
    #expect(queue.take(Self.report(1, examples: 7), furthest: 2, now: at(0)).isEmpty)
    #expect(queue.take(Self.report(10), furthest: 10, now: at(0)).isEmpty)
    #expect(queue.all().isEmpty)
  }

  @Test func whatIsMissingIsGivenUpAfterAWhile() {
    var queue = ReportQueue(periods: [1], steps: 9)
    #expect(queue.take(Self.report(2), furthest: 3, now: at(0)).isEmpty)
    #expect(queue.due(furthest: 3, now: at(5)).isEmpty)
    #expect(Self.steps(queue.due(furthest: 3, now: at(5.1))) == [2])
    // No heartbeat shows that step to be done, and the one before it is not lost.
    #expect(queue.take(Self.report(7), furthest: 3, now: at(6)).isEmpty)
    #expect(queue.due(furthest: 3, now: at(60)).isEmpty)
    #expect(Self.steps(queue.take(Self.report(3), furthest: 3, now: at(60))) == [3])
    #expect(Self.steps(queue.due(furthest: 7, now: at(60))) == [7])
  }

  @Test func inTheEndAllArePassedOn() {
    var queue = ReportQueue(periods: [1], steps: 9)
    for step: UInt64 in [9, 4, 6] { #expect(queue.take(Self.report(step), furthest: 9, now: at(0)).isEmpty) }
    #expect(Self.steps(queue.all()) == [4, 6, 9])
  }

  @Test func whatIsKeptIsNotPassedOnAgain() {
    var queue = ReportQueue(periods: [1], steps: 9)
    queue.keep(upTo: 4)
    queue.keep(upTo: 3)
    #expect(queue.take(Self.report(4), furthest: 5, now: at(0)).isEmpty)
    #expect(Self.steps(queue.take(Self.report(5), furthest: 5, now: at(0))) == [5])
  }

  /// Reports of steps that no node has done are bounded: a faulty node may send any number.
  @Test func thoseOfStepsThatNoNodeHasDoneAreBounded() {
    var queue = ReportQueue(periods: [1], steps: 1_000_000)
    let first: UInt64 = 500_000
    for step in first..<first + UInt64(ReportQueue.limit) {
      #expect(queue.take(Self.report(step), furthest: 2, now: at(0)).isEmpty)
    }
    // There is no more room: what is known to be done is passed on without those before it.
    #expect(queue.take(Self.report(999_999), furthest: 2, now: at(0)).isEmpty)
    #expect(Self.steps(queue.take(Self.report(2), furthest: 2, now: at(0))) == [2])
    #expect(queue.all().count == ReportQueue.limit)
  }
}
