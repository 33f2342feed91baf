import Tensors
import Testing
import Training

/// A result is a function of recipe, data, seed and V: not of lanes, nor of where a training was cut.
@Suite struct PromiseTests {
  private static let smallPlayers = [
    "network.architecture=dense", "train.batch=20", "network.generator=[16]", "network.discriminator=[16]",
    "network.latent=5",
  ]
  private static let recipes: [(model: String, overrides: [String])] = [
    ("vae", ["train.batch=30", "network.hidden=[20]", "network.latent=4", "data.binarisation=dynamic"]),
    ("vae", ["train.batch=30", "network.hidden=[20, 10]", "objective.estimator=a", "objective.samples=3"]),
    ("vae", ["train.batch=7", "network.hidden=[20]", "objective.likelihood=gaussian", "optimizer.clip_norm=0.1"]),
    ("autoencoder", ["train.batch=30", "network.hidden=[20]", "optimizer.name=nesterov"]),
    ("gan", smallPlayers + ["network.dropout=0.4", "network.normalisation=batch"]),
    ("gan", smallPlayers + ["objective.discriminator_steps=3", "train.batch=11", "objective.r1=1"]),
    ("wgan", smallPlayers + ["objective.discriminator_steps=2"]),
    ("wgan-gp", smallPlayers + ["train.batch=9", "objective.generator_average=0"]),
    ("infogan", smallPlayers + ["network.categories=3", "objective.loss=least-squares"]),
    ("gmm", ["network.components=3", "objective.restarts=2", "objective.iterations=9"]),
    ("kmeans", ["network.clusters=5", "objective.restarts=2", "objective.iterations=9"]),
    ("variational-gmm", ["network.components=3", "objective.restarts=2", "objective.iterations=9"]),
    // Of five restarts the last two are moves from the best.
    ("gmm", ["network.components=3", "objective.restarts=5", "objective.iterations=3"]),
    ("kmeans", ["network.clusters=5", "objective.restarts=5", "objective.iterations=3"]),
    ("variational-gmm", ["network.components=4", "objective.restarts=5", "objective.iterations=3"]),
    ("variational-gmm", ["objective.weight_prior=dirichlet-process", "data.normalisation=standard"]),
    ("pca", ["network.components=3"]),
    ("ppca", ["data.normalisation=range"]),
    ("ppca", ["objective.method=em", "objective.relevance=true", "network.latent=4"]),
    ("linear-regression", ["network.basis=gaussian", "network.centres=4"]),
    ("bayesian-linear-regression", ["network.basis=polynomial", "network.degree=4", "objective.choose_degree=true"]),
    ("bayesian-linear-regression", ["objective.weight_precision=2", "objective.noise_precision=9"]),
    // More features than rows: the rows are gathered.
    ("bayesian-linear-regression", ["network.basis=gaussian", "network.centres=110"]),
    ("bayesian-ridge", []),
    ("bayesian-ridge", ["objective.relevance=true", "data.normalisation=standard"]),
    ("bayesian-logistic-regression", []),
    ("bayesian-logistic-regression", ["objective.method=variational"]),
    ("bayesian-logistic-regression", ["classes=3"]),
    (
      "gaussian-process", ["network.kernel=matern52 + linear", "objective.search_iterations=5", "objective.restarts=2"]
    ),
    ("gaussian-process", ["network.inducing=9", "objective.search_iterations=6"]),
    ("lstm", ["network.units=6", "network.dropout=0.3", "train.batch=7", "train.unroll=5"]),
    ("lstm", ["network.cell=gru", "network.units=5", "network.layers=1", "train.batch=4", "train.unroll=9"]),
    (
      "lstm",
      [
        "network.units=6", "network.dropout=0.3", "network.state_dropout=0.2", "network.dropout_masks=window",
        "train.batch=7", "train.unroll=5",
      ]
    ),
    ("lstm", ["objective.posterior=variational", "network.units=5", "train.batch=7", "train.unroll=5"]),
    (
      "bayesian-rnn",
      [
        "objective.sharpening=detached", "objective.prior_scope=row", "network.units=5", "train.batch=7",
        "train.unroll=5",
      ]
    ),
    ("bayesian-rnn", ["objective.prior=gaussian", "network.units=5", "train.batch=7", "train.unroll=5"]),
    ("captions", ["network.filters=2", "decoder.units=6", "train.batch=7"]),
    (
      "captions",
      ["network.filters=2", "decoder.units=6", "train.batch=7", "objective.posterior=variational", "decoder.cell=gru"]
    ),
    (
      "super-resolution",
      [
        "network.filters=4", "network.dropout=0.1", "data.crop=18", "data.windows=2", "train.batch=5",
        "optimizer.schedule=constant",
      ]
    ),
    (
      "super-resolution",
      [
        "objective.posterior=variational", "network.filters=4", "data.crop=18", "data.windows=1", "train.batch=5",
        "objective.noise=learnt", "optimizer.schedule=constant",
      ]
    ),
    ("hmm", ["network.states=3", "objective.restarts=2", "objective.iterations=9"]),
    ("hmm", ["network.states=3", "objective.estimate=variational", "objective.iterations=30"]),
    ("hmm", ["objective.emission=poisson", "objective.estimate=posterior", "objective.iterations=9"]),
    ("lds", ["network.states=3", "objective.restarts=2", "objective.iterations=9"]),
    ("lds", ["network.form=local-trend", "network.period=4", "objective.iterations=30"]),
  ]

