import Files
import Recipes
import Training

/// `plan.yaml`: written before anything is trained, and read to repeat it.
extension FitPlan {
  private static let format = 1

  package var yaml: String {
    func text(_ value: String) -> String { JSONText.string(value) }
    func list(_ values: [String]) -> String { "[" + values.map(text).joined(separator: ", ") + "]" }
    var lines = [
      "# What `elbo fit` tries, for how many steps. `elbo fit DATA --plan FILE` repeats it to the same bits.",
      "fit:", "  format: \(FitPlan.format)", "  version: \(text(Version.elbo))",
      "  target: \(target.map(text) ?? "null")", "  task: \(task.rawValue)",
      "  sequence: \(sequence.map(text) ?? "null")", "  time: \(time.map(text) ?? "null")", "  digest: \(text(digest))",
      "  keep: \(list(keep))",
      "  drop: \(list(drop))",
      "  seed: \(seed)", "  minutes: \(minutes)", "  rungs: \(rungs)", "  omitted: \(list(omitted))",
      "  candidates: \(list(candidates.map(\.name)))",
    ]
    for candidate in candidates {
      lines += [
        "\(candidate.name):", "  recipe: \(text(candidate.recipe))", "  steps: \(candidate.steps)",
        "  sample: \(candidate.sample.map(String.init) ?? "null")", "  halves: \(candidate.halves)",
        "  settings: \(list(candidate.settings))", "  over: \(list(candidate.over))",
      ]
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// - Throws: `RecipeError` where the file is no plan; `FileError` where it cannot be read.
  package init(contentsOf path: String) throws {
    let file = try Recipe.file(path)
    let fit = file["fit"]
    guard let format = try fit.optionalInteger("format", in: 0...Int.max) else {
      throw RecipeError("\(path) is no plan of elbo fit: it has no fit.format")
    }
    guard format == FitPlan.format else {
      throw RecipeError(
        "\(path) is a plan of format \(format), which this elbo does not know; use the one that wrote it")
    }
    func needed(_ section: RecipeSection, _ key: String, _ place: String) throws -> String {
      guard let text = try section.text(key) else { throw RecipeError("\(path) has no \(place).\(key)") }
      return text
    }
    fit.passOver(["version"])
    task = try fit.choice("task", default: .numbers)
    target = task.hasTarget ? try needed(fit, "target", "fit") : try fit.text("target")
    (sequence, time) = (try fit.text("sequence"), try fit.text("time"))
    digest = try needed(fit, "digest", "fit")
    (keep, drop) = (try fit.texts("keep"), try fit.texts("drop"))
    seed = UInt64(try fit.integer("seed", default: 0, in: 0...Int.max - FitPlan.seeds))
    minutes = try fit.number("minutes", default: 0, in: 0...1_000_000)
    omitted = try fit.texts("omitted")
    let most = try fit.integer("rungs", default: 1, in: 1...20)
    let names = try fit.texts("candidates")
    guard !names.isEmpty, Set(names).count == names.count else {
      throw RecipeError("\(path): fit.candidates must name candidates, each once")
    }
    let known = FitFamily.all(task).map(\.name)
    candidates = try names.map { name in
      guard known.contains(name) else {
        throw RecipeError("\(path): fit.candidates names \(name); there are \(known.joined(separator: ", "))")
      }
      let section = file[name]
      return Candidate(
        name: name, recipe: try needed(section, "recipe", name), settings: try section.texts("settings"),
        over: try section.texts("over"), sample: try section.optionalInteger("sample", in: 1...SweepSpace.mostPoints),
        halves: try section.flag("halves", default: false),
        steps: try section.integer("steps", default: 0, in: 0...1_000_000_000))
    }
    rungs = most
    try file.finish()
  }

  /// What the plan asks of data, in place of options.
  package func request(data: String) -> FitRequest {
    FitRequest(
      data: data, target: task == .pictures ? nil : target, task: task, sequence: sequence, time: time,
      minutes: minutes, keep: keep, drop: drop, seed: seed)
  }
}

extension FitPlan.Candidate {
  /// The metric of a training that decides.
  func metric(_ task: FitTask) -> String {
    task.hasTarget ? task.likelihood : recipe == "variational-gmm" ? "log_predictive" : "log_likelihood"
  }

  /// Its sweep over the learning part in a folder.
  package func sweep(_ reading: FitReading, _ plan: FitPlan, in folder: String, data: OpenedData) throws -> Sweep {
    var request = Sweep.Request(
      recipe: recipe,
      overrides: RecipeOverrides(
        assignments: reading.settings + ["data.validation_fraction=\(FitPlan.validation)"] + settings,
        data: reading.path(of: .learning, in: folder), seed: plan.seed),
      axes: try over.map { try SweepAxis($0, option: "over") })
    (request.sample, request.seeds, request.metric) = (sample, reading.seeds, "validation/" + metric(plan.task))
    if halves { request.halving = FitPlan.halving }
    return try Sweep(request, data: data)
  }
}
