import Foundation
import LinearAlgebra
import Statistics

/// The parameters of a hidden Markov model: probabilities, or concentrations of their distributions, and the emission's.
public struct HiddenMarkovParameters<Emission: Sendable>: Sendable {
  /// Of the first state, 1 × K.
  public var start: Matrix
  /// Of the next state (column) given one (row), K × K.
  public var transitions: Matrix
  public var emission: Emission

  public init(start: Matrix, transitions: Matrix, emission: Emission) {
    (self.start, self.transitions, self.emission) = (start, transitions, emission)
  }
}

/// A hidden Markov model of K states, fitted by expectation maximisation over whole sequences (Baum et al. 1970; Rabiner
/// 1989): the most likely parameters, the most probable ones, or a distribution over them (MacKay 1997; Beal 2003,
/// chapter 3).
///
/// The objective is the log-likelihood in nats; with a prior, what the prior adds, so that it is a penalized
/// log-likelihood or a lower bound of the evidence. It never falls. An element with a missing number counts as
/// unobserved: it has no density, and the chain goes on.
public struct HiddenMarkovModel<Emission: StateEmission>: StatisticsModel {
  public typealias Parameters = HiddenMarkovParameters<Emission.Parameters>

  public let emission: Emission
  public let startRows: ProbabilityRows
  public let transitionRows: ProbabilityRows
  /// What is not learnt.
  public let fixed: Set<Part>

  public enum Part: String, CaseIterable, Sendable, Hashable { case start, transitions, emission }

  public init(
    _ emission: Emission, start: ProbabilityRows = ProbabilityRows(), transitions: ProbabilityRows = ProbabilityRows(),
    fixed: Set<Part> = []
  ) {
    (self.emission, self.fixed) = (emission, fixed)
    startRows = fixed.contains(.start) ? ProbabilityRows() : start
    transitionRows = fixed.contains(.transitions) ? ProbabilityRows() : transitions
  }

  public var states: Int { emission.states }
  public var dimension: Int { emission.dimension }

  // MARK: Statistics

  // Log-density, elements with a value, sequences; then counts of first states, of transitions, and the emission's.
  private static var firstCount: Int { 3 }
  private var transitionsFrom: Int { Self.firstCount + states }
  private var emissionFrom: Int { transitionsFrom + states * states }
  public var statisticsCount: Int { emissionFrom + emission.statisticsCount }

  public func makeScratch() -> HiddenMarkovScratch<Emission> { HiddenMarkovScratch(emission) }

  /// The recursions by some parameters.
  func recursions(_ parameters: Parameters) -> Recursions {
    Recursions(
      start: startRows.weights(parameters.start).elements, transitions: transitionRows.weights(parameters.transitions))
  }

  /// The E-step of whole sequences: expected counts of first states and transitions, and the emission's statistics.
  public func accumulate(
    _ observations: Observations, parameters: Parameters, into statistics: UnsafeMutablePointer<Double>,
    scratch: HiddenMarkovScratch<Emission>
  ) throws(ExactError) {
    let recursions = recursions(parameters)
    for group in observations.groups(of: HiddenMarkovScratch<Emission>.groupLength) {
      let rows = group.first!.lowerBound..<group.last!.upperBound
      try scratch.load(observations, rows, emission, parameters.emission)
      for sequence in group {
        let first = (sequence.lowerBound - rows.lowerBound) * states
        let logDensity = recursions.smooth(
          scratch.densities + first, length: sequence.count, into: scratch.posteriors + first)
        guard logDensity > -.infinity, !logDensity.isNaN else {
          throw ExactError(
            .notFinite, row: sequence.lowerBound, doing: "following the sequence that begins there, which no path has",
            remedy: "allow more transitions or symbols, or scale the columns")
        }
        statistics[0] += logDensity
        statistics[2] += 1
        for k in 0..<states { statistics[Self.firstCount + k] += scratch.posteriors[first + k] }
      }
      statistics[1] += Double(scratch.observedCount)
      try scratch.collect(emission, parameters.emission, into: statistics + emissionFrom)
    }
    for (index, count) in recursions.takeTransitionCounts().enumerated() {
      statistics[transitionsFrom + index] += count
    }
  }

