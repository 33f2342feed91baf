import Foundation
import LinearAlgebra
import ReferenceSupport
import Sequences
import Statistics
import Testing

@Suite struct RecursionTests {
  private struct Chain {
    var start: [Double]
    var transitions: Matrix
    /// T × K
    var logDensities: [Double]
    var states: Int { start.count }
    var length: Int { logDensities.count / states }

    /// A random chain; with zeros, states only lead to themselves and the next.
    init(states: Int, length: Int, seed: UInt64, leftRight: Bool = false) {
      var generator = SplitMix64(seed: seed)
      let even = [Double](repeating: 1, count: states)
      start = leftRight ? [1] + even.dropFirst().map { _ in 0 } : generator.dirichlet(even)
      transitions = Matrix(
        (0..<states).map { i in
          guard leftRight else { return generator.dirichlet(even) }
          return (0..<states).map { j in i == states - 1 ? (i == j ? 1 : 0) : j == i ? 0.7 : j == i + 1 ? 0.3 : 0 }
        })
      logDensities = (0..<length * states).map { _ in Double.random(in: -30...3, using: &generator) }
    }

    /// Posteriors, log-density and expected transitions, scaled or in logarithms.
    func smooth(scaled: Bool) -> (logDensity: Double, posteriors: [Double], counts: [Double]) {
      let recursions = Recursions(start: start, transitions: transitions)
      var posteriors = [Double](repeating: 0, count: logDensities.count)
      let logDensity =
        scaled
        ? recursions.smooth(logDensities, length: length, into: &posteriors)
        : recursions.smoothInLogarithms(logDensities, length: length, into: &posteriors)
      return (logDensity, posteriors, recursions.takeTransitionCounts())
    }

