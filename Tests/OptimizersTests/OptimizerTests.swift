import GradientChecks
import Optimizers
import Testing

/// Parameters, gradient and state as plain arrays.
private struct Training {
  var parameters: [Float]
  var state: [[Float]]
  let optimizer: Optimizer

  init(_ optimizer: Optimizer, from parameters: [Float]) {
    self.optimizer = optimizer
    self.parameters = parameters
    state = optimizer.stateNames.map { _ in [Float](repeating: 0, count: parameters.count) }
  }

  /// One update of the ranges, in their order.
  mutating func step(
    _ step: Int, gradient: [Float], learningRate: Double, scale: Float = 1, ranges: [Range<Int>]? = nil
  ) {
    let pointers = state.indices.map { part in
      state[part].withUnsafeMutableBufferPointer { UnsafeMutableBufferPointer<Float>.allocate(copying: $0) }
    }
    for range in ranges ?? [parameters.indices] {
      optimizer.update(
        range, of: &parameters, gradient: gradient, state: pointers.map { $0.baseAddress! }, step: step,
        learningRate: learningRate, gradientScale: scale)
    }
    for (part, pointer) in pointers.enumerated() {
      state[part] = Array(pointer)
      pointer.deallocate()
    }
  }
}

extension UnsafeMutableBufferPointer {
  fileprivate static func allocate(copying source: UnsafeMutableBufferPointer) -> UnsafeMutableBufferPointer {
    let copy = allocate(capacity: source.count)
    _ = copy.initialize(fromContentsOf: source)
    return copy
  }
}

/// Under their names in scripts/reference/optimizers.py.
private let rules: [(name: String, optimizer: Optimizer)] = [
  ("sgd", Optimizer(.sgd)),
  ("sgd decay", Optimizer(.sgd, weightDecay: 0.3)),
  ("momentum", Optimizer(.momentum())),
  ("momentum dampening", Optimizer(.momentum(0.8, dampening: 0.4))),
  ("momentum decay", Optimizer(.momentum(0.9), weightDecay: 0.3)),
  ("nesterov", Optimizer(.momentum(0.9, nesterov: true))),
  ("nesterov decay", Optimizer(.momentum(nesterov: true), weightDecay: 0.3)),
  ("adagrad", Optimizer(.adagrad())),
  ("adagrad decay", Optimizer(.adagrad(), weightDecay: 0.3)),
  ("rmsProp", Optimizer(.rmsProp())),
  ("rmsProp decay", Optimizer(.rmsProp(decay: 0.9, epsilon: 1e-4), weightDecay: 0.3)),
  ("adam", Optimizer(.adam())),
  ("adam decay", Optimizer(.adam(beta1: 0.8, beta2: 0.99, epsilon: 1e-4), weightDecay: 0.3)),
  ("adamW", Optimizer(.adamW(), weightDecay: 0.3)),
  ("adamW other", Optimizer(.adamW(beta1: 0.5, beta2: 0.9, epsilon: 1e-4), weightDecay: 0.01)),
  ("adam without memory", Optimizer(.adam(beta1: 0, beta2: 0))),
]

@Suite("Optimizers")
struct OptimizerTests {
  private struct Book: Decodable {
    struct Case: Decodable {
      let name: String
      let path: [[Double]]
    }
    let start: [Double]
    let gradients: [[Double]]
    let cases: [Case]
  }

  private let book = try! GoldenFile.read("trajectories", as: Book.self)

