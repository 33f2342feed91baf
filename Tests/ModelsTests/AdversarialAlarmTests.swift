import Datasets
import Foundation
import Tensors
import Testing
import Training

/// A training that has gone wrong says so, once, with the likely cause.
@Suite struct CollapseTests {
  private func alarms(
    _ overrides: [String], width: Int = 9, steps: Int = 320, spoil: (any Learner) throws -> Void = { _ in }
  ) async throws -> (heard: [String], metrics: [String: Double]) {
    let small = [
      "network.generator=[4]", "network.discriminator=[16]", "network.latent=2", "network.dropout=0", "train.batch=20",
    ]
    let learner = try learner("gan", try imageData(count: 100, width: width), small + overrides)
    try spoil(learner)
    let observer = AlarmObserver()
    let plan = TrainingPlan(seed: 0, shards: 2, steps: steps, reportEvery: steps)
    let trainer = Trainer(learner, plan: plan, crew: Crew(lanes: 1), observer: observer)
    _ = try await trainer.train(until: StopRequest())
    return observer.heard.value
  }

  @Test func samplesThatAreAllAlike() async throws {
    // No step moves the generator, which makes the same whatever the noise.
    let found = try await alarms(["optimizer.learning_rate=0"]) { learner in
      for slot in learner.parameters.layout.slots where slot.name.hasSuffix("weight") {
        learner.parameters.tensor(slot).buffer.update(repeating: 0)
      }
    }
    #expect(found.heard.count == 1 && found.heard[0].contains("collapsed"))
    #expect(found.metrics["train/alarm_collapse"] == 1)
    #expect(found.metrics["train/alarm_saturation"] == 0)
  }

  @Test func aDiscriminatorThatTellsEverythingApart() async throws {
    let found = try await alarms(
      ["optimizer.learning_rate=0", "discriminator_optimizer.learning_rate=0.01", "network.discriminator=[64]"],
      steps: 1_500)
    #expect(found.heard.count == 1 && found.heard[0].contains("tells everything apart"))
    #expect(found.metrics["train/alarm_saturation"] == 1)
  }

  @Test func aTrainingThatGoesWellIsNotInterrupted() async throws {
    let found = try await alarms([])
    #expect(found.heard == [])
    #expect(found.metrics["train/alarm_collapse"] == 0)
  }

  @Test(
    "Defect 21: a penalty that is taken in the first step alone is said", arguments: ["r1_interval", "path_interval"])
  func rarePenalties(key: String) async throws {
    let style = [
      "network.architecture=style", "network.channel_base=16", "network.minibatch_group=4", "objective.r1=1",
      "objective.path_length=1", "objective.r1_interval=2", "objective.path_interval=2",
    ]
    #expect(try await alarms(style, width: 64, steps: 4).heard == [])
    let heard = try await alarms(style + ["objective.\(key)=4"], width: 64, steps: 4).heard
    #expect(heard.count == 1 && heard[0].contains("objective.\(key) is 4, and the training has 4 steps"), "\(heard)")
  }
}

private final class AlarmObserver: TrainingObserver {
  let heard = Heard()

  func step(_ report: TrainingReport) {}
  func report(_ report: TrainingReport) { heard.change { $0.metrics = report.metrics } }
  func checkpoint(_ moment: Trainer.Moment) {}
  func alarm(_ cause: String, at step: Int) { heard.change { $0.heard.append(cause) } }

  /// Guards what was heard by a lock.
  final class Heard: @unchecked Sendable {
    private let lock = NSLock()
    private var state: (heard: [String], metrics: [String: Double]) = ([], [:])
    func change(_ body: (inout (heard: [String], metrics: [String: Double])) -> Void) { lock.withLock { body(&state) } }
    var value: (heard: [String], metrics: [String: Double]) { lock.withLock { state } }
  }
}
