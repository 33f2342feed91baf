import Datasets
import Figures
import Foundation
import Learners
import Recipes
import Tensors
import Testing
import Training

/// What the figures of models show.
@Suite("Figures") struct FigureTests {
  private func figures(
    _ model: String, _ data: Dataset, _ overrides: [String], steps: Int = 2000
  ) async throws -> [String: Figure] {
    let learner = try learner(model, data, overrides)
    let plan = TrainingPlan(seed: 0, shards: 4, steps: steps, reportEvery: 10_000)
    _ = try await Trainer(learner, plan: plan, crew: Crew(lanes: 1), observer: DeafObserver())
      .train(until: StopRequest())
    let all = try learner.figures(with: Crew(lanes: 1), key: RandomKey(seed: 0))
    return Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
  }

  private func panels(_ figure: Figure?) throws -> [Panel] {
    guard case .plot(let plot) = try #require(figure).content else { return [] }
    return plot.panels
  }

  private func points(_ panel: Panel) -> [Points] {
    panel.marks.compactMap { if case .points(let points) = $0 { points } else { nil } }
  }

  private func named(_ set: Dataset, _ columns: [String], target: String? = nil) throws -> Dataset {
    try Dataset(name: set.name, train: set.train, test: set.test, columns: columns, targetName: target)
  }

  /// Two places far apart in the last two of four columns, whose first two hold next to nothing.
  private func apart() throws -> Dataset {
    let noise = try gaussianData(count: 60, width: 4).train.inputs
    let values = (0..<240).map { place -> Double in
      let (row, column) = (place / 4, place % 4)
      let away = column < 2 ? 0.0 : row % 2 == 0 ? 20 : -20
      return away + noise.number(place) * (column < 2 ? 0.01 : 1)
    }
    return try Dataset(name: "apart", train: ExampleSet(inputs: ExampleArray(values, shape: [4])))
  }

  @Test(
    "More than two columns are drawn in the plane of their principal components",
    arguments: [
      ("kmeans", "clusters", 2), ("gmm", "mixture", 2), ("variational-gmm", "mixture", 6),
    ])
  func principalPlane(model: String, figure: String, parts: Int) async throws {
    let found = try await figures(model, named(apart(), ["a", "b", "c", "d"]), [])
    let panel = try #require(panels(found[figure]).first)
    #expect(panel.x.label.hasPrefix("component 1 (") && panel.x.label.hasSuffix(" % of the variance)"))
    #expect(panel.y.label.hasPrefix("component 2 ("))
    let x = points(panel)[0].x
    #expect(x.max()! > 25 && x.min()! < -25, "√2 · 20 from the middle")
    switch points(panel)[0].coloring {
    case .classes(_, let names), .mixture(_, _, let names): #expect(names.count == parts)
    default: Issue.record("no legend")
    }
    guard figure == "mixture" else { return }
    let ellipses = panel.marks.compactMap { if case .ellipses(let ellipses) = $0 { ellipses } else { nil } }
    let far = try #require(ellipses.first).gaussians.filter { abs($0.meanX) > 25 }
    #expect(far.count == 2 && far.allSatisfy { $0.varianceX < 60 && $0.varianceX > 0.2 })
  }

  @Test("Two columns are drawn under their names in the units of the data", arguments: ["kmeans", "gmm"])
  func twoColumns(model: String) async throws {
    let rows = try gaussianData(count: 60, width: 2).train.inputs
    let values = (0..<120).map { 100 + 10 * rows.number($0) }
    let data = try Dataset(
      name: "two", train: ExampleSet(inputs: ExampleArray(values, shape: [2])), columns: ["height", "7"])
    let found = try await figures(model, data, ["data.normalisation=standard"])
    let panel = try #require(panels(found[model == "gmm" ? "mixture" : "clusters"]).first)
    #expect(panel.x.label == "height" && panel.y.label == "column 7")
    let drawn = points(panel)[0]
    #expect(zip(drawn.x, 0...).allSatisfy { abs($0 - values[2 * $1]) < 1e-9 })
    #expect(zip(drawn.y, 0...).allSatisfy { abs($0 - values[2 * $1 + 1]) < 1e-9 })
  }

  @Test("Steps show the end, which is what was learnt", arguments: ["kmeans", "gmm", "variational-gmm"])
  func theEnd(model: String) async throws {
    let found = try await figures(model, apart(), [])
    let steps = try panels(found["steps"])
    #expect(steps.count == 6)
    let end = try #require(steps.last)
    #expect(end.title.hasPrefix("the end"))
    let final = try #require(panels(found[model == "kmeans" ? "clusters" : "mixture"]).first)
    #expect(points(end) == points(final))
  }

