import Datasets
import Glibc
import Learners
import Networks
import Synchronization
import Tensors
import Training

/// Finds the style whose picture is nearest to a given one (Karras et al. 2020, appendix D).
///
/// The distance is the mean squared difference of the pixels and of the pictures of a pyramid of ever smaller ones that
/// were blurred before: a distance of features of a trained classifier, which the paper takes, needs weights from
/// elsewhere. The noise of the convolutions is the constant one, or is found too: see ``NoiseMaps``.
struct Projector: Sendable {
  /// As the paper has them: the greatest learning rate, the shares of the steps in which it rises and falls, the noise
  /// of the style in units of the styles' deviation and the share of the steps in which it falls to 0.
  private static let (rate, rise, fall) = (0.1, 0.05, 0.25)
  private static let (noise, noiseFall) = (0.05, 0.75)
  /// How many styles say where to begin, and how far apart styles are.
  private static let drawn = 10_000

  let style: StyleGenerator
  let parameters: FlatBuffer
  /// As the network makes it.
  let target: [Float]
  let key: RandomKey
  /// Draws the latent rows of the styles to begin with, and their classes where the generator has classes.
  let codes: LatentCodes
  let classIndex: Int?
  /// Whether the noise of the convolutions is searched for.
  let findsNoise: Bool

  /// What a search has found.
  struct Found {
    /// w [1, style].
    let style: Tensor
    /// The noise of each convolution, [1, height, width]; nil: the constant one.
    let noise: [Tensor]?
    /// At each step.
    let distances: [Double]
  }

  /// - Parameter seen: hears of each step's picture.
  func project(steps: Int, on tape: Tape, _ seen: (_ step: Int, _ picture: Tensor) -> Void) -> Found {
    let (mean, deviation) = start()
    let w = Searched(mean)
    let maps = findsNoise ? NoiseMaps(style.noiseSides, key: key.at(tensor: NoiseStream.activations)) : nil
    let pyramid = levels(of: Tensor(target, [1, target.count]))
    var distances: [Double] = []
    for step in 0..<steps {
      let share = Double(step) / Double(steps)
      tape.reset()
      let variable = w.variable(on: tape)
      let noises = maps?.variables(on: tape)
      let strength = Projector.noise * deviation * pow(max(0, 1 - share / Projector.noiseFall), 2)
      let noise = Tensor.normal(key.at(step: UInt32(step)), rows: [0], columns: mean.columns)
      let picture = picture(of: variable + noise * Float(strength), noise: noises)
      let distance = zip(levels(of: picture), pyramid).map { ($0 - $1).squared().mean() }.reduce(Tensor(0), +)
      distances.append(Double(distance.value))
      seen(step, picture.detached)
      tape.backward(from: noises.map { distance + NoiseMaps.penalty($0) } ?? distance)
      w.update(step: step, rate: rate(at: share))
      maps?.update(step: step, rate: rate(at: share))
    }
    return Found(style: w.numbers, noise: maps?.numbers, distances: distances)
  }

  /// The picture of one style for all inputs, [1, width].
  /// - Parameter noise: of each convolution; nil: the constant one.
  func picture(of w: Tensor, noise: [Tensor]?) -> Tensor {
    style.synthesize(Array(repeating: w, count: style.styleCount), noise: noise, pass)
  }

  private var pass: Pass { Pass(predictingWith: ParameterViews(parameters)) }

  private func rate(at share: Double) -> Double {
    let fall = 0.5 - 0.5 * cos(Double.pi * min(1, (1 - share) / Projector.fall))
    return Projector.rate * fall * min(1, share / Projector.rise)
  }

  /// The mean of many styles, and the root of their mean squared distance from it.
  private func start() -> (mean: Tensor, deviation: Double) {
    let latents = codes.draw(
      key.at(sample: 1), examples: (0..<UInt32(Projector.drawn)).map { $0 },
      classes: codes.classes > 0 ? (0..<Projector.drawn).map { classIndex ?? $0 % codes.classes } : [])
    let styles = style.map(latents, pass)
    let share = 1 / Float(Projector.drawn)
    let mean = styles.sumOfColumns() * share
    let squares = styles.addingRow(mean * -1).squared().sum() * share
    return (mean.reshaped(to: [1, mean.count]), Double(squares.value).squareRoot())
  }

  /// The picture, and ever smaller blurred ones while their sides are even and above 4.
  private func levels(of rows: Tensor) -> [Tensor] {
    let sides = style.pyramid.sides(style.pyramid.levels - 1)
    var levels = [rows.reshaped(to: [rows.rows, sides[0], sides[1], style.pyramid.channels])]
    while let last = levels.last, last.shape[1] % 2 == 0, last.shape[2] % 2 == 0, min(last.shape[1], last.shape[2]) > 4
    {
      levels.append(last.filteredDown())
    }
    return levels
  }
}

extension AdversarialLearner {
  /// - Throws: `TrainingError` when the target is no picture of the data's shape.
  func project(_ request: ProjectionRequest, with crew: Crew) throws -> Projection {
    guard let style = generator.style, pixels, request.target.shape == inputs.train.shape else {
      throw TrainingError(
        .unsuitable,
        "pictures of bytes and of the shape \(inputs.train.shape) are projected, not \(request.target.shape)",
        advice: "give a picture like the training data's")
    }
    let bytes = request.target.withUnsafeBufferPointer(as: UInt8.self) { Array($0.prefix(inputs.width)) }
    let stored = bytes.map { Float($0) / 255 }
    let projector = Projector(
      style: style, parameters: average?.parameters ?? generator.parameters,
      target: scaled(Tensor(stored, [1, stored.count])).values,
      key: RandomKey(seed: request.seed).at(tensor: NoiseStream.latent), codes: codes,
      classIndex: request.classIndex, findsNoise: request.findsNoise)
    let result = Mutex<Projection?>(nil)
    try crew.forEach(1) { _, lane in
      var frames: [[Float]] = []
      let found = projector.project(steps: request.steps, on: lane.tape) { step, picture in
        // The last frame is the result.
        if frames.count < (request.frames - 1) * (step + 1) / request.steps {
          frames.append(self.restored(picture).values)
        }
      }
      let picture = self.restored(projector.picture(of: found.style, noise: found.noise)).values
      let error = zip(picture, stored).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
      let projection = Projection(
        style: found.style.values, picture: picture, target: stored, frames: frames + [picture],
        noise: (found.noise ?? []).map { .init(values: $0.values, shape: Array($0.shape.dimensions.dropFirst())) },
        psnr: 10 * log10(Double(picture.count) / error), distances: found.distances)
      result.withLock { $0 = projection }
    }
    return result.withLock { $0! }
  }
}