  public func update(
    _ parameters: Parameters, statistics: [Double]
  ) throws(ExactError) -> Improvement<Parameters> {
    guard statistics[2] > 0 else {
      throw ExactError(.tooFewRows, doing: "fitting a hidden Markov model", remedy: "give at least one sequence")
    }
    var next = parameters
    if !fixed.contains(.start) {
      next.start = startRows.updated(parameters.start, counts: Array(statistics[Self.firstCount..<transitionsFrom]))
    }
    if !fixed.contains(.transitions) {
      next.transitions = transitionRows.updated(
        parameters.transitions, counts: Array(statistics[transitionsFrom..<emissionFrom]))
    }
    if !fixed.contains(.emission) {
      next.emission = try emission.update(parameters.emission, statistics: Array(statistics[emissionFrom...]))
    }
    return Improvement(parameters: next, objective: statistics[0] + penalty(parameters))
  }

  /// What the priors add to the log-likelihood, or to the log of the evidence's integrand: 0 without them.
  public func penalty(_ parameters: Parameters) -> Double {
    startRows.penalty(parameters.start) + transitionRows.penalty(parameters.transitions)
      + (fixed.contains(.emission) ? 0 : emission.penalty(parameters.emission))
  }

  public func freeParameters(_ parameters: Parameters) -> Int {
    (fixed.contains(.start) ? 0 : startRows.freeParameters(parameters.start))
      + (fixed.contains(.transitions) ? 0 : transitionRows.freeParameters(parameters.transitions))
      + (fixed.contains(.emission) ? 0 : emission.freeParameters(parameters.emission))
  }

  // MARK: Parameters

  /// Parameters from probabilities, as if they had been seen in a tenth of the elements.
  public func parameters(
    start: Matrix, transitions: Matrix, emission: Emission.Parameters, elements: Int
  ) -> Parameters {
    let count = 0.1 * Double(elements) / Double(states)
    return Parameters(
      start: startRows.values(start, count: 1), transitions: transitionRows.values(transitions, count: count),
      emission: emission)
  }

  /// The same with expected parameters in place of a distribution over them.
  public func point(
    _ parameters: Parameters
  ) throws(ExactError) -> (HiddenMarkovModel<Emission.Point>, HiddenMarkovParameters<Emission.Point.Parameters>) {
    let (emission, states) = try emission.point(parameters.emission)
    return (
      HiddenMarkovModel<Emission.Point>(emission),
      HiddenMarkovParameters(
        start: startRows.means(parameters.start), transitions: transitionRows.means(parameters.transitions),
        emission: states)
    )
  }

  /// The states in order of their ranks: means, rates, symbols.
  public func ordered(_ parameters: Parameters) throws(ExactError) -> Parameters {
    let ranks = (0..<states).map { emission.rank(parameters.emission, state: $0) }
    let order = (0..<states).sorted { ranks[$0] == ranks[$1] ? $0 < $1 : ranks[$0] < ranks[$1] }
    return Parameters(
      start: Matrix([order.map { parameters.start[0, $0] }]),
      transitions: Matrix(order.map { i in order.map { parameters.transitions[i, $0] } }),
      emission: try emission.reordered(parameters.emission, order))
  }
}

/// A lane's memory for the E-step of some sequences at a time.
public final class HiddenMarkovScratch<Emission: StateEmission> {
  /// Elements of sequences that are looked at together, if they are not of one sequence.
  static var groupLength: Int { 4096 }

  private let states: Int
  private let dimension: Int
  private let emission: Emission.Scratch
  /// log p(element | state), elements × K.
  private(set) var densities: UnsafeMutablePointer<Double>
  /// p(state | sequence), elements × K.
  private(set) var posteriors: UnsafeMutablePointer<Double>
  private var capacity = 0
  private var rows: RowBlock?
  /// Elements with a value in every column, where there are others; and copies of them.
  private var observed: [Int]?
  private var copies: [Double] = []
  private(set) var observedCount = 0

