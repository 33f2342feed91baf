import Foundation
import LinearAlgebra

/// The recursions of a chain of K states over one sequence after the other (Rabiner 1989, section III), with memory that
/// stays.
///
/// They are scaled: probabilities of states given the elements so far, normalised at each element, with densities relative
/// to the greatest among the states that can be reached. Where a probability that a zero of the transitions could make
/// decisive would underflow, the sequence is computed in logarithms instead.
public final class Recursions {
  let states: Int
  private let start: [Double]
  private let transitions: [Double]
  /// Transitions that are, or nearly are, impossible: what has underflowed does not come back through others.
  private let isStiff: Bool
  /// Σ α_t(i) u_{t+1}(j), to be multiplied by the transitions.
  private var pairs: [Double]
  /// Σ p(state i, next state j) of sequences in logarithms.
  private var logPairs: [Double]
  private var forward: [Double] = []
  private var scaled: [Double] = []
  private var scales: [Double] = []

  /// - Parameters:
  ///   - start: K weights of the first state.
  ///   - transitions: K × K weights of the next state.
  public init(start: [Double], transitions: Matrix) {
    states = start.count
    precondition(transitions.rows == states && transitions.columns == states, "transitions between the states")
    (self.start, self.transitions) = (start, transitions.elements)
    isStiff = transitions.elements.contains { $0 < 1e-100 } || start.contains { $0 < 1e-100 }
    pairs = Array(repeating: 0, count: states * states)
    logPairs = pairs
  }

  /// Posterior probabilities of a sequence's states.
  ///
  /// - Parameters:
  ///   - logDensities: length × K, the log-density of each element in each state.
  ///   - posteriors: length × K, p(state | all elements), written.
  /// - Returns: the log of the sequence's density; −∞ when no path has a density.
  public func smooth(
    _ logDensities: UnsafePointer<Double>, length: Int, into posteriors: UnsafeMutablePointer<Double>
  ) -> Double {
    reserve(length)
    guard let logDensity = filterScaled(logDensities, length, posteriors) else {
      return smoothInLogarithms(logDensities, length: length, into: posteriors)
    }
    if logDensity > -.infinity { smoothScaled(length, posteriors) }
    return logDensity
  }

  /// Probabilities of states given the elements so far, and the log-density of each element given those before it.
  func filter(
    _ logDensities: UnsafePointer<Double>, length: Int, into filtered: UnsafeMutablePointer<Double>
  ) -> [Double] {
    reserve(length)
    var result: [Double] = []
    var before = start
    for t in 0..<length {
      var weights = (0..<states).map { log(before[$0]) + logDensities[t * states + $0] }
      let total = logSumExp(weights)
      result.append(total)
      for k in 0..<states {
        weights[k] = total > -.infinity ? exp(weights[k] - total) : before[k]
        filtered[t * states + k] = weights[k]
      }
      before = (0..<states).map { j in
        (0..<states).reduce(0) { $0 + weights[$1] * transitions[$1 * states + j] }
      }
    }
    return result
  }

  private func reserve(_ length: Int) {
    guard forward.count < length * states else { return }
    forward = [Double](repeating: 0, count: length * states)
    (scaled, scales) = (forward, [Double](repeating: 0, count: length))
  }

  /// α, normalised, into `forward`; densities relative to the greatest that can be reached into `scaled`.
  /// - Returns: nil when a probability underflows that may be decisive.
  private func filterScaled(
    _ logDensities: UnsafePointer<Double>, _ length: Int, _ predicted: UnsafeMutablePointer<Double>
  ) -> Double? {
    let k = states
    var logDensity = 0.0
    return forward.withUnsafeMutableBufferPointer { forward in
      scaled.withUnsafeMutableBufferPointer { scaled in
        transitions.withUnsafeBufferPointer { transitions in
          for t in 0..<length {
            let (now, densities) = (t * k, logDensities + t * k)
            if t == 0 {
              for j in 0..<k { predicted[j] = start[j] }
            } else {
              for j in 0..<k { predicted[j] = 0 }
              for i in 0..<k {
                let (weight, row) = (forward[now - k + i], i * k)
                for j in 0..<k { predicted[j] += weight * transitions[row + j] }
              }
            }
            var greatest = -Double.infinity
            for j in 0..<k where predicted[j] > 0 { greatest = max(greatest, densities[j]) }
            guard greatest > -.infinity else { return isStiff && t > 0 ? nil : -.infinity }
            var total = 0.0
            for j in 0..<k {
              // A state that cannot be reached has a density that may be beyond all numbers, and no say.
              let density = predicted[j] > 0 ? exp(densities[j] - greatest) : 0
              let weight = predicted[j] * density
              if isStiff, weight < 1e-200, predicted[j] > 0, densities[j] > -.infinity { return nil }
              scaled[now + j] = density
              forward[now + j] = weight
              total += weight
            }
            guard total > 0 else { return nil }
            for j in 0..<k { forward[now + j] /= total }
            scales[t] = total
            logDensity += log(total) + greatest
          }
          return logDensity
        }
      }
    }
  }

