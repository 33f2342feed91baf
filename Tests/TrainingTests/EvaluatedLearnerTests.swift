import Foundation
import Metrics
import Synchronization
import Tensors
import TestSupport
import Testing
import Training

@Suite("A training that is evaluated on the way") struct EvaluatedLearnerTests {
  /// Keeps what a training says.
  private final class Listener: TrainingObserver {
    let reports = Mutex([Int: [String: Double]]())
    let checkpoints = Mutex([Int]())
    func step(_ report: TrainingReport) {}
    func report(_ report: TrainingReport) { reports.withLock { $0[report.step] = report.metrics } }
    func checkpoint(_ moment: Trainer.Moment) { checkpoints.withLock { $0.append(moment.step) } }
  }

  private static let errors = [9, 7, 7.5, 5, 6, 5, 5.5, 4, 8, 8, 8, 8]
  private static let metric = "validation/squared_error"

  private static func learner(
    every period: Int = 1, errors: [Double] = errors, rule: SelectionRule? = nil, isWhole: Bool = false
  ) -> (base: Measured, evaluated: EvaluatedLearner) {
    let base = Measured(errors: errors, examples: 0)
    let validation = HeldOutPart("validation", Measured(errors: errors, isWhole: isWhole))!
    return (base, EvaluatedLearner(base, on: [validation], every: period, seed: 0, selectingBy: rule))
  }

  @discardableResult
  private static func train(
    _ learner: any Learner, shards: Int = 3, lanes: Int = 1, every period: Int = 1, from first: Int = 0,
    to steps: Int = errors.count, heardBy listener: Listener = Listener()
  ) async throws -> Trainer.Moment {
    let plan = TrainingPlan(seed: 0, shards: shards, steps: steps, reportEvery: 100, evaluateEvery: period)
    let trainer = Trainer(learner, plan: plan, crew: Crew(lanes: lanes), observer: listener)
    return try await trainer.train(from: first, until: StopRequest()).moment
  }

  @Test("The metrics are those of an evaluation at once, bit for bit", arguments: [1, 3, 8, 64], [1, 3])
  func sums(_ shards: Int, _ lanes: Int) async throws {
    let listener = Listener()
    let (base, evaluated) = Self.learner(every: 4)
    try await Self.train(evaluated, shards: shards, lanes: lanes, every: 4, heardBy: listener)
    let reports = listener.reports.withLock { $0 }
    #expect(reports.keys.sorted() == [4, 8, 12])
    let alone = Measured(errors: Self.errors)
    for (step, metrics) in reports {
      alone.parameters.float32.update(repeating: Float(step))
      #expect(try metrics == Evaluation.run(alone, as: "validation", seed: 0, crew: Crew(lanes: 1)))
    }
    #expect(reports[4]?.keys.sorted() == ["validation/some", Self.metric])
    #expect(abs(reports[8]![Self.metric]! - 4) < 1e-9 && base.position == 12)
  }

