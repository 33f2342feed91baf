import Foundation
import Learners
import Networks
import Tensors
import Training

/// A mixture of two Gaussians whose component all weights of a row share, in place of one for each weight:
///
///     log p(row) = log(π Π N(w; 0, σ₁²) + (1 − π) Π N(w; 0, σ₂²))
///
/// A row holds the weights that leave one input: a token's vector in a table, a column of a matrix [out, in], a whole bias.
/// Those are the rows of Sonnet's matrices [in, out], along which the published code of Fortunato, Blundell and Vinyals (2017)
/// sums log densities before it mixes them (deepmind/sonnet v1, examples/brnn_ptb.py). The paper mixes for each weight.
package struct RowPrior: Sendable {
  /// Rows of a slot, which one lane sums.
  private struct Piece {
    let slot: Slot
    let rows: Range<Int>
    /// How many weights a row has, and how far apart in memory they and the rows are.
    let length: Int
    let elementStride: Int
    let rowStride: Int
  }

  private let (share, wide, narrow): (Double, Double, Double)
  private let pieces: [Piece]
  private static let rowsOfAPiece = 64

  /// - Parameters:
  ///   - prior: a mixture; nil is returned for every other prior.
  ///   - slots: the weights with a posterior.
  ///   - tables: those whose first axis is the input.
  package init?(_ prior: WeightPrior, of slots: [Slot], tables: Set<Slot>) {
    guard case .scaleMixture(let share, let wide, let narrow) = prior else { return nil }
    (self.share, self.wide, self.narrow) = (share, wide, narrow)
    pieces = slots.filter { $0.shape.count > 0 }.flatMap { slot in
      let outputs = slot.shape[0]
      let rest = slot.shape.count / outputs
      let isTable = tables.contains(slot)
      let count = isTable ? outputs : rest
      return stride(from: 0, to: count, by: RowPrior.rowsOfAPiece).map { first in
        Piece(
          slot: slot, rows: first..<min(first + RowPrior.rowsOfAPiece, count), length: isTable ? rest : outputs,
          elementStride: isTable ? 1 : rest, rowStride: isTable ? rest : 1)
      }
    }
  }

  /// N(0, σ₁²): what the prior would be without the narrow component.
  package var wideComponent: WeightPrior { .gaussian(deviation: wide) }

  /// Σ over rows of log p(row) − log N(row; 0, σ₁²), in nats, at a draw of all weights.
  /// - Parameter equivalents: gets, for each weight, the number at which ``wideComponent`` has the derivative that log p has
  ///   at the weight: w (1 − r + r σ₁² / σ₂²), where r is the probability of the narrow component given the row.
  package func excess(at draw: FlatBuffer, equivalents: FlatBuffer, with crew: Crew) throws -> Double {
    TreeSum.of(try crew.map(pieces.count) { excess(pieces[$0], draw, equivalents) })
  }

  private func excess(_ piece: Piece, _ draw: FlatBuffer, _ equivalents: FlatBuffer) -> Double {
    let start = piece.slot.offset + piece.rows.lowerBound * piece.rowStride
    let (w, target) = (draw.float32.baseAddress! + start, equivalents.float32.baseAddress! + start)
    var squares = [Double](repeating: 0, count: piece.rows.count)
    for element in 0..<piece.length {
      for row in squares.indices {
        let weight = Double(w[element * piece.elementStride + row * piece.rowStride])
        squares[row] += weight * weight
      }
    }
    let ratio = (wide / narrow) * (wide / narrow)
    var sum = 0.0
    let factors = squares.map { square in
      // Log odds of the narrow component.
      let odds =
        log1p(-share) - log(share) + Double(piece.length) * log(wide / narrow)
        - 0.5 * square * (ratio - 1) / (wide * wide)
      let small = exp(-abs(odds))
      sum += log(share) + max(odds, 0) + log1p(small)
      let narrow = odds > 0 ? 1 / (1 + small) : small / (1 + small)
      return Float(1 + narrow * (ratio - 1))
    }
    for element in 0..<piece.length {
      for row in factors.indices {
        let place = element * piece.elementStride + row * piece.rowStride
        target[place] = w[place] * factors[row]
      }
    }
    return sum
  }
}
