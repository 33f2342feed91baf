import Foundation
import Recipes
import Runs
import Testing

/// A plan is a function of data, minutes and speed, and is read back as it was written.
@Suite("Plans of a fit") struct FitPlanTests {
  private func plan(_ minutes: Double, rows: Int = 300, speed: Double = 1e10, kind: FitTask = .numbers) throws
    -> FitPlan
  {
    let files = Files()
    let text = (0..<rows).map { i in
      let target = kind == .numbers ? "\(Double(i * i % 97) / 3)" : ["a", "b", "c"][i * i % 23 % 3]
      return "\(i * 7 % 31),\(i * i % 19),\(target)"
    }
    try files.write("t.csv", "u,v,y\n" + text.joined(separator: "\n") + "\n")
    let request = FitRequest(data: files["t.csv"], target: "y", minutes: minutes)
    let reading = try FitReading(request)
    let parts = FitParts(reading, seed: 0)
    return try FitPlan(
      reading, request, learning: parts.learning.count, digest: parts.digest(reading), speed: speed)
  }

  private func points(_ plan: FitPlan) -> Int { plan.candidates.reduce(0) { $0 + ($1.sample ?? 1) } }

  @Test("The same question has the same plan; a faster machine and more minutes try more") func size() throws {
    #expect(try plan(2) == plan(2))
    #expect(try points(plan(2)) > points(plan(0.2)))
    #expect(try points(plan(1, speed: 1e11)) > points(plan(1, speed: 1e9)))
    // A tenth of the time at ten times the speed is the same work.
    let (slow, fast) = (try plan(2), try plan(0.2, speed: 1e11))
    #expect(slow.candidates == fast.candidates && slow.rungs == fast.rungs)
  }

  @Test("Little time leaves dear families out, and says so; none is an error") func omitted() throws {
    let plan = try plan(0.05, rows: 4000, speed: 1e9)
    #expect(!plan.omitted.isEmpty && plan.candidates.contains { $0.name == FitFamily.linear })
    #expect(plan.omitted.contains { $0.hasPrefix("gaussian-process") })
    #expect(throws: RecipeError.self) { try self.plan(0.05, speed: 1) }
  }

  @Test("Written and read back it is the same", arguments: FitTask.allCases) func file(_ kind: FitTask) throws {
    let files = Files()
    let request = try request(kind, files, minutes: 1)
    let reading = try FitReading(request)
    let parts = FitParts(reading, seed: 0)
    let plan = try FitPlan(
      reading, request, learning: parts.learning.count, digest: parts.digest(reading), speed: 2e9)
    try files.write("plan.yaml", plan.yaml)
    #expect(try FitPlan(contentsOf: files["plan.yaml"]) == plan)
    let again = plan.request(data: request.data)
    #expect(again.target == request.target && again.sequence == request.sequence && again.time == request.time)
    #expect(try FitReading(again).task == kind)
  }

  @Test(
    "A file that is no plan is refused in one line",
    arguments: [
      ("", "fit.format"), ("fit:\n  format: 7\n", "format 7"), ("fit:\n  format: 1\n", "fit.target"),
      ("fit:\n  format: 1\n  target: y\n  digest: d\n  candidates: [nonsense]\n", "nonsense"),
      ("fit:\n  format: 1\n  target: y\n  digest: d\n  candidates: [bbb]\n", "bbb.recipe"),
      (
        "fit:\n  format: 1\n  target: y\n  digest: d\n  candidates: [bbb]\n  more: 1\nbbb:\n  recipe: bbb-regression\n",
        "fit.more"
      ),
    ]) func damaged(_ text: String, _ words: String) throws
  {
    let files = Files()
    try files.write("plan.yaml", text)
    do {
      _ = try FitPlan(contentsOf: files["plan.yaml"])
      Issue.record("it is read")
    } catch {
      #expect("\(error)".contains(words) && !"\(error)".contains("\n"), "\(error)")
    }
  }

  /// What a task is asked of 120 rows or pictures.
  private func request(_ kind: FitTask, _ files: borrowing Files, minutes: Double) throws -> FitRequest {
    guard kind != .pictures else {
      try files.write("p.npz", pictures: 120)
      return FitRequest(data: files["p.npz"], target: nil, minutes: minutes)
    }
    let rows = (0..<120).map { i in
      let target = kind == .classes ? ["a", "b"][i * i % 11 % 2] : "\(Double(i * i % 97) / 3)"
      return "\(i * 7 % 31),\(["p", "q"][i * i % 7 % 2]),\(i / 10),\(Double(i * i % 29) / 7),\(target)"
    }
    try files.write("t.csv", "u,v,s,w,y\n" + rows.joined(separator: "\n") + "\n")
    return FitRequest(
      data: files["t.csv"], target: kind.hasTarget ? "y" : nil, task: kind, sequence: kind == .states ? "s" : nil,
      time: kind == .series ? "s" : nil, minutes: minutes)
  }

  @Test("Every recipe and key of a plan is one that there is", arguments: FitTask.allCases) func sweeps(_ kind: FitTask)
    throws
  {
    for minutes in [kind == .pictures ? 0.5 : 0.05, 2] {
      let files = Files()
      let request = try request(kind, files, minutes: minutes)
      let reading = try FitReading(request)
      let parts = FitParts(reading, seed: 0)
      let plan = try FitPlan(
        reading, request, learning: parts.learning.count, digest: parts.digest(reading), speed: 2e9)
      try parts.write(reading, to: files["fit"])
      for candidate in plan.candidates {
        let sweep = try candidate.sweep(reading, plan, in: files["fit"], data: OpenedData())
        let metrics = kind.hasTarget ? [kind.likelihood] : ["log_likelihood", "log_predictive"]
        #expect(sweep.rungCount == candidate.rungs && metrics.contains { sweep.metric == "validation/\($0)" })
        #expect(sweep.points.allSatisfy { $0.trainings.count == reading.seeds })
      }
    }
  }
}
