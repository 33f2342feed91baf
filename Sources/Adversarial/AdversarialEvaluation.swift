import Datasets
import Glibc
import Learners
import LinearAlgebra
import Metrics
import Tensors
import Training

/// How like samples are to held-out examples, and how varied: what `evaluate.metrics` names, between the first
/// `evaluate.examples` test examples (`gen/Examples`) and as many samples. Real examples are read as a training reads them,
/// samples of pictures are rounded to bytes.
///
/// - `gen/FID_own`, `gen/KID_own`, `gen/Precision_own`, `gen/Recall_own`: over the 64 features of a classifier that
///   Elbo trains on the data set; only where that classifier does better than chance; `gen/FID_own_floor`: of the real
///   examples at even places from those at odd ones, half as many each;
/// - `gen/PPL_own`, `gen/PPL_end_own`: in the same features; see `perceptualPathLengths`;
/// - `gen/SWD…`, `gen/Nearest…`: see `slicedDistances` and `nearestDistances`;
/// - `gen/Classes_own`: exp of the entropy of the classes that the classifier takes the samples for, the number of
///   classes when all are equally frequent; `gen/FeatureAccuracy_own`: its accuracy on the test examples;
/// - `gen/CodePurity_own`: the share of samples of the class that is commonest among those of their categorical code
///   (0.1 to 0.2 of ten classes that codes say nothing of); `gen/CodeClasses_own`: how many classes are the commonest
///   of a code;
/// - `gen/Modes`, `gen/Good`: of labelled points of few numbers, how many clusters the samples find, and the share of
///   samples that lie within three standard deviations of one.
extension AdversarialLearner {
  var evaluationCount: Int { evaluatedExamples }

  func evaluate(key: RandomKey, with crew: Crew) throws -> [String: Double] {
    try GenerativeMetric.check(
      measured, areLabelled: labels != nil, arePictures: AdversarialLearner.arePictures(inputs),
      haveStyles: generator.style != nil)
    guard evaluatedExamples > 1, let test = inputs.test else { return [:] }
    let count = evaluatedExamples
    let latents = evaluatedLatents(key.at(step: .max - 2))
    let samples = try generated(from: latents, with: crew)
    var metrics = ["gen/Examples": Double(count)]
    if inputs.width <= 16 {
      guard let labels else { return [:] }
      let modes = modes(of: samples, labels)
      metrics["gen/Modes"] = Double(modes.found)
      metrics["gen/Good"] = modes.good
      return metrics
    }
    let stored = asStored(samples)
    let real = inputs.restored(inputs.rows(of: test, .range(0..<count), key: key))
    if !measured.isDisjoint(with: GenerativeMetric.ofFeatures), let labels, let testLabels {
      metrics.merge(try featureMetrics(real, stored, latents, labels, testLabels, key: key, with: crew)) { $1 }
    }
    if measured.contains(.swd) { metrics.merge(try slicedDistances(real, stored, with: crew)) { $1 } }
    if measured.contains(.nearest) { metrics.merge(try nearestDistances(real, stored, with: crew)) { $1 } }
    return metrics
  }

  /// Latent rows, one beside each test example and of its class.
  private func evaluatedLatents(_ key: RandomKey) -> Tensor {
    let examples = 0..<UInt32(evaluatedExamples)
    return codes.draw(
      key.at(tensor: NoiseStream.latent), examples: Array(examples), classes: classes(of: testLabels, examples))
  }

