import Datasets
import Learners
import LinearAlgebra
import Networks
import Optimizers
import Tensors
import Training

/// A classifier that is trained on a data set by one fixed rule, for its last hidden layer: features in which real and
/// generated examples are compared.
///
/// A Fréchet distance in them is not the one in Inception features: the metric's name says that the features are Elbo's
/// own. The rule is a function of the data alone, so that numbers of two runs on one data set can be compared.
struct FeatureNetwork: Sendable {
  static let width = 64
  private static let seed: UInt64 = 20_480
  private static let batch = 100
  private static let epochs = 4
  private static let mostExamples = 20_000

  private let network: LayerStack
  private let head: Dense
  private let parameters: FlatBuffer

  /// Trains the network on one lane: a few seconds.
  init(inputs: NetworkInputs, labels: ClassLabels, image: ImageLayout, with crew: Crew) throws {
    var layout = Layout()
    var layers: [any Layer]
    var width = image.count
    if image.height >= 8 && image.width >= 8 {
      // Convolutions of stride 2 until at most 8 pixels a side are left.
      layers = [Reshaped(to: [image.height, image.width, image.channels])]
      var (height, wide, channels, filters) = (image.height, image.width, image.channels, 16)
      while max(height, wide) > 8 {
        layers.append(
          Convolution2D(
            name: "\(layers.count)", in: channels, out: filters, kernel: 3, stride: 2, padding: 1, layout: &layout))
        layers.append(Elementwise(.relu))
        (height, wide, channels, filters) = ((height + 1) / 2, (wide + 1) / 2, filters, min(2 * filters, 64))
      }
      width = height * wide * channels
    } else {
      layers = [Dense(name: "0", in: width, out: 128, activation: .relu, layout: &layout)]
      width = 128
    }
    layers.append(Dense(name: "features", in: width, out: FeatureNetwork.width, activation: .relu, layout: &layout))
    head = Dense(name: "head", in: FeatureNetwork.width, out: labels.count, layout: &layout)
    network = LayerStack(layers)
    parameters = FlatBuffer("features", layout)
    network.initialize(parameters, seed: FeatureNetwork.seed)
    head.initialize(parameters, seed: FeatureNetwork.seed)
    try train(inputs, labels, with: crew)
  }

  private func train(_ inputs: NetworkInputs, _ labels: ClassLabels, with crew: Crew) throws {
    let optimizer = Optimizer(.adam())
    let gradient = FlatBuffer("gradient", parameters.layout)
    let moments = optimizer.stateNames.map { FlatBuffer($0, parameters.layout) }
    let count = min(inputs.train.count, FeatureNetwork.mostExamples)
    let key = RandomKey(seed: FeatureNetwork.seed)
    try crew.forEach(1) { [self] _, lane in
      var step = 0
      for epoch in 0..<FeatureNetwork.epochs {
        let order = key.at(step: UInt32(epoch)).permutation(count)
        for start in stride(from: 0, to: count, by: FeatureNetwork.batch) {
          let rows = order[start..<min(start + FeatureNetwork.batch, count)]
          lane.tape.reset()
          let views = ParameterViews(parameters, on: lane.tape, gradient: gradient.float32.baseAddress!)
          let x = inputs.restored(inputs.trainRows(.list(rows), key: key))
          let logits = head(network(x, Pass(.given(views))), Pass(.given(views)))
          lane.tape.backward(
            from: Loss.crossEntropy(logits: logits, labels: rows.map { labels.indices[Int($0)] }).mean())
          step += 1
          optimizer.update(
            0..<parameters.layout.count, of: parameters.float32.baseAddress!, gradient: gradient.float32.baseAddress!,
            state: moments.map { $0.float32.baseAddress! }, step: step, learningRate: 1e-3)
        }
      }
    }
  }

  /// Features of examples in the units of the data, and the classes that the network takes them for.
  func read(_ rows: Tensor) -> (features: Matrix, classes: [Int]) {
    let pass = Pass(predictingWith: ParameterViews(parameters))
    let features = network(rows, pass)
    let logits = head(features, pass)
    let classes = (0..<rows.rows).map { row in
      (0..<logits.columns).max {
        logits.pointer[row * logits.columns + $0] < logits.pointer[row * logits.columns + $1]
      }!
    }
    let numbers = features.values.map(Double.init)
    return (Matrix(rows: rows.rows, columns: FeatureNetwork.width, elements: numbers), classes)
  }
}
