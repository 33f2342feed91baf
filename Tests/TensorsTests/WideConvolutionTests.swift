import COneDNN
import Tensors
import Testing

/// Convolutions of as many channels as go through kernels of their own on some processors, against sums in double
/// precision.
@Suite("Convolutions of many channels")
struct WideConvolutionTests {
  struct Geometry: Sendable, CustomTestStringConvertible {
    var images = 2
    var (inputs, outputs) = (16, 16)
    var (height, width) = (8, 8)
    var kernel = Pair(4)
    var stride = Pair(2)
    var padding = Pair(1)

    var testDescription: String {
      "\(images) × \(height) × \(width) × \(inputs) → \(outputs), kernel \(kernel), stride \(stride), padding \(padding)"
    }

    var sizes: elbo_convolution {
      var s = elbo_convolution()
      (s.n, s.in, s.out, s.in_height, s.in_width) = (images, inputs, outputs, height, width)
      (s.kernel_height, s.kernel_width) = (kernel.height, kernel.width)
      (s.stride_height, s.stride_width, s.dilation_height, s.dilation_width) = (stride.height, stride.width, 1, 1)
      (s.top, s.left) = (padding.height, padding.width)
      s.out_height = (height + 2 * padding.height - kernel.height) / stride.height + 1
      s.out_width = (width + 2 * padding.width - kernel.width) / stride.width + 1
      s.bottom = (s.out_height - 1) * stride.height + kernel.height - height - padding.height
      s.right = (s.out_width - 1) * stride.width + kernel.width - width - padding.width
      return s
    }
  }

  static let geometries = [
    Geometry(),
    Geometry(images: 1, inputs: 33, outputs: 22, height: 7, width: 9, kernel: Pair(3, 5), stride: Pair(2, 1)),
    // Rows and columns in no window, and windows apart from each other.
    Geometry(inputs: 17, outputs: 40, height: 10, width: 11, kernel: Pair(1, 2), stride: Pair(3, 3), padding: 0),
    Geometry(inputs: 16, outputs: 18, height: 3, width: 2, kernel: 5, stride: 1, padding: Pair(2, 3)),
    Geometry(inputs: 20, outputs: 16, height: 1, width: 6, kernel: Pair(1, 3), stride: Pair(1, 2), padding: Pair(0, 2)),
    // More depth than goes through a tile at once, and more windows than a block.
    Geometry(images: 3, inputs: 96, outputs: 16, height: 4, width: 4),
    Geometry(images: 2, inputs: 16, outputs: 16, height: 36, width: 40),
    Geometry(images: 70, inputs: 16, outputs: 16, height: 4, width: 4),
  ]

  /// Of about 1; different in every place.
  private static func numbers(_ count: Int, _ seed: Int) -> [Float] {
    (0..<count).map { Float(($0 &* 7919 &+ seed &* 104_729) % 257 - 128) / 128 }
  }

  /// The three maps by their definition, and the sums of the terms' magnitudes.
  private struct Sums {
    var forward: [(sum: Double, magnitude: Double)]
    var source: [(sum: Double, magnitude: Double)]
    var weights: [(sum: Double, magnitude: Double)]

    init(_ s: elbo_convolution, source x: [Float], weights w: [Float], destination y: [Float]) {
      forward = Array(repeating: (0, 0), count: y.count)
      source = Array(repeating: (0, 0), count: x.count)
      weights = Array(repeating: (0, 0), count: w.count)
      for n in 0..<s.n {
        for i in 0..<s.out_height {
          for j in 0..<s.out_width {
            for k in 0..<s.kernel_height {
              for l in 0..<s.kernel_width {
                let (row, column) = (i * s.stride_height + k - s.top, j * s.stride_width + l - s.left)
                guard 0..<s.in_height ~= row, 0..<s.in_width ~= column else { continue }
                for o in 0..<s.out {
                  let to = ((n * s.out_height + i) * s.out_width + j) * s.out + o
                  for c in 0..<s.in {
                    let from = ((n * s.in_height + row) * s.in_width + column) * s.in + c
                    let weight = ((o * s.in + c) * s.kernel_height + k) * s.kernel_width + l
                    Sums.add(x[from], w[weight], to: &forward[to])
                    Sums.add(y[to], w[weight], to: &source[from])
                    Sums.add(x[from], y[to], to: &weights[weight])
                  }
                }
              }
            }
          }
        }
      }
    }

    private static func add(_ a: Float, _ b: Float, to total: inout (sum: Double, magnitude: Double)) {
      let term = Double(a) * Double(b)
      total = (total.sum + term, total.magnitude + abs(term))
    }
  }

  /// Greatest |difference| over the sum of |terms|; infinite where a number was not written.
  private func error(_ found: [Float], _ wanted: [(sum: Double, magnitude: Double)]) -> Double {
    zip(found, wanted).map { found, wanted in
      found.isFinite ? abs(Double(found) - wanted.sum) / max(wanted.magnitude, 1e-30) : .infinity
    }.max() ?? 0
  }

  @Test(arguments: geometries)
  func equalsNaiveSums(_ geometry: Geometry) {
    var s = geometry.sizes
    let x = Self.numbers(s.n * s.in_height * s.in_width * s.in, 1)
    let w = Self.numbers(s.out * s.in * s.kernel_height * s.kernel_width, 2)
    let y = Self.numbers(s.n * s.out_height * s.out_width * s.out, 3)
    let sums = Sums(s, source: x, weights: w, destination: y)
    var (forward, source) = ([Float](repeating: .nan, count: y.count), [Float](repeating: .nan, count: x.count))
    var weights = [Float](repeating: .nan, count: w.count)
    #expect(elbo_convolve(ELBO_CONVOLUTION_FORWARD, &s, x, w, &forward) == 0)
    #expect(elbo_convolve(ELBO_CONVOLUTION_SOURCE, &s, y, w, &source) == 0)
    #expect(elbo_convolve(ELBO_CONVOLUTION_WEIGHTS, &s, x, y, &weights) == 0)
    #expect(error(forward, sums.forward) < 2e-6)
    #expect(error(source, sums.source) < 2e-6)
    #expect(error(weights, sums.weights) < 2e-6)

    let bias = Self.numbers(s.out, 4)
    var rectified = [Float](repeating: .nan, count: y.count)
    #expect(elbo_convolve_rectified(&s, x, w, bias, 0.25, &rectified) == 0)
    let wanted = sums.forward.enumerated().map { index, total in
      let sum = total.sum + Double(bias[index % s.out])
      return (sum: sum > 0 ? sum : 0.25 * sum, magnitude: total.magnitude + abs(Double(bias[index % s.out])))
    }
    #expect(error(rectified, wanted) < 2e-6)
  }
}
