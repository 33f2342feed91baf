import Datasets
import Distributions
import Foundation
import Learners
import LinearAlgebra
import Mixtures
import Recipes
import Statistics
import Tensors
import Training

/// The hidden Markov model of many sequences, by expectation maximisation or variational Bayes (Rabiner 1989; Beal 2003,
/// chapter 3).
public enum HMM: Model {
  public static let name = "hmm"
  public static let summary =
    "hidden Markov model of sequences (categorical, Poisson, Gaussian, mixture emissions; EM, MAP, variational Bayes)"
  public static var recipe: [UInt8] { PackageResources.hmm_yaml }
  public static var learnsSequences: Bool { true }

  private enum EmissionKind: String, CaseIterable { case gaussian, poisson, categorical }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    let (network, objective) = (recipe["network"], recipe["objective"])
    network.passOver(["covariance", "mixtures", "symbols"])
    objective.passOver(["concentration", "mean_precision", "degrees", "covariance_floor"])
    let exact = try ExactData(data, recipe, seed: seed).asSequences
    let states = try network.integer("states", default: 2, in: 1...4096)
    let fit = Fit(
      recipe: recipe, data: exact, vocabulary: data.vocabulary, states: states,
      estimation: try objective.choice("estimate", default: .likelihood))
    switch try objective.choice("emission", default: data.vocabulary == nil ? EmissionKind.gaussian : .categorical) {
    case .gaussian: return try fit.gaussian()
    case .poisson: return try fit.poisson()
    case .categorical: return try fit.categorical()
    }
  }

  /// What the recipe says of all emissions.
  private struct Fit {
    let recipe: Recipe
    let data: ExactData
    let vocabulary: [String]?
    let states: Int
    let estimation: Estimation

    private var network: RecipeSection { recipe["network"] }
    private var objective: RecipeSection { recipe["objective"] }
    private var width: Int { data.train.width }

    private func rows() throws -> ProbabilityRows {
      guard estimation != .likelihood else { return ProbabilityRows() }
      let isMode = estimation == .posterior
      return ProbabilityRows(
        estimation,
        concentration: try objective.number("concentration", default: isMode ? 2 : 1, in: (isMode ? 1 : 1e-9)...1e9))
    }

    /// Probabilities that the recipe lists, in rows of `states`.
    private func probabilities(_ name: String, rows: Int) throws -> [Double]? {
      let texts = try network.words(name)
      guard !texts.isEmpty else { return nil }
      let numbers = texts.compactMap { Double($0) }
      guard numbers.count == texts.count, numbers.count == rows * states, numbers.allSatisfy({ $0 >= 0 }),
        (0..<rows).allSatisfy({ abs(numbers[$0 * states..<($0 + 1) * states].reduce(0, +) - 1) < 1e-6 })
      else {
        throw RecipeError(
          "network.\(name) must be \(rows * states) probabilities, each \(states) of them with the sum one; 0 is impossible and stays"
        )
      }
      return numbers
    }

    private func learner<Emission: FlatEmission>(_ emission: Emission) throws -> any Learner {
      let chain = ChainStart(
        states: states, topology: try network.choice("topology", default: .ergodic),
        start: try probabilities("start", rows: 1), transitions: try probabilities("transitions", rows: states))
      let rows = try rows()
      let model = HiddenMarkovModel(
        emission, start: rows, transitions: rows, fixed: Set(try objective.choices("fixed")))
      return try StatisticsLearner(
        HiddenMarkovFit(
          model: model, chain: chain, estimation: estimation,
          segmented: chain.topology == .leftRight && !data.isTrained ? try segmented(model) : nil,
          elements: data.train.array.count, vocabulary: vocabulary), data, recipe,
        defaults: .init(restarts: 4, iterations: 1000, tolerance: 1e-9))
    }

    /// The emission of sequences that are cut into equal parts, one for each state: a sum over the data in one order.
    private func segmented<Emission: FlatEmission>(_ model: HiddenMarkovModel<Emission>) throws -> Emission.Parameters {
      var generator = RandomStream(RandomKey(seed: data.seed).at(tensor: NoiseStream.start).at(sample: 3))
      let around = try saying {
        try sample().withRows { (rows) throws(ExactError) in try model.emission.start(from: rows, using: &generator) }
      }
      var statistics = [Double](repeating: 0, count: model.emission.statisticsCount)
      let scratch = model.makeScratch()
      try data.train.forEachBlock(0..<data.train.count) { _, block in
        try statistics.withUnsafeMutableBufferPointer { sums in
          try model.accumulateSegments(block, around, into: sums.baseAddress!, scratch: scratch)
        }
      }
      return try saying { try model.emission.update(around, statistics: statistics) }
    }

    /// Elements with values that priors are set by, a function of the seed.
    private func sample() throws -> Matrix {
      let sample = try data.train.sample(
        of: 10_000, key: RandomKey(seed: data.seed).at(tensor: NoiseStream.start).at(sample: 2)
      ).inputs
      return Matrix((0..<sample.rows).map { sample.row($0) }.filter { $0.allSatisfy { !$0.isNaN } })
    }

    func categorical() throws -> any Learner {
      guard width == 1 else {
        throw TrainingError(
          .unsuitable, "an element has \(width) numbers, and a symbol is one",
          advice: "choose one column with data.columns, or set objective.emission to gaussian or poisson")
      }
      let symbols = try network.integer("symbols", default: vocabulary?.count ?? countSymbols(), in: 1...1 << 20)
      return try learner(CategoricalEmission(states: states, symbols: symbols, rows()))
    }

    /// One more than the greatest symbol in the data.
    private func countSymbols() throws -> Int {
      guard !data.isTrained else { return 1 }
      var most = 0.0
      try data.train.elements.forEachBlock(0..<data.train.array.count) { _, block in
        for row in 0..<block.count { most = max(most, block.inputs[row, 0]) }
      }
      guard most < 1_048_576 else {
        throw TrainingError(
          .unsuitable, "the symbol \(most) is not one of 0 … 1048575", advice: "number the symbols from 0")
      }
      return Int(most) + 1
    }

    func poisson() throws -> any Learner {
      guard !data.isTrained, estimation != .likelihood else {
        return try learner(PoissonEmission(states: states, dimension: width, estimation))
      }
      let sample = try sample()
      let means = (0..<width).map { column in
        max(sample.column(column).reduce(0, +) / Double(max(sample.rows, 1)), 1e-6)
      }
      return try learner(PoissonEmission(states: states, dimension: width, estimation, priorMeans: means))
    }

    func gaussian() throws -> any Learner {
      let covariance: CovarianceKind = try network.choice("covariance", default: .full)
      let mixtures = try network.integer("mixtures", default: 1, in: 1...1024)
      guard estimation != .likelihood else {
        let floor = try objective.number("covariance_floor", default: 1e-6, in: 0...1e12)
        return try saying {
          try learner(
            GaussianEmission(
              states: states, dimension: width, covariance: covariance, mixtures: mixtures, floor: .clipped(floor),
              floorIsRelative: true))
        }
      }
      guard covariance == .full, mixtures == 1 else {
        throw RecipeError(
          "objective.estimate is \(estimation.rawValue): it needs network.covariance full and network.mixtures 1")
      }
      let isVariational = estimation == .variational
      let precision = try objective.number("mean_precision", default: isVariational ? 1 : 0.01, in: 1e-12...1e12)
      let least = Double(width) - (isVariational ? 1 : 0)
      let degrees =
        try objective.optionalNumber("degrees", in: (least + 1e-9)...1e12) ?? least + (isVariational ? 1 : 2)
      return try saying {
        let prior =
          try data.isTrained
          ? GaussianWishart(
            mean: [Double](repeating: 0, count: width), meanPrecision: precision, degrees: degrees,
            inverseScale: .identity(width))
          : try sample().withRows { (rows) throws(ExactError) in
            try GaussianWishart(asWideAs: rows, meanPrecision: precision, degrees: degrees)
          }
        return try learner(
          GaussianWishartEmission(states: states, prior: prior, isVariational: isVariational))
      }
    }
  }
}