  private func featureMetrics(
    _ rows: Tensor, _ samples: Tensor, _ latents: Tensor, _ labels: ClassLabels, _ testLabels: ClassLabels,
    key: RandomKey, with crew: Crew
  ) throws -> [String: Double] {
    let network = try FeatureNetwork(
      inputs: inputs, labels: labels, image: ImageLayout(shape: inputs.train.shape), with: crew)
    let (real, invented) = (network.read(rows), network.read(samples))
    let truth = testLabels.indices.prefix(rows.rows).map { Int($0) }
    let accuracy = Double(zip(real.classes, truth).count { $0 == $1 }) / Double(rows.rows)
    var metrics = ["gen/FeatureAccuracy_own": accuracy]
    guard isBeyondChance(accuracy, truth, classes: labels.count) else { return metrics }
    let comparison = FeatureComparison(real: real.features, generated: invented.features)
    if measured.contains(.fid) {
      metrics["gen/FID_own"] = try comparison.frechetDistance()
      if rows.rows >= 4 { metrics["gen/FID_own_floor"] = try comparison.floor().frechetDistance() }
    }
    if measured.contains(.kid) { metrics["gen/KID_own"] = comparison.kernelDistance() }
    if measured.contains(.pr) {
      let coverage = comparison.coverage()
      metrics["gen/Precision_own"] = coverage.precision
      metrics["gen/Recall_own"] = coverage.recall
    }
    if measured.contains(.ppl) {
      let key = key.at(step: .max - 3)
      metrics.merge(
        try perceptualPathLengths(network, from: latents, to: evaluatedLatents(key), key: key, with: crew)
      ) { $1 }
    }
    metrics["gen/Classes_own"] = exp(entropy(of: invented.classes, classes: labels.count))
    if codes.categories > 0 {
      let told = agreement(of: codes.categories(of: latents), with: invented.classes, classes: labels.count)
      metrics["gen/CodePurity_own"] = told.purity
      metrics["gen/CodeClasses_own"] = Double(told.classes)
    }
    return metrics
  }

  /// Whether a classifier is right more often than one that always says the commonest class, by three standard errors of
  /// that: features of one that is not say nothing of samples.
  private func isBeyondChance(_ accuracy: Double, _ truth: [Int], classes: Int) -> Bool {
    var sizes = [Int](repeating: 0, count: classes)
    for label in truth { sizes[label] += 1 }
    let share = Double(sizes.max()!) / Double(truth.count)
    return accuracy > share + 3 * (share * (1 - share) / Double(truth.count)).squareRoot()
  }

  private func entropy(of classes: [Int], classes count: Int) -> Double {
    var shares = [Double](repeating: 0, count: count)
    for index in classes { shares[index] += 1 / Double(classes.count) }
    return -shares.reduce(0) { $0 + ($1 > 0 ? $1 * log($1) : 0) }
  }

  /// What categorical codes say of classes: each code stands for the class that is commonest among its samples.
  private func agreement(
    of given: [Int], with classes: [Int], classes count: Int
  ) -> (purity: Double, classes: Int) {
    var table = [[Int]](repeating: .init(repeating: 0, count: count), count: codes.categories)
    for (code, found) in zip(given, classes) { table[code][found] += 1 }
    let (greatest, used) = (table.map { $0.max() ?? 0 }, table.filter { $0.contains { $0 > 0 } })
    let commonest = Set(used.map { row in row.indices.max { row[$0] < row[$1] }! })
    return (Double(greatest.reduce(0, +)) / Double(given.count), commonest.count)
  }

  /// Each class of the training data is a mode: its mean is the centre.
  private func modes(of samples: Tensor, _ labels: ClassLabels) -> ModeCoverage {
    let (width, count) = (inputs.width, inputs.train.count)
    let rows = inputs.restored(inputs.trainRows(.range(0..<count), key: RandomKey(seed: 0)))
    var sums = [Double](repeating: 0, count: labels.count * width)
    var squares = [Double](repeating: 0, count: labels.count)
    var sizes = [Double](repeating: 0, count: labels.count)
    for row in 0..<count {
      let mode = Int(labels.indices[row])
      sizes[mode] += 1
      for axis in 0..<width { sums[mode * width + axis] += Double(rows.pointer[row * width + axis]) }
    }
    let centres = sums.indices.map { sums[$0] / max(sizes[$0 / width], 1) }
    for row in 0..<count {
      let mode = Int(labels.indices[row])
      for axis in 0..<width {
        let difference = Double(rows.pointer[row * width + axis]) - centres[mode * width + axis]
        squares[mode] += difference * difference
      }
    }
    let deviations = squares.indices.map { (squares[$0] / max(sizes[$0] * Double(width), 1)).squareRoot() }
    return ModeCoverage(
      points: samples.values.map(Double.init), centres: centres, deviations: deviations, width: width)
  }
}