  /// - Returns: whether it has converged, after which nothing goes on.
  @discardableResult
  private func train(_ index: Int, lanes: Int, steps: Range<Int>, from learner: any Learner) async throws -> Bool {
    let plan = TrainingPlan(seed: 5, shards: 4, steps: steps.upperBound, reportEvery: 1_000)
    let trainer = Trainer(learner, plan: plan, crew: Crew(lanes: lanes), observer: DeafObserver())
    return try await trainer.train(from: steps.lowerBound, until: StopRequest()).moment.converged
  }

  private func fresh(_ index: Int) throws -> any Learner {
    var recipe = PromiseTests.recipes[index]
    if ["gaussian-process"].contains(recipe.model) || recipe.model.hasSuffix("regression")
      || recipe.model == "bayesian-ridge"
    {
      let classes = recipe.overrides == ["classes=3"] ? 3 : recipe.model.contains("logistic") ? 2 : nil
      if classes == 3 { recipe.overrides = [] }
      return try learner(recipe.model, try supervisedData(count: 103, classes: classes), recipe.overrides, seed: 5)
    }
    let data =
      switch recipe.model {
      case "hmm", "lds": try sequenceData()
      case "lstm", "bayesian-rnn": try textData()
      case "captions": try captionData()
      case "super-resolution": try stripedPictures()
      default: try imageData(count: 103, width: 12)
      }
    return try learner(recipe.model, data, recipe.overrides, seed: 5)
  }

  @Test(arguments: PromiseTests.recipes.indices)
  func lanesDoNotMatter(index: Int) async throws {
    var hashes: Set<String> = []
    for lanes in [1, 2, 4] {
      let learner = try fresh(index)
      let before = learner.parameters.sha256
      try await train(index, lanes: lanes, steps: 0..<15, from: learner)
      #expect(learner.parameters.sha256 != before, "nothing was learnt")
      hashes.insert(learner.parameters.sha256 + learner.auxiliary.sha256)
    }
    #expect(hashes.count == 1)
  }

  @Test(arguments: PromiseTests.recipes.indices)
  func aCutDoesNotMatter(index: Int) async throws {
    let whole = try fresh(index)
    try await train(index, lanes: 2, steps: 0..<16, from: whole)
    for cut in [1, 7, 15] {
      let first = try fresh(index)
      let hasConverged = try await train(index, lanes: 2, steps: 0..<cut, from: first)
      let second = try fresh(index)
      second.parameters.copy(from: first.parameters)
      for (one, other) in zip(second.auxiliary, first.auxiliary) { one.copy(from: other) }
      if !hasConverged { try await train(index, lanes: 1, steps: cut..<16, from: second) }
      #expect(second.parameters.sha256 == whole.parameters.sha256)
      #expect(second.auxiliary.sha256 == whole.auxiliary.sha256)
    }
  }

  @Test func theSeedMatters() async throws {
    var hashes: Set<String> = []
    for seed in [1, 2] as [UInt64] {
      let learner = try learner("vae", try imageData(count: 50, width: 12), ["train.batch=10"], seed: seed)
      hashes.insert(learner.parameters.sha256)
    }
    #expect(hashes.count == 2)
  }
}

/// A short last batch and a number of examples that the batch does not divide change no sum.
@Suite struct BatchTests {
  @Test func theMinibatchesOfAnEpochAddUpToTheFullBatch() throws {
    let data = try imageData(count: 103, width: 12)
    let crew = Crew(lanes: 2)
    let whole = try total(
      learner("autoencoder", data, ["train.batch=103", "network.hidden=[9]"]), step: 0, shards: 3, crew: crew)
    let minibatches = try learner("autoencoder", data, ["train.batch=10", "network.hidden=[9]"])
    var (loss, examples) = (0.0, 0)
    var gradient = [Double](repeating: 0, count: numbers(whole).count)
    for step in 0..<11 {
      let part = try total(minibatches, step: step, shards: 4, crew: crew)
      loss += part.metrics["squared_error"]
      examples += part.examples
      for (index, number) in numbers(part).enumerated() { gradient[index] += Double(number) }
    }
    #expect(examples == 103)
    #expect(abs(loss - whole.metrics["squared_error"]) < 1e-4 * abs(loss))
    let scale = gradient.map(abs).max()!
    for (sum, number) in zip(gradient, numbers(whole)) { #expect(abs(sum - Double(number)) < 1e-4 * scale) }
  }

  /// The same of a network with a posterior, whose complexity cost is shared out among the steps: of ELBOs, their
  /// gradients' data part and the cost. Deviations are so small that draws do not differ.
  @Test func theBoundsOfAnEpochAddUpToTheWholeBound() throws {
    let data = try supervisedData(count: 103)
    let crew = Crew(lanes: 2)
    let keys = [
      "network.hidden=[9]", "network.initial_deviation=1e-7", "objective.estimator=weights", "objective.scope=step",
    ]
    let whole = try total(
      learner("bbb-regression", data, keys + ["train.batch=103"]), step: 0, shards: 3, crew: crew)
    let minibatches = try learner("bbb-regression", data, keys + ["train.batch=10"])
    var (bound, cost) = (0.0, 0.0)
    var gradient = [Double](repeating: 0, count: numbers(whole).count)
    for step in 0..<11 {
      let part = try total(minibatches, step: step, shards: 4, crew: crew)
      bound += part.metrics["elbo"]
      cost += part.metrics["kl"]
      for (index, number) in numbers(part).enumerated() { gradient[index] += Double(number) }
    }
    #expect(abs(bound - whole.metrics["elbo"]) < 1e-5 * abs(bound))
    #expect(abs(cost - whole.metrics["kl"]) < 1e-9 * abs(cost))
    let scale = gradient.map(abs).max()!
    for (sum, number) in zip(gradient, numbers(whole)) { #expect(abs(sum - Double(number)) < 1e-3 * scale) }
  }
}