  /// β backwards; posteriors αβ; sums for the transitions.
  private func smoothScaled(_ length: Int, _ posteriors: UnsafeMutablePointer<Double>) {
    let k = states
    forward.withUnsafeBufferPointer { forward in
      scaled.withUnsafeBufferPointer { scaled in
        transitions.withUnsafeBufferPointer { transitions in
          pairs.withUnsafeMutableBufferPointer { pairs in
            withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * k) { room in
              let (beta, next) = (room.baseAddress!, room.baseAddress! + k)
              for j in 0..<k { beta[j] = 1 }
              for t in stride(from: length - 1, through: 0, by: -1) {
                let now = t * k
                if t < length - 1 {
                  for j in 0..<k { next[j] = scaled[now + k + j] * beta[j] / scales[t + 1] }
                  for i in 0..<k {
                    let (weight, row) = (forward[now + i], i * k)
                    var sum = 0.0
                    for j in 0..<k {
                      pairs[row + j] += weight * next[j]
                      sum += transitions[row + j] * next[j]
                    }
                    beta[i] = sum
                  }
                }
                var total = 0.0
                for j in 0..<k {
                  posteriors[now + j] = forward[now + j] * beta[j]
                  total += posteriors[now + j]
                }
                // The sum is 1 but for rounding.
                for j in 0..<k { posteriors[now + j] /= total }
              }
            }
          }
        }
      }
    }
  }

  /// As `smooth`, in logarithms throughout: slow, and exact whatever underflows.
  public func smoothInLogarithms(
    _ logDensities: UnsafePointer<Double>, length: Int, into posteriors: UnsafeMutablePointer<Double>
  ) -> Double {
    let k = states
    let logTransitions = transitions.map { log($0) }
    var forward = [Double](repeating: 0, count: length * k)
    var terms = [Double](repeating: 0, count: k)
    for t in 0..<length {
      for j in 0..<k {
        for i in 0..<k { terms[i] = t == 0 ? 0 : forward[(t - 1) * k + i] + logTransitions[i * k + j] }
        forward[t * k + j] = (t == 0 ? log(start[j]) : logSumExp(terms)) + logDensities[t * k + j]
      }
    }
    let logDensity = logSumExp(forward[((length - 1) * k)...])
    guard logDensity > -.infinity else { return logDensity }
    var (backward, before) = ([Double](repeating: 0, count: k), terms)
    for t in stride(from: length - 1, through: 0, by: -1) {
      if t < length - 1 {
        for i in 0..<k {
          for j in 0..<k {
            terms[j] = logTransitions[i * k + j] + logDensities[(t + 1) * k + j] + backward[j]
            logPairs[i * k + j] += exp(forward[t * k + i] + terms[j] - logDensity)
          }
          before[i] = logSumExp(terms)
        }
        swap(&backward, &before)
      }
      for j in 0..<k { posteriors[t * k + j] = exp(forward[t * k + j] + backward[j] - logDensity) }
    }
    return logDensity
  }

  /// Expected counts of the transitions in all sequences since the last call, K × K.
  public func takeTransitionCounts() -> [Double] {
    let counts = pairs.indices.map { pairs[$0] * transitions[$0] + logPairs[$0] }
    pairs = Array(repeating: 0, count: states * states)
    logPairs = pairs
    return counts
  }

  /// The most probable path through a sequence (Viterbi 1967), and its log-density; of equal paths that through lower
  /// states.
  public func bestPath(_ logDensities: UnsafePointer<Double>, length: Int) -> (states: [Int], logDensity: Double) {
    let k = states
    let logTransitions = transitions.map { log($0) }
    var best = (0..<k).map { log(start[$0]) + logDensities[$0] }
    var cameFrom = [Int32](repeating: 0, count: length * k)
    for t in 1..<max(length, 1) {
      var next = [Double](repeating: -.infinity, count: k)
      for j in 0..<k {
        for i in 0..<k where best[i] + logTransitions[i * k + j] > next[j] {
          next[j] = best[i] + logTransitions[i * k + j]
          cameFrom[t * k + j] = Int32(i)
        }
        next[j] += logDensities[t * k + j]
      }
      best = next
    }
    var state = 0
    for j in 1..<max(k, 1) where best[j] > best[state] { state = j }
    let logDensity = best[state]
    var path = [Int](repeating: 0, count: length)
    for t in stride(from: length - 1, through: 0, by: -1) {
      path[t] = state
      state = Int(cameFrom[t * k + state])
    }
    return (path, logDensity)
  }
}
