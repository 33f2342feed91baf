import Tensors
import Testing
import Training

@Suite("Phases that only some steps have") struct PhaseTests {
  private struct Silence: TrainingObserver {
    func step(_ report: TrainingReport) {}
    func report(_ report: TrainingReport) {}
    func checkpoint(_ moment: Trainer.Moment) {}
  }

  private func counts(from first: Int, to steps: Int) async throws -> [Float] {
    let learner = Drift(periods: [3, 2])
    let plan = TrainingPlan(seed: 0, shards: 1, steps: steps, reportEvery: 100)
    let trainer = Trainer(learner, plan: plan, crew: Crew(lanes: 1), observer: Silence())
    _ = try await trainer.train(from: first, until: StopRequest())
    return Array(learner.parameters.float32[0..<3])
  }

  /// Steps 0, 3 and 6; 0, 2, 4 and 6.
  @Test func belongToTheStepsThatTheirPeriodDivides() async throws {
    #expect(try await counts(from: 0, to: 7) == [7, 3, 4])
    #expect(try await counts(from: 4, to: 7) == [3, 1, 2])
  }
}
