import Optimizers
import Tensors

/// Numbers that a search improves by Adam.
struct Searched {
  let numbers: Tensor
  private let gradient: Tensor
  private let moments: (Tensor, Tensor)

  /// - Parameter start: copied.
  init(_ start: Tensor) {
    numbers = Tensor(start.values, start.shape)
    gradient = .zeros(start.shape)
    moments = (.zeros(start.shape), .zeros(start.shape))
  }

  /// A variable whose derivative the next update takes.
  func variable(on tape: Tape) -> Tensor {
    gradient.buffer.update(repeating: 0)
    return tape.variable(numbers, gradient: gradient)
  }

  /// - Parameter step: counted from 0.
  func update(step: Int, rate: Double) {
    Optimizer(.adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-8)).update(
      0..<numbers.count, of: numbers.pointer, gradient: gradient.pointer,
      state: [moments.0.pointer, moments.1.pointer], step: step + 1, learningRate: rate)
  }
}

/// The noise of a generator's convolutions, searched for together with a style (Karras et al. 2020, appendix D).
///
/// After each step each map has mean 0 and variance 1 again, and a penalty on what neighbors have in common keeps the picture
/// out of the noise.
package struct NoiseMaps {
  private static let weight: Float = 1e5
  private static let smallest = 8

  private let maps: [Searched]

  /// - Parameters:
  ///   - sides: [height, width] of each map.
  ///   - key: of the numbers to begin with.
  init(_ sides: [[Int]], key: RandomKey) {
    maps = sides.enumerated().map { index, sides in
      let start = Tensor.normal(key.at(tensor: key.tensor + UInt32(index)), rows: [0], columns: sides[0] * sides[1])
      return Searched(start.reshaped(to: Shape([1] + sides)))
    }
  }

  /// [1, height, width] each.
  var numbers: [Tensor] { maps.map(\.numbers) }

  func variables(on tape: Tape) -> [Tensor] { maps.map { $0.variable(on: tape) } }

  func update(step: Int, rate: Double) {
    for map in maps {
      map.update(step: step, rate: rate)
      let (numbers, count) = (map.numbers.buffer, Float(map.numbers.count))
      let mean = numbers.reduce(0, +) / count
      let square = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
      let scale = 1 / max(square, 1e-12).squareRoot()
      for index in numbers.indices { numbers[index] = (numbers[index] - mean) * scale }
    }
  }

  /// 10⁵ Σ over maps, and over their halved pictures down to a side of 8, of the squared means of n · n′, where n′ is the
  /// neighbor on the right and then the one below; what leaves on one side comes in on the other.
  package static func penalty(_ maps: [Tensor]) -> Tensor {
    var sum = Tensor(0)
    for map in maps {
      var image = map.reshaped(to: [1, map.shape[1], map.shape[2], 1])
      while true {
        let (height, width) = (image.shape[1], image.shape[2])
        let rows = image.reshaped(to: [height, width])
        let right = rows.columns(1..<width).joiningColumns(rows.columns(0..<1))
        let below = rows.rows(1..<height).joiningRows(rows.rows(0..<1))
        for neighbor in [right, below] { sum = sum + (rows * neighbor).mean().squared() }
        guard min(height, width) > smallest, height % 2 == 0, width % 2 == 0 else { break }
        image = image.averagePooled(2)
      }
    }
    return sum * weight
  }
}
