import Datasets
import Figures
import Learners
import LinearAlgebra
import Metrics
import Tensors
import Training

/// Distances of generated from real pictures that need neither labels nor features.
extension AdversarialLearner {
  /// Whether examples are pictures that pieces can be cut out of.
  static func arePictures(_ inputs: NetworkInputs) -> Bool {
    let image = ImageLayout(shape: inputs.train.shape)
    return inputs.width > 16 && min(image.height, image.width) >= PatchSet.side
  }

  /// Samples as a picture file holds them: a metric must not distinguish bytes from values between them.
  func asStored(_ samples: Tensor) -> Tensor {
    guard pixels else { return samples }
    return Tensor(samples.values.map { ($0 * 255).rounded() / 255 }, samples.shape)
  }

  // MARK: Sliced Wasserstein distance

  private static let directions = 512
  private static let piecesPerImage = 128

  /// - `gen/SWD_64`, `gen/SWD_32`, …: the distance of 128 pieces of 7 × 7 pixels of each picture, at the level of a
  ///   Laplacian pyramid that is so many pixels high, times 1000; `gen/SWD`: the mean over levels;
  /// - `gen/SWD_floor`: the mean of the real pictures at even places from those at odd ones, half as many each: what two
  ///   sets of one distribution come to.
  ///
  /// Karras, Aila, Laine and Lehtinen 2018, section 5, of 512 directions. Pieces and directions are of one fixed seed.
  func slicedDistances(_ real: Tensor, _ generated: Tensor, with crew: Crew) throws -> [String: Double] {
    let image = ImageLayout(shape: inputs.train.shape)
    func stack(_ rows: Tensor) -> ImageStack {
      ImageStack(rows.values, height: image.height, width: image.width, channels: image.channels)
    }
    let (real, generated) = (stack(real), stack(generated))
    let levels = try levelDistances(real, generated, with: crew)
    let half = real.count / 2
    let floors = try levelDistances(
      real.images((0..<half).map { 2 * $0 }), real.images((0..<half).map { 2 * $0 + 1 }), with: crew)
    func mean(_ levels: [(height: Int, distance: Double)]) -> Double {
      levels.reduce(0) { $0 + $1.distance } / Double(levels.count)
    }
    var metrics = ["gen/SWD": mean(levels), "gen/SWD_floor": mean(floors)]
    for level in levels { metrics["gen/SWD_\(level.height)"] = level.distance }
    return metrics
  }

  private func levelDistances(
    _ real: ImageStack, _ generated: ImageStack, with crew: Crew
  ) throws -> [(height: Int, distance: Double)] {
    try zip(real.laplacianPyramid(), generated.laplacianPyramid()).enumerated().map { level, pair in
      var stream = RandomStream(RandomKey(seed: 20_481).at(tensor: UInt32(level)))
      func pieces(_ images: ImageStack) -> PatchSet {
        let (rows, columns) = (images.height - PatchSet.side + 1, images.width - PatchSet.side + 1)
        return PatchSet(
          of: images,
          corners: (0..<images.count * AdversarialLearner.piecesPerImage).map { _ in
            (Int(stream.next(below: UInt32(rows))), Int(stream.next(below: UInt32(columns))))
          })
      }
      let (ours, theirs) = (pieces(pair.0), pieces(pair.1))
      let atATime = 32
      let directions = RandomKey(seed: 20_482).at(tensor: UInt32(level))
      let distances = try crew.map(AdversarialLearner.directions / atATime) { block in
        let numbers = (0..<UInt32(atATime)).map { UInt32(block * atATime) + $0 }
        return SlicedWasserstein.distances(
          Matrix(unitRows: .normal(directions, rows: numbers, columns: ours.width)), ours, theirs)
      }
      return (pair.0.height, 1000 * distances.joined().reduce(0, +) / Double(AdversarialLearner.directions))
    }
  }

  // MARK: The nearest training examples