  @Test(arguments: rules.indices)
  func followsPyTorch(_ index: Int) throws {
    let (name, optimizer) = rules[index]
    let golden = try #require(book.cases.first { $0.name == name })
    var training = Training(optimizer, from: book.start.map(Float.init))
    #expect(golden.path.count == book.gradients.count && golden.path.count >= 10)
    for (step, (gradient, wanted)) in zip(book.gradients, golden.path).enumerated() {
      training.step(step + 1, gradient: gradient.map(Float.init), learningRate: 0.1)
      #expect(
        differences(of: training.parameters, from: wanted, tolerance: 2e-6) == [], "\(name), step \(step + 1)")
    }
  }

  @Test func everyGoldenCaseIsFollowed() {
    #expect(Set(book.cases.map(\.name)) == Set(rules.map(\.name)))
  }

  private static let length = 1000

  private func gradient(_ step: Int) -> [Float] {
    (0..<Self.length).map { Float(($0 &* 7919 &+ step &* 104_729) % 2003 - 1001) / 997 }
  }

  /// Lanes update ranges of a buffer: how it is cut, and in which order, has no say in a single bit.
  @Test(arguments: rules.indices)
  func isTheSameForEverySplit(_ index: Int) {
    func train(_ ranges: [Range<Int>]) -> Training {
      var training = Training(rules[index].optimizer, from: gradient(99))
      for step in 1...4 {
        training.step(step, gradient: gradient(step), learningRate: 0.01, scale: 0.25, ranges: ranges)
      }
      return training
    }
    func cut(at points: [Int]) -> [Range<Int>] { zip([0] + points, points + [Self.length]).map { $0..<$1 } }
    let whole = train([0..<Self.length])
    for ranges in [
      cut(at: [500]), cut(at: [1, 2, 5, 21, 150, 151, 900, 999]), cut(at: Array(1..<Self.length)), cut(at: [0, 1000]),
    ] {
      for order in [ranges, ranges.reversed()] {
        let training = train(order)
        #expect(training.parameters.map(\.bitPattern) == whole.parameters.map(\.bitPattern))
        #expect(training.state == whole.state)
      }
    }
    #expect(whole.parameters != gradient(99))
  }

  @Test(arguments: rules.indices)
  func numbersOutsideTheRangeAreLeftAlone(_ index: Int) {
    var training = Training(rules[index].optimizer, from: gradient(7))
    training.step(1, gradient: gradient(8), learningRate: 0.1, ranges: [13..<400, 500..<500])
    let (before, after) = (gradient(7), training.parameters)
    #expect(before[..<13] == after[..<13] && before[400...] == after[400...])
    #expect(training.state.allSatisfy { $0[..<13].allSatisfy { $0 == 0 } && $0[400...].allSatisfy { $0 == 0 } })
    #expect(before[13..<400] != after[13..<400])
  }

  /// A power of two scales without rounding, so that scaling first and scaling within give the same bits.
  @Test(arguments: rules.indices)
  func theGradientIsScaled(_ index: Int) {
    var (scaled, plain) = (
      Training(rules[index].optimizer, from: gradient(1)), Training(rules[index].optimizer, from: gradient(1))
    )
    for step in 1...3 {
      scaled.step(step, gradient: gradient(step), learningRate: 0.1, scale: 0.125)
      plain.step(step, gradient: gradient(step).map { $0 * 0.125 }, learningRate: 0.1)
    }
    #expect(scaled.parameters == plain.parameters)
  }

  @Test(arguments: rules.indices)
  func aNumberThatIsNotFiniteSpreadsNoFurther(_ index: Int) {
    var gradient = gradient(3)
    gradient[17] = .nan
    var training = Training(rules[index].optimizer, from: self.gradient(1))
    training.step(1, gradient: gradient, learningRate: 0.1)
    #expect(training.parameters.indices.filter { !training.parameters[$0].isFinite } == [17])
  }

  @Test func namesOfTheState() {
    #expect(Optimizer(.sgd).stateNames == [])
    #expect(Optimizer(.momentum()).stateNames.count == 1)
    #expect(Optimizer(.adagrad()).stateNames.count == 1)
    #expect(Optimizer(.rmsProp()).stateNames.count == 1)
    #expect(Optimizer(.adam()).stateNames == ["m", "v"])
    #expect(Optimizer(.adamW()).stateNames == ["m", "v"])
  }
}

/// Every rule on every target.
@Suite("Optimizers reach the minimum")
struct ConvergenceTests {
  enum Target: String, CaseIterable {
    /// ½ Σ cᵢ (xᵢ − i)², with curvatures from 0.1 to 10.
    case quadratic
    /// (1 − x)² + 100 (y − x²)² (Rosenbrock 1960).
    case rosenbrock

    var start: [Float] { self == .quadratic ? [5, -4, 3, -2] : [-1.2, 1] }

    func value(_ x: [Float]) -> Double {
      switch self {
      case .quadratic:
        zip(x, curvatures).enumerated().reduce(0) { $0 + 0.5 * $1.1.1 * square(Double($1.1.0) - Double($1.0)) }
      case .rosenbrock: square(1 - Double(x[0])) + 100 * square(Double(x[1]) - square(Double(x[0])))
      }
    }

    func gradient(_ x: [Float]) -> [Float] {
      switch self {
      case .quadratic: return x.indices.map { Float(curvatures[$0] * (Double(x[$0]) - Double($0))) }
      case .rosenbrock:
        let (a, b) = (Double(x[0]), Double(x[1]))
        return [Float(-2 * (1 - a) - 400 * a * (b - a * a)), Float(200 * (b - a * a))]
      }
    }

    private var curvatures: [Double] { [0.1, 1, 3, 10] }
    private func square(_ x: Double) -> Double { x * x }
  }

  private static let rules: [(rule: Optimizer.Rule, quadratic: Double, rosenbrock: Double)] = [
    (.sgd, 0.1, 1e-3), (.momentum(), 0.02, 2e-4), (.momentum(nesterov: true), 0.02, 2e-4), (.adagrad(), 1, 0.5),
    (.rmsProp(), 0.05, 0.01), (.adam(), 0.1, 0.05), (.adamW(), 0.1, 0.05),
  ]

  @Test(
    "Every rule reaches the minimum of a quadratic and of Rosenbrock's function",
    arguments: rules.indices, Target.allCases)
  func reaches(_ index: Int, _ target: Target) {
    let (rule, quadratic, rosenbrock) = Self.rules[index]
    let steps = target == .quadratic ? 2000 : 20_000
    let rate = target == .quadratic ? quadratic : rosenbrock
    let schedule = Schedule(.cosine())
    var training = Training(Optimizer(rule), from: target.start)
    let before = target.value(training.parameters)
    for step in 1...steps {
      training.step(
        step, gradient: target.gradient(training.parameters), learningRate: rate * schedule.value(at: step, of: steps))
    }
    #expect(before > 10)
    #expect(target.value(training.parameters) < 1e-3, "\(rule) on \(target): \(training.parameters)")
  }
}
