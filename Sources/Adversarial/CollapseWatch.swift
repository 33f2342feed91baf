import Synchronization

/// Watches a training for the two ways in which players stop to teach each other. Its findings go to the user and into
/// the metrics; nothing that is learnt depends on them.
final class CollapseWatch: Sendable {
  /// How many steps in a row something must be wrong.
  private static let patience = 200
  /// Samples vary by less than this share of what the data does.
  private static let leastShare = 0.02
  /// Both kinds of examples are distinguished at least as surely.
  private static let mostAccuracy = 0.999

  private struct State {
    var alike = 0
    var toldApart = 0
  }

  private let state = Mutex(State())
  /// The standard deviation of a number over the data, averaged over an example's numbers.
  private let dataDeviation: Double

  init(dataDeviation: Double) { self.dataDeviation = dataDeviation }

  /// After the discriminator's step: the shares of both kinds that it classified right. A critic is not watched.
  func told(real: Double, generated: Double) {
    state.withLock { state in
      state.toldApart = min(real, generated) >= CollapseWatch.mostAccuracy ? state.toldApart + 1 : 0
    }
  }

  /// After the generator's step: how much samples vary.
  func generated(deviation: Double) {
    state.withLock { state in
      state.alike = deviation < CollapseWatch.leastShare * dataDeviation ? state.alike + 1 : 0
    }
  }

  /// 0 or 1 each, and the likely cause.
  var alarm: (metrics: [String: Double], cause: String?) {
    let state = state.withLock { $0 }
    let (alike, toldApart) = (state.alike >= CollapseWatch.patience, state.toldApart >= CollapseWatch.patience)
    let cause =
      alike
      ? "samples are all alike: the generator has collapsed; lower both learning rates, or try wgan-gp or r1"
      : toldApart
        ? "the discriminator tells everything apart and teaches nothing: lower discriminator_optimizer.learning_rate, "
          + "or add objective.r1 or network.dropout"
        : nil
    return (["alarm_collapse": alike ? 1 : 0, "alarm_saturation": toldApart ? 1 : 0], cause)
  }
}
