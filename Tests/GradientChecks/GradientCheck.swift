import Tensors

/// A differentiable function under its golden name, and the checks that its derivatives must pass.
public struct GradientCheck: Sendable, CustomStringConvertible {
  public let name: String
  /// How far a number may be from its golden value, as a share of the greatest number of its array.
  public let tolerance: Double
  public let function: @Sendable ([Tensor]) -> Tensor

  public init(_ name: String, tolerance: Double = 2e-6, _ function: @escaping @Sendable ([Tensor]) -> Tensor) {
    self.name = name
    self.tolerance = tolerance
    self.function = function
  }

  public var description: String { name }

  // MARK: Against golden values

  /// What differs from the golden values: outputs, on and off the tape; first derivatives by the fused pullbacks (into
  /// a variable's gradient, and returned) and by the recorded ones; derivatives of orders 2 and 3.
  public func mismatches(with golden: GoldenOperation) -> [String] {
    var found: [String] = []
    func compare(_ tensors: [Tensor], _ wanted: [[Double]], _ what: String) {
      for (index, (tensor, wanted)) in zip(tensors, wanted).enumerated() {
        found += differences(of: tensor.values, from: wanted, tolerance: tolerance).map { "\(what)[\(index)] \($0)" }
      }
      if tensors.count != wanted.count { found.append("\(what): \(tensors.count) arrays, not \(wanted.count)") }
    }

    let plain = function(golden.inputs.map(\.tensor))
    if plain.shape != Shape(golden.output.shape) { return ["a result of shape \(plain.shape)"] }
    if plain.isRecorded { found.append("a result on a tape without variables") }
    compare([plain], [golden.output.values], "off the tape")

    let tape = Tape()
    let x = golden.inputs.map { tape.variable($0.tensor) }
    let u = tape.variable(Tensor(golden.cotangent.map(Float.init), plain.shape))
    let y = function(x)
    compare([y], [golden.output.values], "on the tape")
    let product = (u * y).sum()
    compare(tape.gradient(of: product, withRespectTo: x), golden.first, "first, fused")
    let first = tape.gradient(of: product, withRespectTo: x, recorded: true)
    compare(first, golden.first, "first, recorded")
    let second = derivatives(along: golden.directions, of: first, by: x + [u], on: tape, recorded: true)
    compare(second, golden.second, "second")
    let third = derivatives(
      along: golden.secondDirections, of: Array(second.dropLast()), by: x + [u], on: tape, recorded: true)
    compare(third, golden.third, "third")

    compare(backward(golden), golden.first, "first, by backward")
    return found
  }

  /// The derivatives that `backward` leaves in the variables' gradients, whatever those held before.
  private func backward(_ golden: GoldenOperation) -> [Tensor] {
    let tape = Tape()
    let gradients = golden.inputs.map { Tensor(repeating: .nan, Shape($0.shape)) }
    let y = function(zip(golden.inputs, gradients).map { tape.variable($0.tensor, gradient: $1) })
    tape.backward(from: (y * Tensor(golden.cotangent.map(Float.init), y.shape)).sum())
    return gradients
  }

  /// The derivatives of Σ <direction, value>; zeros where no value depends on anything.
  private func derivatives(
    along directions: [[Double]], of values: [Tensor], by sources: [Tensor], on tape: Tape, recorded: Bool
  ) -> [Tensor] {
    var sum = Tensor(0)
    for (value, direction) in zip(values, directions) {
      sum = sum + (value * Tensor(direction.map(Float.init), value.shape)).sum()
    }
    guard sum.isRecorded else { return sources.map { .zeros($0.shape) } }
    return tape.gradient(of: sum, withRespectTo: sources, recorded: recorded)
  }

  // MARK: Against finite differences

  /// Where derivatives of orders 1 and 2 differ from central differences of fourth order along the golden directions.
  public func finiteDifferenceMismatches(at golden: GoldenOperation, tolerance: Double = 1e-4) -> [String] {
    let u = Tensor(golden.cotangent.map(Float.init), Shape(golden.output.shape))
    func inputs(_ t: Double) -> [Tensor] {
      zip(golden.inputs, golden.directions).map { input, direction in
        Tensor(zip(input.values, direction).map { Float($0 + t * $1) }, Shape(input.shape))
      }
    }
    func value(_ t: Double) -> Double { inner(function(inputs(t)), golden.cotangent) }
    // <v, g> along v: its derivative is <v, H v>, with H the second derivative.
    func slope(_ t: Double, second: Bool) -> Double {
      let tape = Tape()
      let x = inputs(t).map { tape.variable($0) }
      let first = tape.gradient(of: (function(x) * u).sum(), withRespectTo: x, recorded: second)
      guard second else { return zip(first, golden.directions).reduce(0) { $0 + inner($1.0, $1.1) } }
      let derivatives = derivatives(along: golden.directions, of: first, by: x, on: tape, recorded: false)
      return zip(derivatives, golden.directions).reduce(0) { $0 + inner($1.0, $1.1) }
    }
    var found: [String] = []
    func compare(_ got: Double, _ f: (Double) -> Double, _ what: String) {
      let h = 1.0 / 32
      let wanted = (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h)
      let scale = max(abs(wanted), abs(f(0)), 1)
      if !(abs(got - wanted) <= tolerance * scale) { found.append("\(what): \(got), by differences \(wanted)") }
    }
    compare(slope(0, second: false), value, "first")
    compare(slope(0, second: true), { slope($0, second: false) }, "second")
    return found
  }

  /// The primitives that a golden check of this operation differentiates, described with their parameters.
  public func primitives(at golden: GoldenOperation) -> Set<String> {
    let tape = Tape()
    let x = golden.inputs.map { tape.variable($0.tensor) }
    let y = function(x)
    let u = tape.variable(Tensor(golden.cotangent.map(Float.init), y.shape))
    let first = tape.gradient(of: (u * y).sum(), withRespectTo: x, recorded: true)
    _ = derivatives(along: golden.directions, of: first, by: x + [u], on: tape, recorded: true)
    return Set(tape.primitives.map { String(describing: $0) })
  }
}

private func inner(_ tensor: Tensor, _ weights: [Double]) -> Double {
  zip(tensor.values, weights).reduce(0) { $0 + Double($1.0) * $1.1 }
}

/// Where numbers are further from what is wanted than a share of the greatest of it.
public func differences(of values: [Float], from wanted: [Double], tolerance: Double) -> [String] {
  if values.count != wanted.count { return ["has \(values.count) numbers, not \(wanted.count)"] }
  let scale = wanted.reduce(1e-2) { max($0, abs($1)) }
  return values.indices.compactMap { index in
    let error = abs(Double(values[index]) - wanted[index])
    return error <= tolerance * scale ? nil : "at \(index): \(values[index]), golden \(wanted[index])"
  }
}
