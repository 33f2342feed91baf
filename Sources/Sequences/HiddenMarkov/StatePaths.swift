import LinearAlgebra
import Statistics

/// What a hidden Markov model says of one element of a sequence after another.
public struct StatePaths: Sendable {
  /// The states of the most probable path, counted from 0.
  public var best: [Int] = []
  /// p(state | all elements of the sequence), elements × K.
  public var smoothed: [Double] = []
  /// p(state | elements so far), elements × K.
  public var filtered: [Double] = []
  /// log p(element | elements before it): their sum over a sequence is its log-likelihood.
  public var logDensities: [Double] = []
  /// Log-densities of the most probable paths, of sequence after sequence.
  public var pathLogDensities: [Double] = []
}

extension HiddenMarkovModel {
  /// States of sequences by parameters that are a point.
  public func paths(
    of observations: Observations, _ parameters: Parameters
  ) throws(ExactError) -> StatePaths {
    let (recursions, scratch) = (recursions(parameters), makeScratch())
    var result = StatePaths()
    for sequence in observations.sequences {
      let length = sequence.count
      try scratch.load(observations, sequence, emission, parameters.emission)
      let densities = UnsafePointer(scratch.densities)
      let (path, logDensity) = recursions.bestPath(densities, length: length)
      result.best += path
      result.pathLogDensities.append(logDensity)
      result.logDensities += recursions.filter(densities, length: length, into: scratch.posteriors)
      result.filtered += UnsafeBufferPointer(start: scratch.posteriors, count: length * states)
      if recursions.smooth(densities, length: length, into: scratch.posteriors) > -.infinity {
        result.smoothed += UnsafeBufferPointer(start: scratch.posteriors, count: length * states)
      } else {
        // No path has a density: nothing is known of the states.
        result.smoothed += [Double](repeating: 1 / Double(states), count: length * states)
      }
    }
    return result
  }

  /// The log-likelihood of all sequences together, by parameters that are a point.
  public func logLikelihood(
    of observations: Observations, _ parameters: Parameters
  ) throws(ExactError) -> Double {
    let (recursions, scratch) = (recursions(parameters), makeScratch())
    var sum = 0.0
    for sequence in observations.sequences {
      try scratch.load(observations, sequence, emission, parameters.emission)
      sum += recursions.smooth(scratch.densities, length: sequence.count, into: scratch.posteriors)
    }
    return sum
  }

  /// A new sequence and its states, by parameters that are a point.
  public func sample(
    _ length: Int, _ parameters: Parameters, using generator: inout some RandomNumberGenerator
  ) throws(ExactError) -> (rows: Matrix, states: [Int]) {
    var (rows, path) = ([[Double]](), [Int]())
    for _ in 0..<length {
      let state = generator.categorical(path.last.map { parameters.transitions.row($0) } ?? parameters.start.row(0))
      path.append(state)
      rows.append(try emission.sample(state, parameters.emission, using: &generator))
    }
    return (Matrix(rows), path)
  }
}