  @Test("Shards share the examples of metrics that are made of numbers of each, and the metrics are the same bits")
  func shared() async throws {
    for (count, shards, lanes) in [(2050, 1, 1), (2050, 4, 3), (2051, 64, 2), (1990, 4, 2)] {
      let listener = Listener()
      let learner = Measured(errors: Self.errors, examples: count, isShared: true)
      let base = Measured(errors: Self.errors, examples: 0)
      let evaluated = EvaluatedLearner(base, on: [HeldOutPart("validation", learner)!], every: 4, seed: 0)
      try await Self.train(evaluated, shards: shards, lanes: lanes, every: 4, heardBy: listener)
      // Few examples are measured at once, by each node.
      let asked = learner.asked.withLock { $0 }
      #expect(
        asked.reduce(0, +) == (count < 2000 ? 0 : 3 * count) && (count < 2000 || asked.count == 3 * min(shards, 21)))
      let alone = Measured(errors: Self.errors, examples: count, isShared: true)
      for (step, metrics) in listener.reports.withLock({ $0 }) {
        alone.parameters.float32.update(repeating: Float(step))
        #expect(try metrics == Evaluation.run(alone, as: "validation", seed: 0, crew: Crew(lanes: 1)), "\(step)")
      }
    }
  }

  @Test("The best parameters are the result, and patience ends the training", arguments: [false, true])
  func selection(_ isWhole: Bool) async throws {
    for (patience, selected, last) in [(nil, 8, 12), (1, 2, 3), (2, 4, 6), (3, 4, 7), (9, 8, 12)] as [(Int?, Int, Int)]
    {
      let listener = Listener()
      let rule = SelectionRule(metric: Self.metric, direction: .smaller, patience: patience)
      let (base, evaluated) = Self.learner(rule: rule, isWhole: isWhole)
      let moment = try await Self.train(evaluated, heardBy: listener)
      var selection = try #require(evaluated.selection)
      selection.finish(moment)
      #expect((moment.step, selection.step) == (last, selected))
      #expect(selection.evaluations == last && abs(selection.value! - Self.errors[selected - 1]) < 1e-9)
      #expect(moment.converged == (selection.ended == .patience) && (selection.ended == .steps) == (last == 12))
      #expect(evaluated.parameters.float32[2] == Float(selected) && base.position == last)
      // One for each that was the best of its time.
      #expect(listener.checkpoints.withLock { $0 } == [1, 2, 4, 8].filter { $0 <= selected })
      evaluated.finish()
      #expect(base.position == selected)
    }
  }

  @Test("What is not a number is never selected; before the first value the newest parameters are the result")
  func notANumber() async throws {
    let rule = SelectionRule(metric: Self.metric, direction: .larger, patience: 3)
    let errors = [.nan, .nan, -2, .nan, -1.5, .nan, -.infinity, .nan, -1]
    let (_, evaluated) = Self.learner(errors: errors, rule: rule)
    try await Self.train(evaluated, to: 2)
    #expect(evaluated.selection?.step == 0 && evaluated.selection?.value == nil)
    #expect(evaluated.parameters.float32[0] == 2)
    try await Self.train(evaluated, from: 2, to: errors.count)
    #expect(evaluated.selection?.step == 5 && evaluated.selection?.evaluations == 8)
    #expect(evaluated.parameters.float32[0] == 5)
  }

  @Test("A training that goes on from a checkpoint of any step ends as an undisturbed one") func resuming() async throws
  {
    let rule = SelectionRule(metric: Self.metric, direction: .smaller, patience: 2)
    let (_, whole) = Self.learner(every: 2, rule: rule)
    let end = try await Self.train(whole, every: 2)
    #expect(end.step == 12 && whole.selection?.step == 8)
    for step in 1..<12 {
      let folder = TemporaryFolder()
      let (run, lock) = try RunFolder.create(at: folder.path + "/run", name: "x", note: { _ in })
      defer { lock.release() }
      let (_, first) = Self.learner(every: 2, rule: rule)
      let moment = try await Self.train(first, every: 2, to: step)
      let state = Checkpoint.State(first, at: moment, model: "x", recipe: "", data: "")
      try Checkpoint.write(first, state: state, in: run, keeping: KeptCheckpoints(newest: 1))
      let (base, second) = Self.learner(every: 2, rule: rule)
      _ = try Checkpoint.restoreNewest(of: run, into: second, optimizer: true, note: { _ in })
      #expect(base.position == step)
      let moved = try await Self.train(second, every: 2, from: step)
      #expect(moved.step == end.step && second.selection == whole.selection)
      #expect(second.parameters.sha256 == whole.parameters.sha256 && second.auxiliary.sha256 == whole.auxiliary.sha256)
      // The checkpoint's model is the best one of its time.
      let (plain, _) = Self.learner()
      _ = try Checkpoint.restoreNewest(of: run, into: plain, optimizer: false, note: { _ in })
      #expect(plain.position == (step < 2 ? step : step < 4 ? 2 : step < 8 ? 4 : 8))
    }
  }

  @Test("A metric that the learner does not have is refused with those that it has") func unknown() async throws {
    let rule = SelectionRule(metric: "validation/reg/NLL", direction: .smaller)
    let (_, evaluated) = Self.learner(rule: rule)
    let error = await #expect(throws: TrainingError.self) { try await Self.train(evaluated) }
    #expect(error?.description.contains("select on one of \(Self.metric)") == true, "\(error!)")
  }

  @Test("Every direction that is known is that of one list, and names without one have none") func directions() {
    #expect(MetricDirection(of: "cls/NLL") == .smaller && MetricDirection(of: "cls/Acc") == .larger)
    #expect(MetricDirection(of: "cls/Recall/a/b") == .larger && MetricDirection(of: "seg/IoU/road") == .larger)
    #expect(MetricDirection(of: "kl") == nil && MetricDirection(of: "cls/Support/a") == nil)
    #expect(MetricDirection(of: "validation/cls/NLL") == nil)
    #expect(!MetricDirection.smaller.isBetter(.nan, than: .infinity))
  }
}
