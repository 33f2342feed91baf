import Learners
import LinearAlgebra
import Metrics
import Tensors
import Training

/// How much pictures change along lines between styles: the perceptual path length of Karras, Laine and Aila (2019, section
/// 4.1), in the features that `gen/FID_own` compares, where the paper has a network of elsewhere.
package enum PathLengths {
  /// ε: how far apart the two pictures of a pair are, in parts of the line.
  private static let step: Float = 1e-4

  /// ‖f(p + ε (b − a)) − f(p)‖² / ε² with p = a + t (b − a), of each line: where f is linear, ‖f(b) − f(a)‖².
  /// - Parameters:
  ///   - starts: a, [n, width].
  ///   - ends: b, [n, width].
  ///   - places: t, [n].
  ///   - features: of points.
  package static func lengths(
    from starts: Tensor, to ends: Tensor, at places: Tensor, _ features: (Tensor) -> Matrix
  ) -> [Double] {
    let ways = ends - starts
    let points = starts + ways.multiplyingColumn(places)
    let (here, there) = (features(points), features(points + ways * step))
    return (0..<starts.rows).map { row in
      let squares = (0..<here.columns).reduce(0.0) { sum, column in
        let change = there[row, column] - here[row, column]
        return sum + change * change
      }
      return squares / Double(step * step)
    }
  }
}

extension AdversarialLearner {
  /// - `gen/PPL_own`: at a random place of each line; `gen/PPL_end_own`: at its start. Both are means over as many lines as
  ///   there are samples, without the hundredth at either end (`PathLength.mean`).
  ///
  /// Noise is constant, and both ends are of one class.
  func perceptualPathLengths(
    _ network: FeatureNetwork, from starts: Tensor, to ends: Tensor, key: RandomKey, with crew: Crew
  ) throws -> [String: Double] {
    let (space, count, width) = (space, starts.rows, codes.width)
    let places = Tensor.uniform(key.at(tensor: NoiseStream.penalty), rows: (0..<UInt32(count)).map { $0 }, columns: 1)
    let lines = starts.joiningColumns(ends).joiningColumns(places)
    let lengths = try inBlocks(of: 100, lines, width: 2, with: crew) { lines, _ in
      let (a, b) = (
        space.points(of: lines.columns(0..<width), truncation: nil),
        space.points(of: lines.columns(width..<2 * width), truncation: nil)
      )
      func lengths(at places: Tensor) -> [Double] {
        PathLengths.lengths(from: a, to: b, at: places) { points in
          network.read(self.restored(space.examples(at: points, noise: .constant, key: key, examples: []))).features
        }
      }
      let whole = lengths(at: lines.columns(2 * width..<2 * width + 1).reshaped(to: [lines.rows]))
      let end = lengths(at: .zeros([lines.rows]))
      return Tensor(zip(whole, end).flatMap { [Float($0), Float($1)] }, [lines.rows, 2])
    }.values
    func mean(_ column: Int) -> Double {
      PathLength.mean(stride(from: column, to: 2 * count, by: 2).map { Double(lengths[$0]) })
    }
    return ["gen/PPL_own": mean(0), "gen/PPL_end_own": mean(1)]
  }
}
