import Synchronization
import Testing
import Training

@Suite("Checkpoints that are due by time") struct CheckpointTimeTests {
  /// A training whose steps take three minutes each, and the steps of its checkpoints.
  private final class Watch: TrainingObserver {
    private let state = Mutex((time: Duration.zero, checkpoints: [Int]()))
    var time: Duration { state.withLock { $0.time } }
    var checkpoints: [Int] { state.withLock { $0.checkpoints } }

    func step(_ report: TrainingReport) { state.withLock { $0.time += .seconds(180) } }
    func report(_ report: TrainingReport) {}
    func checkpoint(_ moment: Trainer.Moment) { state.withLock { $0.checkpoints.append(moment.step) } }
  }

  private func checkpoints(every steps: Int, minutes: Int?) async throws -> [Int] {
    let (watch, learner) = (Watch(), Drift())
    let plan = TrainingPlan(
      seed: 0, shards: 1, steps: 12, reportEvery: 100, checkpointEvery: steps,
      checkpointInterval: minutes.map { .seconds(60 * $0) })
    let trainer = Trainer(learner, plan: plan, crew: Crew(lanes: 1), observer: watch, time: { watch.time })
    _ = try await trainer.train(until: StopRequest())
    #expect(learner.position == 12)
    return watch.checkpoints
  }

  @Test func afterTheStepThatTheTimeIsOverIn() async throws {
    #expect(try await checkpoints(every: 0, minutes: 10) == [4, 8])
    #expect(try await checkpoints(every: 0, minutes: nil) == [])
    #expect(try await checkpoints(every: 5, minutes: nil) == [5, 10])
  }

  @Test func aCheckpointByStepsStartsTheTimeAnew() async throws {
    #expect(try await checkpoints(every: 6, minutes: 10) == [4, 6, 10])
  }

  @Test func theFirstQuestionStartsTheTime() {
    var timer = CheckpointTimer(.seconds(10))
    #expect([100, 109, 110, 111].map { timer.isDue(at: .seconds($0)) } == [false, false, true, true])
    timer.restart(at: .seconds(115))
    #expect([116, 124, 125].map { timer.isDue(at: .seconds($0)) } == [false, false, true])
    var never = CheckpointTimer(nil)
    #expect([0, 1_000_000].map { never.isDue(at: .seconds($0)) } == [false, false])
  }
}
