import Statistics

extension HiddenMarkovModel {
  /// Adds the emission's statistics of sequences that are each cut into K parts of equal lengths, one for each state: what a
  /// chain that only goes forwards starts from (Rabiner 1989, section V.B).
  public func accumulateSegments(
    _ observations: Observations, _ parameters: Emission.Parameters,
    into statistics: UnsafeMutablePointer<Double>, scratch: HiddenMarkovScratch<Emission>
  ) throws(ExactError) {
    for group in observations.groups(of: HiddenMarkovScratch<Emission>.groupLength) {
      let rows = group.first!.lowerBound..<group.last!.upperBound
      try scratch.load(observations, rows, emission, parameters)
      scratch.posteriors.update(repeating: 0, count: rows.count * states)
      for sequence in group {
        for row in sequence {
          let state = (row - sequence.lowerBound) * states / sequence.count
          scratch.posteriors[(row - rows.lowerBound) * states + state] = 1
        }
      }
      try scratch.collect(emission, parameters, into: statistics)
    }
  }
}
