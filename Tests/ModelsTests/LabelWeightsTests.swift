import Datasets
import Recipes
import Tensors
import Testing
import Training

/// `objective.class_weights`: what an example of each class counts.
@Suite struct LabelWeightsTests {
  /// Eleven rows: 6 of class a, 3 of b and 2 of c. No row has the fourth class.
  private func data() throws -> Dataset {
    let labels: [UInt32] = [0, 1, 0, 2, 0, 1, 0, 2, 0, 1, 0]
    let inputs = labels.indices.map { Double($0 * $0 % 7) }
    return try Dataset(
      name: "few",
      train: ExampleSet(
        inputs: ExampleArray(inputs, shape: [1]),
        labels: ClassLabels(indices: labels, count: 4, names: ["a", "b=1", "c", "d"])
      ))
  }

  /// The sums of one step of a training.
  private func sums(_ model: String, _ weights: String?, shards: Int = 2) throws -> [Float] {
    let overrides = ["network.hidden=[]", "train.batch=11", "train.shards=\(shards)"]
    let learner = try learner(model, data(), overrides + (weights.map { ["objective.class_weights=" + $0] } ?? []))
    return try numbers(total(learner, step: 0, shards: shards, crew: Crew(lanes: 2)))
  }

  @Test(arguments: ["mlp", "mc-dropout", "bbb"]) func equalForms(model: String) throws {
    let (none, balanced) = (try sums(model, nil), try sums(model, "balanced"))
    #expect(try sums(model, "none") == none && sums(model, "[1, 1, 1, 1]") == none)
    // 11 / (3 · 6), 11 / (3 · 3), 11 / (3 · 2): of the classes that occur.
    let expected = try sums(model, "[\(11 / 18.0), \(11 / 9.0), \(11 / 6.0), 1]")
    #expect(balanced == expected && balanced != none)
    #expect(try sums(model, "[b=1=2, c=0.5]") == sums(model, "[1, 2, 0.5, 1]"))
    #expect(try sums(model, "[b=1=2]") != none)
  }

  /// The gradient is linear in the weights: shards have no balance of their own.
  @Test func gradientsAdd() throws {
    let parts = try ["[1, 0, 0, 0]", "[0, 1, 0, 0]", "[0, 0, 1, 0]"].map { try sums("mlp", $0) }
    let whole = try sums("mlp", "[2, 3, 5, 1]")
    for index in whole.indices {
      let expected = 2 * parts[0][index] + 3 * parts[1][index] + 5 * parts[2][index]
      #expect(abs(whole[index] - expected) <= 1e-5 * max(1, abs(expected)))
    }
  }

  @Test(
    "Malformed class weights are refused with a hint",
    arguments: [
      ("[1, 2]", "4 numbers from 0 to 1e6"), ("[1, 2, x, 1]", "4 numbers"), ("[1, 2, -1, 1]", "4 numbers"),
      ("[1, inf, 1, 1]", "4 numbers"), ("[0, 0, 0, 0]", "above 0"), ("[e=2]", "no class of the data"),
      ("[a=]", "NAME=NUMBER"), ("[a=nan]", "NAME=NUMBER"), ("[a=2, 3]", "NAME=NUMBER"), ("balance", "balanced"),
    ])
  func refused(weights: String, hint: String) {
    for model in ["mlp", "bayesian-logistic-regression"] {
      let error = #expect(throws: RecipeError.self) {
        try learner(model, data(), ["objective.class_weights=" + weights])
      }
      #expect(error?.description.contains(hint) == true, "\(error?.description ?? "")")
    }
  }

  /// Where numbers are learned there are no classes to weigh.
  @Test func ofNumbers() throws {
    for model in ["mc-dropout", "bbb-regression"] {
      _ = try learner(model, supervisedData(count: 20), ["objective.class_weights=none"])
      let error = #expect(throws: RecipeError.self) {
        try learner(model, supervisedData(count: 20), ["objective.class_weights=balanced"])
      }
      #expect(error?.description.contains("data.target_kind=classes") == true)
    }
  }

  /// What the target is in place of what the model learns, and what to write.
  @Test(arguments: ["mlp", "bbb", "bayesian-logistic-regression", "bayesian-ridge", "bbb-regression"])
  func anotherTarget(model: String) throws {
    let isOfClasses = model != "bayesian-ridge" && model != "bbb-regression"
    func message(_ target: ExampleSet, _ targetName: String?) throws -> String {
      let data = try Dataset(
        name: "few", train: target, columns: ["a", "b"], targetName: targetName)
      let error = #expect(throws: TrainingError.self) {
        try learner(model, data, model == "mlp" ? ["objective.task=classification"] : [])
      }
      return error.map { "\($0)" } ?? ""
    }
    let inputs = ExampleArray([1.0, 2, 3, 4], shape: [2])
    #expect(try message(ExampleSet(inputs: inputs), nil).contains("--set data.target=b; there are a, b"))
    let other =
      isOfClasses
      ? try message(ExampleSet(inputs: inputs, targets: ExampleArray([5.0, 6], shape: [1])), "c")
      : try message(ExampleSet(inputs: inputs, labels: ClassLabels(indices: [0, 1], count: 2)), "c")
    #expect(other.contains("'c'") && other.contains("data.target_kind=\(isOfClasses ? "classes" : "values")"))
  }
}
