import Foundation
import LinearAlgebra
import Statistics

/// Symbols 0 ..< V, with probabilities of their own in each state.
public struct CategoricalEmission: StateEmission {
  public let states: Int
  /// V
  public let symbols: Int
  public let rows: ProbabilityRows

  public init(states: Int, symbols: Int, _ rows: ProbabilityRows = ProbabilityRows()) {
    precondition(states > 0 && symbols > 0, "states and symbols")
    (self.states, self.symbols, self.rows) = (states, symbols, rows)
  }

  public var dimension: Int { 1 }
  public var statisticsCount: Int { states * symbols }
  public func makeScratch() {}

  private func symbol(_ rows: RowBlock, _ row: Int) throws(ExactError) -> Int {
    guard let symbol = Int(exactly: rows[row, 0]), (0..<symbols).contains(symbol) else {
      throw ExactError(
        .wrongElement, row: row, doing: "reading the symbol \(rows[row, 0])",
        remedy: "give whole numbers from 0 to \(symbols - 1), or set network.symbols")
    }
    return symbol
  }

  public func logDensities(
    of rows: RowBlock, _ parameters: Matrix, into target: UnsafeMutablePointer<Double>, scratch: Void
  ) throws(ExactError) {
    let logs = self.rows.weights(parameters).mapping { log($0) }
    for row in 0..<rows.count {
      let symbol = try symbol(rows, row)
      for k in 0..<states { target[row * states + k] = logs[k, symbol] }
    }
  }

  public func accumulate(
    _ rows: RowBlock, posteriors: UnsafePointer<Double>, parameters: Matrix,
    into statistics: UnsafeMutablePointer<Double>, scratch: Void
  ) throws(ExactError) {
    for row in 0..<rows.count {
      let symbol = try symbol(rows, row)
      for k in 0..<states { statistics[k * symbols + symbol] += posteriors[row * states + k] }
    }
  }

  public func update(_ parameters: Matrix, statistics: [Double]) -> Matrix {
    rows.updated(parameters, counts: statistics)
  }

  public func penalty(_ parameters: Matrix) -> Double { rows.penalty(parameters) }

  /// Each state's probabilities drawn around the symbols' shares.
  public func start(
    from rows: RowBlock, using generator: inout some RandomNumberGenerator
  ) throws(ExactError) -> Matrix {
    var shares = [Double](repeating: 1, count: symbols)
    for row in 0..<rows.count { shares[try symbol(rows, row)] += 1 }
    let total = shares.reduce(0, +)
    let drawn = Matrix(
      (0..<states).map { _ in generator.dirichlet(shares.map { 1 + Double(symbols) * $0 / total }) })
    return self.rows.values(drawn, count: Double(rows.count) / Double(states))
  }

  public func reordered(_ parameters: Matrix, _ order: [Int]) -> Matrix { Matrix(order.map { parameters.row($0) }) }

  /// The mean of the symbols' numbers.
  public func rank(_ parameters: Matrix, state: Int) -> Double {
    rows.means(parameters).row(state).enumerated().reduce(0) { $0 + Double($1.offset) * $1.element }
  }

  public func freeParameters(_ parameters: Matrix) -> Int { rows.freeParameters(parameters) }

  public func point(_ parameters: Matrix) -> (CategoricalEmission, Matrix) {
    (CategoricalEmission(states: states, symbols: symbols), rows.means(parameters))
  }

  public func sample(
    _ state: Int, _ parameters: Matrix, using generator: inout some RandomNumberGenerator
  ) -> [Double] { [Double(generator.categorical(parameters.row(state)))] }
}
