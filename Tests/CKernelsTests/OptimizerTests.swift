import CKernels
import Foundation
import Testing

/// A trajectory of a PyTorch optimiser: scripts/reference/kernel_optimizers.py.
struct Trajectory: Decodable, Sendable, CustomTestStringConvertible {
  struct Options: Decodable, Sendable {
    var lr: Double
    var weight_decay, momentum, dampening, nesterov, eps, alpha: Double?
    var betas: [Double]?
  }
  let kind, name: String
  let options: Options
  let decoupled: Bool
  let scale: Float
  let start: [Float]
  let gradients, weights: [[Float]]

  var testDescription: String { "\(kind), \(name)" }

  static let all: [Trajectory] = {
    struct Document: Decodable { let cases: [Trajectory] }
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Golden/optimizers.json")
    do {
      return try JSONDecoder().decode(Document.self, from: Data(contentsOf: file)).cases
    } catch {
      preconditionFailure("\(file.path) cannot be read: \(error)")
    }
  }()
}

@Suite struct OptimizerTests {
  /// One step over elements `range` of the parameters and of both state buffers.
  private static func step(
    _ t: Int, of case: Trajectory, w: inout [Float], m: inout [Float], v: inout [Float], range: Range<Int>
  ) {
    let o = `case`.options, decay = o.weight_decay ?? 0, scale = `case`.scale, n = range.count
    let gradient = Array(`case`.gradients[t][range])
    w.withUnsafeMutableBufferPointer { w in
      m.withUnsafeMutableBufferPointer { m in
        v.withUnsafeMutableBufferPointer { v in
          let w = w.baseAddress! + range.lowerBound
          let m = m.baseAddress! + range.lowerBound, v = v.baseAddress! + range.lowerBound
          switch `case`.kind {
          case "sgd":
            elbo_sgd(w, gradient, o.lr, decay, scale, n)
          case "momentum":
            elbo_momentum(
              w, gradient, m, o.lr, o.momentum!, t == 0 ? 0 : o.dampening ?? 0, decay, o.nesterov == nil ? 0 : 1, scale,
              n)
          case "adagrad":
            elbo_adagrad(w, gradient, m, o.lr, o.eps!, decay, scale, n)
          case "rmsprop":
            elbo_rmsprop(w, gradient, m, o.lr, o.alpha!, o.eps!, decay, scale, n)
          case "adam":
            let (beta1, beta2) = (o.betas![0], o.betas![1])
            elbo_adam(
              w, gradient, m, v, o.lr, beta1, beta2, o.eps!, 1 - pow(beta1, Double(t + 1)),
              1 - pow(beta2, Double(t + 1)), decay, `case`.decoupled ? 1 : 0, scale, n)
          default:
            Issue.record("no optimiser \(`case`.kind)")
          }
        }
      }
    }
  }

  @Test(arguments: Level.all, Trajectory.all) func followsPyTorch(_ level: Level, _ trajectory: Trajectory) {
    let n = trajectory.start.count
    var w = trajectory.start, m = [Float](repeating: 0, count: n), v = m
    for t in trajectory.gradients.indices {
      level.run { Self.step(t, of: trajectory, w: &w, m: &m, v: &v, range: 0..<n) }
      for (mine, theirs) in zip(w, trajectory.weights[t]) {
        #expect(abs(mine - theirs) <= 2e-6 * max(1, abs(theirs)), "step \(t + 1)")
      }
    }
  }

  @Test(arguments: Level.all, Trajectory.all)
  func anySplitOfTheRangeGivesTheSameBits(_ level: Level, _ trajectory: Trajectory) {
    // The trajectory's elements side by side, 20 times: longer than two vectors of any level.
    let copies = 20
    let wide = Trajectory(
      kind: trajectory.kind, name: trajectory.name, options: trajectory.options, decoupled: trajectory.decoupled,
      scale: trajectory.scale, start: (0..<copies).flatMap { _ in trajectory.start },
      gradients: trajectory.gradients.map { row in (0..<copies).flatMap { _ in row } }, weights: [])
    let n = wide.start.count
    func run(_ ranges: [Range<Int>]) -> [UInt32] {
      var w = wide.start, m = [Float](repeating: 0, count: n), v = m
      for t in 0..<3 { for range in ranges { Self.step(t, of: wide, w: &w, m: &m, v: &v, range: range) } }
      return (w + m + v).bits
    }
    level.run {
      let whole = run([0..<n])
      #expect(whole == run([0..<1, 1..<20, 20..<53, 53..<n]))
      #expect(whole == run((0..<n).map { $0..<$0 + 1 }))
      // Equal elements, equal bits, wherever they lie.
      for i in 0..<n { #expect(whole[i] == whole[i % trajectory.start.count]) }
    }
  }
}
