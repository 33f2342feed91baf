import Glibc

/// How the learning rate changes over a training: what it is multiplied with at each step.
///
/// The factor is a ramp times a decay. Steps count from 1, as `Optimizer.update` counts them; where PyTorch's
/// schedulers count from 0, step s here is their s − 1.
public struct Schedule: Hashable, Sendable {
  public enum Decay: Hashable, Sendable {
    /// 1.
    case constant
    /// From 1 towards `floor` along half a cosine over the steps after the warm-up (Loshchilov and Hutter 2016,
    /// equation 5, without restarts).
    case cosine(floor: Double = 0)
    /// From 1 towards `floor` along a line over the steps after the warm-up.
    case linear(floor: Double = 0)
    /// Multiplied by `factor` after every so many steps.
    case steps(every: Int, factor: Double)
    /// Multiplied by `factor` after every step.
    case exponential(factor: Double)
    /// 1 in the first `steady` epochs, then multiplied by `factor` before every further one (Zaremba, Sutskever and
    /// Vinyals 2014, section 4.1).
    case epochs(steady: Int, factor: Double)
    /// The cosine so many times, one after the other: each cycle begins at 1 and ends near `floor` (Loshchilov and Hutter
    /// 2016, equation 5; Huang et al. 2017, equation 2).
    case cycles(_ count: Int, floor: Double = 0)
    /// 1 in the first half of the share `start` of the steps, then along a line to `floor` at nine tenths of it, and constant
    /// from there: the rate at which weights are averaged from `start` on (Izmailov et al. 2018; Maddox et al. 2019).
    case averaging(start: Double, floor: Double)
  }

  public var decay: Decay
  /// Over the first so many steps the factor rises along a line: s / warmupSteps at step s, 1 from then on.
  public var warmupSteps: Int

  public init(_ decay: Decay = .constant, warmupSteps: Int = 0) {
    precondition(warmupSteps >= 0, "a warm-up of \(warmupSteps) steps")
    switch decay {
    case .steps(let every, _): precondition(every >= 1, "a decay every \(every) steps")
    case .cycles(let count, _): precondition(count >= 1, "\(count) cycles")
    case .averaging(let start, _): precondition(start > 0, "averaging from \(start) of the steps on")
    default: break
    }
    self.decay = decay
    self.warmupSteps = warmupSteps
  }

  /// The factor at a step (1 is the first) of a training of `total` steps. A training that goes on past its total stays
  /// at the floor.
  /// - Parameter epoch: the step's epoch, counted from 0, for the decay that follows epochs.
  public func value(at step: Int, of total: Int, epoch: Int = 0) -> Double {
    precondition(step >= 1, "the first step is 1, not \(step)")
    let ramp = step < warmupSteps ? Double(step) / Double(warmupSteps) : 1
    let span = max(total - warmupSteps, 1)
    let progress = min(max(Double(step - 1 - warmupSteps) / Double(span), 0), 1)
    switch decay {
    case .constant: return ramp
    case .cosine(let floor): return ramp * (floor + (1 - floor) * 0.5 * (1 + cos(.pi * progress)))
    case .linear(let floor): return ramp * (floor + (1 - floor) * (1 - progress))
    case .steps(let every, let factor): return ramp * pow(factor, Double((step - 1) / every))
    case .exponential(let factor): return ramp * pow(factor, Double(step - 1))
    case .epochs(let steady, let factor): return ramp * pow(factor, Double(max(epoch - steady + 1, 0)))
    case .cycles(let count, let floor):
      let place = progress < 1 ? (progress * Double(count)).truncatingRemainder(dividingBy: 1) : 1
      return ramp * (floor + (1 - floor) * 0.5 * (1 + cos(.pi * place)))
    case .averaging(let start, let floor):
      return ramp * (1 + (floor - 1) * min(max((progress / start - 0.5) / 0.4, 0), 1))
    }
  }
}