  /// - `gen/Nearest`, `gen/Nearest_least`: the root mean square difference of a sample's numbers from those of the training
  ///   example that is nearest by it, median and least over samples; bytes of pictures in 0…255. Copies have small ones.
  /// - `gen/Nearest_real`: the median of the same from real examples to the nearest training example that is not equal.
  func nearestDistances(_ real: Tensor, _ generated: Tensor, with crew: Crew) throws -> [String: Double] {
    let unit = pixels ? 255.0 : 1
    let invented = try nearest(to: generated, with: crew).map { unit * $0.distance }.sorted()
    let known = try nearest(to: real, leavingOutEqual: true, with: crew).map { unit * $0.distance }.sorted()
    return [
      "gen/Nearest": invented[invented.count / 2], "gen/Nearest_least": invented[0],
      "gen/Nearest_real": known[known.count / 2],
    ]
  }

  /// Each sample with the training example nearest to it on its right.
  func nearestPictures(_ key: RandomKey, with crew: Crew) throws -> Figure {
    let (count, columns) = (20, 10)
    let latents = draw(key, rows: 0..<count)
    let samples = try generated(from: latents, with: crew)
    let places = try nearest(to: samples, with: crew).map { UInt32($0.example) }
    let examples = trainingRows(.list(places[...]))
    let values = (0..<count).flatMap { row in
      [samples, examples].flatMap { $0.values[row * inputs.width..<(row + 1) * inputs.width] }
    }
    return imageGrid(
      "nearest", title: "Samples, each with the nearest training example on its right",
      Tensor(values, [2 * count, inputs.width]), inputs: inputs, columns: columns)
  }

  /// In the units of the data.
  private func trainingRows(_ examples: Examples) -> Tensor {
    inputs.restored(inputs.trainRows(examples, key: RandomKey(seed: 0)))
  }

  /// For each row the training example that differs least from it, and the root mean square difference.
  private func nearest(
    to rows: Tensor, leavingOutEqual: Bool = false, with crew: Crew
  ) throws -> [(example: Int, distance: Double)] {
    let (values, width, block) = (rows.values, rows.columns, 100)
    return try crew.map((rows.rows + block - 1) / block) { [self] index in
      let range = index * block..<min((index + 1) * block, values.count / width)
      let part = Tensor(values[range.lowerBound * width..<range.upperBound * width], [range.count, width])
      // Two candidates by float32's squares; the exact difference then chooses between them.
      var best = [(places: [Int], scores: [Float])](repeating: ([], []), count: range.count)
      for start in stride(from: 0, to: inputs.train.count, by: 1000) {
        let others = trainingRows(.range(start..<min(start + 1000, inputs.train.count)))
        let squares = others.squared().sumOfRows()
        let products = part.product(withTransposed: others)
        for row in 0..<range.count {
          for column in 0..<others.rows {
            let score = squares.pointer[column] - 2 * products.pointer[row * others.rows + column]
            let known = best[row].scores
            guard known.count < 2 || score < known[1] else { continue }
            let place = known.isEmpty || score < known[0] ? 0 : 1
            best[row].places.insert(start + column, at: place)
            best[row].scores.insert(score, at: place)
            if best[row].places.count > 2 {
              best[row].places.removeLast()
              best[row].scores.removeLast()
            }
          }
        }
      }
      return best.enumerated().map { row, found in
        let exact = found.places.map { place -> (example: Int, distance: Double) in
          let other = trainingRows(.range(place..<place + 1))
          let sum = (0..<width).reduce(0.0) { sum, column in
            let difference = Double(part.pointer[row * width + column]) - Double(other.pointer[column])
            return sum + difference * difference
          }
          return (place, (sum / Double(width)).squareRoot())
        }.sorted { $0.distance < $1.distance }
        return exact.first { !leavingOutEqual || $0.distance > 0 } ?? exact[0]
      }
    }.flatMap(\.self)
  }
}

extension Matrix {
  /// The rows of a tensor, each divided by its length.
  fileprivate init(unitRows rows: Tensor) {
    var elements = rows.values.map(Double.init)
    for start in stride(from: 0, to: elements.count, by: rows.columns) {
      let length = elements[start..<start + rows.columns].reduce(0) { $0 + $1 * $1 }.squareRoot()
      for index in start..<start + rows.columns { elements[index] /= length }
    }
    self.init(rows: rows.rows, columns: rows.columns, elements: elements)
  }
}
