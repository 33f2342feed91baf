import LinearAlgebra
import Statistics

extension HiddenMarkovModel {
  /// Probabilities of the states that follow each sequence, steps × K, by parameters that are a point.
  public func stateForecasts(
    after observations: Observations, steps: Int, _ parameters: Parameters
  ) throws(ExactError) -> [Matrix] {
    let (recursions, scratch) = (recursions(parameters), makeScratch())
    var result: [Matrix] = []
    for sequence in observations.sequences {
      try scratch.load(observations, sequence, emission, parameters.emission)
      _ = recursions.filter(scratch.densities, length: sequence.count, into: scratch.posteriors)
      let last = scratch.posteriors + (sequence.count - 1) * states
      var now = Array(UnsafeBufferPointer(start: last, count: states))
      result.append(
        Matrix(
          (0..<steps).map { _ in
            now = parameters.transitions.transposedProduct(now)
            return now
          }))
    }
    return result
  }
}
