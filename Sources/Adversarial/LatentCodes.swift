import Distributions
import Glibc
import Recipes
import Tensors

/// What a generator is given: noise, and for InfoGAN codes that the discriminator's network learns to read back
/// (Chen et al. 2016, section 4): one categorical code, uniform, and continuous ones, uniform in −1…1.
///
/// A latent row is noise, then the one-hot category, then the continuous codes. Where the networks receive classes it
/// is noise, then the one-hot class.
struct LatentCodes: Sendable {
  let noise: Int
  /// Classes of the categorical code; 0: none.
  let categories: Int
  let continuous: Int
  /// The number of classes of the data that both networks receive; 0: none. With classes there are no codes.
  var classes = 0
  /// λ of the categorical code and of the continuous ones: weights of the bound on the mutual information. Ever smaller
  /// changes of a sample can carry ever more about a continuous code; at an equal weight the players learn that first,
  /// and then nothing else. So it has a lower one (Chen et al. 2016, section 6).
  let weights: (categorical: Float, continuous: Float)

  /// - Parameter informed: whether the model has codes.
  init(_ recipe: Recipe, informed: Bool) throws {
    let network = recipe["network"]
    noise = try network.integer("latent", default: informed ? 62 : 100, in: 1...100_000)
    guard informed else {
      (categories, continuous, weights) = (0, 0, (0, 0))
      return
    }
    categories = try network.integer("categories", default: 10, in: 0...10_000)
    continuous = try network.integer("continuous_codes", default: 2, in: 0...1000)
    let objective = recipe["objective"]
    weights = (
      categorical: Float(try objective.number("information_weight", default: 1, in: 0...1e6)),
      continuous: Float(try objective.number("continuous_weight", default: 0.1, in: 0...1e6))
    )
    guard categories != 1, categories + continuous > 0 else {
      throw RecipeError("network.categories is \(categories): an InfoGAN needs at least 2, or continuous codes alone")
    }
  }

  var width: Int { noise + categories + continuous + classes }
  var hasCodes: Bool { categories + continuous > 0 }
  /// What the reading of the codes adds to the discriminator's outputs: logits, means and log variances.
  var outputs: Int { categories + 2 * continuous }

  /// Latent rows: a function of key, example and class alone.
  /// - Parameter classes: of each row; empty where networks receive none.
  func draw(_ key: RandomKey, examples: [UInt32], classes: [Int]) -> Tensor {
    let noise = Tensor.normal(key, rows: examples, columns: noise)
    guard hasCodes else { return told(noise, classes) }
    let codes = Tensor.uniform(key.at(tensor: key.tensor + codeOffset), rows: examples, columns: 1 + continuous)
    var classes: [Int] = []
    var values: [Float] = []
    for row in 0..<examples.count {
      let start = codes.pointer + row * (1 + continuous)
      classes.append(min(Int(start[0] * Float(categories)), max(categories - 1, 0)))
      for index in 0..<continuous { values.append(2 * start[1 + index] - 1) }
    }
    return joined(noise, classes: classes, continuous: values)
  }

  /// Rows followed by the one-hot class of each, the inputs of networks with classes.
  /// - Parameter classes: of each row; empty where networks receive none.
  func told(_ rows: Tensor, _ classes: [Int]) -> Tensor {
    guard self.classes > 0 else { return rows }
    let oneHot = Tensor.zeros([classes.count, self.classes])
    for (row, index) in classes.enumerated() { oneHot.pointer[row * self.classes + index] = 1 }
    return rows.reshaped(to: [classes.count, rows.count / max(classes.count, 1)]).joiningColumns(oneHot)
  }

  /// Noise with given codes; `continuous` row by row.
  func joined(_ noise: Tensor, classes: [Int], continuous values: [Float]) -> Tensor {
    let rows = Tensor.zeros([noise.rows, width])
    for row in 0..<noise.rows {
      let start = rows.pointer + row * width
      start.update(from: noise.pointer + row * self.noise, count: self.noise)
      if categories > 0 { start[self.noise + classes[row]] = 1 }
      for index in 0..<continuous { start[self.noise + categories + index] = values[row * continuous + index] }
    }
    return rows
  }

  /// The category of each latent row.
  func categories(of latents: Tensor) -> [Int] {
    (0..<latents.rows).map { row in
      let oneHot = latents.pointer + row * latents.columns + noise
      return (0..<categories).first { oneHot[$0] == 1 }!
    }
  }

  /// A latent row's codes in another draw's place, so that rows of a picture differ in noise alone.
  private let codeOffset: UInt32 = 1 << 16

  /// What the readings reveal of the codes.
  struct Reading {
    /// Σ over examples of log Q(c | x̃), and with each code's weight, which is to be made large.
    let logLikelihood: Double
    let weighted: Tensor
    /// How many categories were read right.
    let hits: Int
  }

  /// - Parameters:
  ///   - outputs: [n, `outputs`].
  ///   - latents: what the examples were generated from, [n, width].
  func read(_ outputs: Tensor, latents: Tensor) -> Reading {
    let given = latents.detached
    var (logLikelihood, weighted, hits) = (0.0, Tensor(0), 0)
    func add(_ term: Tensor, weight: Float) {
      logLikelihood += Double(term.value)
      weighted = weighted + term * weight
    }
    if categories > 0 {
      let oneHot = given.columns(noise..<noise + categories)
      let logits = outputs.columns(0..<categories)
      add((logits.logSoftmax() * oneHot).sum(), weight: weights.categorical)
      for row in 0..<given.rows {
        let (read, truth) = (logits.pointer + row * categories, oneHot.pointer + row * categories)
        if (0..<categories).max(by: { read[$0] < read[$1] }).map({ truth[$0] == 1 }) ?? false { hits += 1 }
      }
    }
    if continuous > 0 {
      let code = given.columns(noise + categories..<width)
      let mean = outputs.columns(categories..<categories + continuous)
      // A variance that may vanish would make the bound, and the gradient, grow without end.
      let logVariance = outputs.columns(categories + continuous..<self.outputs).clamped(to: -6...6)
      add(
        Gaussian.logLikelihood(of: code, mean: mean, logVariance: logVariance).sum(), weight: weights.continuous)
    }
    return Reading(logLikelihood: logLikelihood, weighted: weighted, hits: hits)
  }

  /// H(c), in nats: what E log Q(c | x̃) adds up to the bound on the mutual information with (equation 5).
  var entropy: Double { (categories > 0 ? log(Double(categories)) : 0) + Double(continuous) * log(2) }
}