  @Test("Means of pictures are pictures in the units of the data")
  func means() async throws {
    let bytes = (0..<20 * 64).map { UInt8(truncatingIfNeeded: ($0 / 64) % 2 * 100 + $0 % 7) }
    let data = try Dataset(name: "pictures", train: ExampleSet(inputs: ExampleArray(bytes, shape: [8, 8])))
    for (model, name, keys) in [
      ("kmeans", "centres", ["data.normalisation=standard"]), ("gmm", "means", ["network.covariance=spherical"]),
    ] {
      guard case .images(let grid) = try #require(try await figures(model, data, keys)[name]).content else {
        Issue.record("no pictures")
        continue
      }
      #expect(grid.count == 2 && grid.height == 8 && grid.width == 8)
    }
  }

  @Test("Classifiers: weights with bars, reliability, confusion, a boundary", arguments: [2, 3])
  func classifier(classes: Int) async throws {
    let names = ["no", "yes", "perhaps"].prefix(classes)
    func set(_ set: ExampleSet) throws -> ExampleSet {
      try ExampleSet(
        inputs: set.inputs, labels: ClassLabels(indices: set.labels!.indices, count: classes, names: Array(names)))
    }
    let made = try supervisedData(count: 90, classes: classes, test: 30)
    let data = try Dataset(name: "classes", train: set(made.train), test: set(made.test!), columns: ["a", "b"])
    let found = try await figures("bayesian-logistic-regression", data, [])

    let weights = try #require(panels(found["weights"]).first)
    #expect(weights.x.categories == ["intercept", "a", "b"])
    let bars = weights.marks.compactMap { if case .bars(let bars) = $0 { bars } else { nil } }
    #expect(bars.map(\.label) == (classes == 2 ? [""] : Array(names)))
    #expect(weights.y.label == (classes == 2 ? "weight for yes" : "weight") + " of the scaled column, ± 2 σ")
    #expect(bars.allSatisfy { $0.errors.count == 3 && $0.errors.allSatisfy { $0 > 0 && $0 < 2.01 } })

    let reliability = try panels(found["reliability"])
    #expect(reliability.count == 2 && reliability[1].title == "30 test rows")
    let confusion = try #require(panels(found["confusion"]).first)
    #expect(confusion.x.categories == Array(names) && confusion.y.categories == Array(names))
    guard case .heatMap(let map) = try #require(confusion.marks.first) else { return }
    for row in 0..<classes {
      let sum = map.values[row * classes..<(row + 1) * classes].reduce(0, +)
      #expect(abs(sum - 1) < 1e-12 || sum == 0)
    }

    let boundary = try #require(panels(found["probabilities"]).first)
    #expect(boundary.x.label == "a" && boundary.y.label == "b")
    let lines = boundary.marks.compactMap { if case .contours(let contours) = $0 { contours } else { nil } }
    #expect(lines.contains { $0.levels.contains(0.5) })
    #expect(lines.allSatisfy { $0.x.first == boundary.x.lower && $0.x.last == boundary.x.upper })
  }

  @Test(
    "Predicted against observed numbers, under the target's name",
    arguments: [
      ("linear-regression", 1), ("bayesian-ridge", 1), ("gaussian-process", 12), ("mlp", 20), ("bbb-regression", 20),
    ])
  func observed(model: String, steps: Int) async throws {
    let data = try named(supervisedData(count: 40, test: 15), ["a", "b"], target: "price")
    let panel = try #require(
      panels(await figures(model, data, model == "mlp" ? ["network.hidden=[8]"] : [], steps: steps)["predictions"])
        .first)
    #expect(panel.x.label == "observed price" && panel.y.label == "predicted price, ± 1 σ")
    #expect(panel.x.lower == panel.y.lower && panel.x.upper == panel.y.upper)
    let drawn = points(panel)[0]
    #expect(drawn.label == "test rows" && drawn.x.count == 15 && drawn.errors.count == 15)
    for (row, x) in drawn.x.enumerated() { #expect(abs(x - data.test!.targets!.number(row)) < 1e-6) }
  }

  @Test("Several targets have a panel each, and models of one target say who learns several") func severalTargets()
    async throws
  {
    let made = try supervisedData(count: 30)
    let values = (0..<30).flatMap { [made.train.targets!.number($0), -made.train.targets!.number($0)] }
    let set = try ExampleSet(inputs: made.train.inputs, targets: ExampleArray(values, shape: [2]))
    let data = try Dataset(name: "two", train: set, columns: ["a", "b"], targetName: "gain, loss")
    let panels = try panels(await figures("bbb-regression", data, [], steps: 5)["predictions"])
    #expect(panels.map(\.x.label) == ["observed gain", "observed loss"])
    #expect(points(panels[1])[0].label == "training rows" && abs(points(panels[1])[0].x[0] - values[1]) < 1e-6)
    let error = await #expect(throws: TrainingError.self) { try await figures("bayesian-ridge", data, []) }
    #expect(error?.advice.contains("mlp, mc-dropout or bbb-regression") == true)
  }

  @Test("The curve of a network has the names of its columns") func curve() async throws {
    let panels = try panels(
      await figures("bbb-regression", named(Toy.line(), ["speed"], target: "dist"), [], steps: 20)["regression"])
    #expect(panels.map(\.x.label) == ["speed", "speed"])
    #expect(panels.map(\.y.label) == ["dist", "standard deviation of dist"])
  }

  @Test("The plane of the weights of a line zooms with the posterior") func line() async throws {
    let found = try await figures("bayesian-linear-regression", named(Toy.line(), ["speed"], target: "dist"), [])
    let posteriors = try panels(found["line"]).filter { $0.title.hasPrefix("p") }
    #expect(posteriors.count == 5)
    let widths = posteriors.map { $0.x.upper! - $0.x.lower! }
    #expect(zip(widths, widths.dropFirst()).allSatisfy { $1 < $0 } && widths[4] < widths[0] / 10)
    for panel in posteriors {
      // The final mean is in every picture.
      let last = points(panel)[0]
      #expect(last.x[0] > panel.x.lower! && last.x[0] < panel.x.upper!)
      #expect(last.y[0] > panel.y.lower! && last.y[0] < panel.y.upper!)
    }
  }

  @Test("Classes without names have their numbers in the legend") func legend() async throws {
    let data = try supervisedData(count: 40, classes: 2)
    guard
      case .classes(_, let names) = try points(
        #require(panels(await figures("pca", data, ["network.components=2"])["scores"]).first))[0].coloring
    else {
      Issue.record("no classes")
      return
    }
    #expect(names == ["0", "1"])
  }
}