  init(_ emission: Emission) {
    (states, dimension, self.emission) = (emission.states, emission.dimension, emission.makeScratch())
    (densities, posteriors) = (.allocate(capacity: 0), .allocate(capacity: 0))
  }

  deinit {
    densities.deallocate()
    posteriors.deallocate()
  }

  /// Computes the densities of some rows; those of an element with a missing number are 1 in every state.
  func load(
    _ observations: Observations, _ range: Range<Int>, _ emission: Emission, _ parameters: Emission.Parameters
  ) throws(ExactError) {
    do throws(ExactError) {
      try load(observations.inputs.rows(range), emission, parameters)
    } catch {
      throw ExactError(
        error.code, row: error.row.map { $0 + range.lowerBound }, doing: error.doing, remedy: error.remedy)
    }
  }

  private func load(_ rows: RowBlock, _ emission: Emission, _ parameters: Emission.Parameters) throws(ExactError) {
    if rows.count > capacity {
      capacity = rows.count
      densities.deallocate()
      posteriors.deallocate()
      densities = .allocate(capacity: capacity * states)
      posteriors = .allocate(capacity: capacity * states)
    }
    guard rows.dimension == dimension else {
      throw ExactError(
        .wrongShape, doing: "reading elements of \(rows.dimension) numbers",
        remedy: "give elements of \(dimension) numbers")
    }
    self.rows = rows
    let seen = (0..<rows.count).filter { row in (0..<dimension).allSatisfy { !rows[row, $0].isNaN } }
    observed = seen.count == rows.count ? nil : seen
    observedCount = seen.count
    guard observed != nil else {
      return try emission.logDensities(of: rows, parameters, into: densities, scratch: self.emission)
    }
    copies = seen.flatMap { row in (0..<dimension).map { rows[row, $0] } }
    try withCopies { (copies) throws(ExactError) in
      try emission.logDensities(of: copies, parameters, into: densities, scratch: self.emission)
    }
    // Spread from the last on, so that none is overwritten before it has moved.
    var index = seen.count
    for row in stride(from: rows.count - 1, through: 0, by: -1) {
      let isSeen = index > 0 && seen[index - 1] == row
      if isSeen { index -= 1 }
      for k in 0..<states { densities[row * states + k] = isSeen ? densities[index * states + k] : 0 }
    }
  }

  /// Adds the emission's statistics under the posteriors.
  func collect(
    _ emission: Emission, _ parameters: Emission.Parameters, into statistics: UnsafeMutablePointer<Double>
  ) throws(ExactError) {
    guard let observed else {
      return try emission.accumulate(
        rows!, posteriors: posteriors, parameters: parameters, into: statistics, scratch: self.emission)
    }
    for (index, row) in observed.enumerated() {
      for k in 0..<states { posteriors[index * states + k] = posteriors[row * states + k] }
    }
    try withCopies { (copies) throws(ExactError) in
      try emission.accumulate(
        copies, posteriors: posteriors, parameters: parameters, into: statistics, scratch: self.emission)
    }
  }

  /// Lends the elements with a value; an error names the element among all.
  private func withCopies(_ body: (RowBlock) throws(ExactError) -> Void) throws(ExactError) {
    let matrix = Matrix(rows: observedCount, columns: dimension, elements: copies)
    do throws(ExactError) {
      try matrix.withRows { (rows) throws(ExactError) in try body(rows) }
    } catch {
      throw ExactError(error.code, row: error.row.map { observed![$0] }, doing: error.doing, remedy: error.remedy)
    }
  }
}

extension Observations {
  /// The sequences in groups of so many elements or fewer, or of one sequence.
  func groups(of length: Int) -> [[Range<Int>]] {
    var groups: [[Range<Int>]] = []
    for sequence in sequences {
      if let first = groups.last?.first, sequence.upperBound - first.lowerBound <= length {
        groups[groups.count - 1].append(sequence)
      } else {
        groups.append([sequence])
      }
    }
    return groups
  }
}