    func expectAgreement() {
      let (one, other) = (smooth(scaled: true), smooth(scaled: false))
      #expect(isClose(one.logDensity, other.logDensity, 1e-9))
      for (p, q) in zip(one.posteriors, other.posteriors) { #expect(abs(p - q) < 1e-9) }
      for (p, q) in zip(one.counts, other.counts) { #expect(abs(p - q) < 1e-9 * Double(length)) }
    }
  }

  @Test("Scaled recursions agree with those in logarithms", arguments: [1, 2, 3, 7, 16], [1, 2, 50, 400])
  func agreement(_ states: Int, _ length: Int) {
    Chain(states: states, length: length, seed: UInt64(states * 1000 + length)).expectAgreement()
  }

  @Test("They agree in chains that cannot go back, whatever underflows on the way", arguments: [1.0, 1e3, 1e5])
  func leftRight(_ scale: Double) {
    var chain = Chain(states: 4, length: 60, seed: 9, leftRight: true)
    chain.logDensities = chain.logDensities.map { $0 * scale }
    chain.expectAgreement()
  }

  @Test("An element at fifty standard deviations, and a million elements") func extremes() {
    var chain = Chain(states: 3, length: 500, seed: 10)
    for k in 0..<3 { chain.logDensities[250 * 3 + k] = -0.5 * 50 * 50 - Double(k) * 900 }
    chain.expectAgreement()
    let long = Chain(states: 2, length: 1_000_000, seed: 11)
    let result = long.smooth(scaled: true)
    #expect(isClose(result.logDensity, long.smooth(scaled: false).logDensity, 1e-9))
    #expect(isClose(result.counts.reduce(0, +), 999_999, 1e-9))
  }

  @Test("All paths, one by one: densities, posteriors, transitions, the best path") func enumeration() {
    let chain = Chain(states: 3, length: 5, seed: 12)
    let recursions = Recursions(start: chain.start, transitions: chain.transitions)
    var (total, best) = (0.0, (path: [Int](), weight: -Double.infinity))
    var posteriors = [Double](repeating: 0, count: 15)
    var counts = [Double](repeating: 0, count: 9)
    for number in 0..<243 {
      let path = (0..<5).map { number / [1, 3, 9, 27, 81][$0] % 3 }
      var weight = log(chain.start[path[0]]) + chain.logDensities[path[0]]
      for t in 1..<5 { weight += log(chain.transitions[path[t - 1], path[t]]) + chain.logDensities[t * 3 + path[t]] }
      if weight > best.weight { best = (path, weight) }
      total += exp(weight)
      for t in 0..<5 {
        posteriors[t * 3 + path[t]] += exp(weight)
        if t > 0 { counts[path[t - 1] * 3 + path[t]] += exp(weight) }
      }
    }
    let found = chain.smooth(scaled: true)
    #expect(isClose(found.logDensity, log(total), 1e-12))
    for (p, q) in zip(found.posteriors, posteriors) { #expect(abs(p - q / total) < 1e-12) }
    for (p, q) in zip(found.counts, counts) { #expect(abs(p - q / total) < 1e-12) }
    let viterbi = recursions.bestPath(chain.logDensities, length: 5)
    #expect(viterbi.states == best.path && isClose(viterbi.logDensity, best.weight, 1e-12))
  }

  @Test("A missing element is summed over; impossible steps stay impossible; a state without elements stays")
  func missingAndZeros() throws {
    let model = HiddenMarkovModel(CategoricalEmission(states: 2, symbols: 3))
    let emission = Matrix([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
    let start = HiddenMarkovParameters(
      start: Matrix([[0.6, 0.4]]), transitions: Matrix([[0.7, 0.3], [0.2, 0.8]]), emission: emission)
    func likelihood(_ symbols: [Double]) throws -> Double {
      try Series(symbols).lend { (rows) throws(ExactError) in exp(try model.logLikelihood(of: rows, start)) }
    }
    let whole = try (0..<3).reduce(0) { $0 + (try likelihood([0, Double($1), 2, 1])) }
    #expect(isClose(try likelihood([0, .nan, 2, 1]), whole, 1e-12))

    var leftRight = start
    leftRight.start = Matrix([[1, 0]])
    leftRight.transitions = Matrix([[0.9, 0.1], [0, 1]])
    let fit = try model.iterate(Problems.symbols().clipped(2), from: leftRight, 10).parameters
    #expect(fit.transitions[1, 0] == 0 && fit.start[0, 1] == 0)

    var unused = start
    unused.start = Matrix([[1, 0]])
    unused.transitions = Matrix([[1, 0], [0.5, 0.5]])
    let kept = try model.iterate(Problems.symbols().clipped(2), from: unused, 3).parameters
    #expect(kept.emission.row(1) == emission.row(1) && kept.transitions.row(1) == [0.5, 0.5])
  }

  @Test("Segments: each sequence in equal parts, one for each state") func segments() throws {
    let model = HiddenMarkovModel(CategoricalEmission(states: 2, symbols: 3))
    let series = Series([0, 0, 2, 1, 1, .nan, 2, 2], lengths: [3, 5])
    var sums = [Double](repeating: 0, count: model.emission.statisticsCount)
    let uniform = Matrix(rows: 2, columns: 3, repeating: 1.0 / 3)
    try series.lend { (rows) throws(ExactError) in
      try model.accumulateSegments(rows, uniform, into: &sums, scratch: model.makeScratch())
    }
    // 0 0 | 2 and 1 1 · | 2 2: elements t of T are in state 2 t / T.
    #expect(sums == [2, 2, 0, 0, 0, 3])
  }

  @Test("A sequence that no path has, half a count and an unknown symbol are errors with a row") func refusals() throws
  {
    let model = HiddenMarkovModel(CategoricalEmission(states: 1, symbols: 3))
    let start = HiddenMarkovParameters(
      start: Matrix([[1]]), transitions: Matrix([[1]]), emission: Matrix([[0.5, 0.5, 0]]))
    func row(_ symbols: [Double], lengths: [Int]) -> Int? {
      do throws(ExactError) {
        _ = try model.statistics(of: Series(symbols, lengths: lengths), start, shards: 1)
        return nil
      } catch {
        return error.row
      }
    }
    #expect(row([0, 1, 0, 2], lengths: [2, 2]) == 2)
    #expect(row([0, .nan, 0, 7], lengths: [2, 2]) == 3)
    #expect(row([0, 1, 0.5], lengths: [3]) == 2)
  }
}

extension Series {
  /// Values above a limit lowered to it.
  fileprivate func clipped(_ limit: Double) -> Series {
    Series(rows.elements.map { min($0, limit) }, lengths: lengths)
  }
}
