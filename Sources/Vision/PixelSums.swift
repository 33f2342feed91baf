import Foundation
import Metrics
import Tensors
import Training

/// Running sums over Monte Carlo samples of an image's class probabilities, in the order of the samples: what maps need,
/// without samples × pixels × classes numbers.
struct PixelSums {
  private let height: Int
  private let width: Int
  private let classes: Int
  private var samples = 0
  private var probabilities: [Double]
  /// Σ p² over samples and classes, and the sum of the entropies, of each pixel.
  private var squares: [Double]
  private var entropies: [Double]

  init(height: Int, width: Int, classes: Int) {
    (self.height, self.width, self.classes) = (height, width, classes)
    probabilities = Array(repeating: 0, count: height * width * classes)
    squares = Array(repeating: 0, count: height * width)
    entropies = squares
  }

  /// - Parameter sample: [pixels, classes].
  mutating func add(_ sample: Tensor) {
    precondition(sample.count == probabilities.count)
    // 0 log 0 is 0.
    let entropy = -(sample * sample.clamped(to: 1e-30...1).log()).sumOfRows()
    let square = sample.squared().sumOfRows()
    for index in 0..<probabilities.count { probabilities[index] += Double(sample.pointer[index]) }
    for pixel in 0..<squares.count {
      squares[pixel] += Double(square.pointer[pixel])
      entropies[pixel] += Double(entropy.pointer[pixel])
    }
    samples += 1
  }

  var prediction: PixelPrediction {
    let share = 1 / Double(max(samples, 1))
    let pixels = height * width
    var (mean, aleatoric) = ([Float](), [Float]())
    var (epistemic, variance) = (aleatoric, aleatoric)
    mean.reserveCapacity(pixels * classes)
    for pixel in 0..<pixels {
      var (square, whole) = (0.0, 0.0)
      for index in pixel * classes..<(pixel + 1) * classes {
        let p = probabilities[index] * share
        mean.append(Float(p))
        square += p * p
        if p > 0 { whole -= p * log(p) }
      }
      let expected = entropies[pixel] * share
      aleatoric.append(Float(expected))
      epistemic.append(Float(max(whole - expected, 0)))
      variance.append(Float(max(squares[pixel] * share - square, 0) / Double(classes)))
    }
    return PixelPrediction(
      height: height, width: width, samples: samples, mean: mean, aleatoric: aleatoric, epistemic: epistemic,
      variance: variance)
  }
}
