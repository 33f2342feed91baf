import Images
import Tensors
import Training

/// Where the pixels of an enlarged picture lie among a network's outputs: r² of each pixel of the small one, row by row
/// (the periodic shuffling of Shi et al. 2016, equation 4).
struct SubPixels: Sendable {
  let height: Int
  let width: Int
  let factor: Int

  /// Runs `body` with each place among the outputs and the number of its pixel.
  func forEach(_ body: (_ place: Int, _ pixel: Int) -> Void) {
    var place = 0
    for row in 0..<height {
      for column in 0..<width {
        for down in 0..<factor {
          let start = ((row * factor + down) * width + column) * factor
          for across in 0..<factor {
            body(place, start + across)
            place += 1
          }
        }
      }
    }
  }
}

/// Sums over the samples of an enlarged picture: never all samples at a time.
struct EnlargedSums {
  private let base: GrayImage
  private let places: SubPixels
  private let scale: Double
  private var count = 0
  /// Of the network's means and their squared distances from the mean so far (Welford 1962), and of its variances.
  private var means: [Double]
  private var distances: [Double]
  private var variances: [Double]

  /// - Parameters:
  ///   - base: what the network's means are added to.
  ///   - scale: what they are multiplied with.
  init(_ base: GrayImage, factor: Int, scale: Float) {
    (self.base, self.scale) = (base, Double(scale))
    places = SubPixels(height: base.height / factor, width: base.width / factor, factor: factor)
    means = Array(repeating: 0, count: base.values.count)
    distances = means
    variances = means
  }

  /// Adds a sample: means and variances, [pixels of the small picture, r²].
  mutating func add(_ mean: Tensor, variance: Tensor) {
    count += 1
    let share = 1 / Double(count)
    places.forEach { place, pixel in
      let value = Double(mean.pointer[place])
      let distance = value - means[pixel]
      means[pixel] += distance * share
      distances[pixel] += distance * (value - means[pixel])
      variances[pixel] += Double(variance.pointer[place])
    }
  }

  var picture: EnlargedPicture {
    let square = scale * scale
    return EnlargedPicture(
      height: base.height, width: base.width, samples: count,
      mean: zip(base.values, means).map { Float(Double($0) + scale * $1) },
      aleatoric: variances.map { Float($0 * square / Double(count)) },
      epistemic: distances.map { count > 1 ? Float($0 * square / Double(count - 1)) : 0 })
  }
}
