import CKernels

/// A function of each number on its own.
private struct Unary: Primitive {
  enum Function: UInt8 {
    case exp, log, log1p, expm1, tanh, sigmoid, softplus, relu, erf, sqrt, rsqrt, square, reciprocal, neg, abs, sin, cos
    case step, sign
  }

  let function: Function

  func callAsFunction(_ x: Tensor) -> Tensor {
    let y = Tensor(uninitialized: x.shape)
    let (source, destination, count) = (x.pointer, y.pointer, x.count)
    switch function {
    case .exp: elbo_exp(source, destination, count)
    case .log: elbo_log(source, destination, count)
    case .log1p: elbo_log1p(source, destination, count)
    case .expm1: elbo_expm1(source, destination, count)
    case .tanh: elbo_tanh(source, destination, count)
    case .sigmoid: elbo_sigmoid(source, destination, count)
    case .softplus: elbo_softplus(source, destination, count)
    case .relu: elbo_relu(source, destination, count)
    case .erf: elbo_erf(source, destination, count)
    case .sqrt: elbo_sqrt(source, destination, count)
    case .rsqrt: elbo_rsqrt(source, destination, count)
    case .square: elbo_square(source, destination, count)
    case .reciprocal: elbo_reciprocal(source, destination, count)
    case .neg: elbo_neg(source, destination, count)
    case .abs: elbo_abs(source, destination, count)
    case .sin: elbo_sin(source, destination, count)
    case .cos: elbo_cos(source, destination, count)
    case .step: elbo_step(source, destination, count)
    case .sign: elbo_sign(source, destination, count)
    }
    return recording(self, Inputs(x), y)
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output y: Tensor, into sink: borrowing CotangentSink) {
    let x = inputs[0]
    switch function {
    case .exp: sink.add(dy * y, to: 0)
    case .log: sink.add(dy / x, to: 0)
    case .log1p: sink.add(dy / (x + 1), to: 0)
    case .expm1: sink.add(dy * (y + 1), to: 0)
    case .tanh:
      if sink.isRecorded {
        sink.add(dy * (1 - y.squared()), to: 0)
      } else {
        sink.add(fused(y, dy, elbo_tanh_grad), to: 0)
      }
    case .sigmoid:
      if sink.isRecorded {
        sink.add(dy * y * (1 - y), to: 0)
      } else {
        sink.add(fused(y, dy, elbo_sigmoid_grad), to: 0)
      }
    case .softplus:
      if sink.isRecorded {
        sink.add(dy * x.sigmoid(), to: 0)
      } else {
        sink.add(fused(x, dy, elbo_softplus_grad), to: 0)
      }
    case .relu:
      if sink.isRecorded {
        sink.add(dy * x.step(), to: 0)
      } else {
        sink.add(fused(y, dy, elbo_relu_grad), to: 0)
      }
    case .erf: sink.add(dy * (-x.squared()).exp() * Float(2 / Double.pi.squareRoot()), to: 0)
    case .sqrt: sink.add(dy / (y * 2), to: 0)
    case .rsqrt: sink.add(dy * y * y * y * -0.5, to: 0)
    case .square: sink.add(dy * x * 2, to: 0)
    case .reciprocal: sink.add(-(dy * y * y), to: 0)
    case .neg: sink.add(-dy, to: 0)
    case .abs: sink.add(dy * x.sign(), to: 0)
    case .sin: sink.add(dy * x.cos(), to: 0)
    case .cos: sink.add(-(dy * x.sin()), to: 0)
    case .step, .sign: break  // constant wherever they have a derivative
    }
  }

  private typealias Kernel = (UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int) -> Void

  private func fused(_ a: Tensor, _ dy: Tensor, _ kernel: Kernel) -> Tensor {
    let dx = Tensor(uninitialized: a.shape)
    kernel(a.pointer, dy.pointer, dx.pointer, dx.count)
    return dx
  }
}

/// A function of two numbers in the same place of two tensors of one shape.
private struct Binary: Primitive {
  enum Function: UInt8 { case add, subtract, multiply, divide, max, min }

  let function: Function

  func callAsFunction(_ a: Tensor, _ b: Tensor) -> Tensor {
    precondition(
      a.shape == b.shape, "\(function) of shapes \(a.shape) and \(b.shape): broadcasting is asked for by name")
    let y = Tensor(uninitialized: a.shape)
    switch function {
    case .add: elbo_add(a.pointer, b.pointer, y.pointer, y.count)
    case .subtract: elbo_sub(a.pointer, b.pointer, y.pointer, y.count)
    case .multiply: elbo_mul(a.pointer, b.pointer, y.pointer, y.count)
    case .divide: elbo_div(a.pointer, b.pointer, y.pointer, y.count)
    case .max: elbo_max(a.pointer, b.pointer, y.pointer, y.count)
    case .min: elbo_min(a.pointer, b.pointer, y.pointer, y.count)
    }
    return recording(self, Inputs(a, b), y)
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output y: Tensor, into sink: borrowing CotangentSink) {
    let (a, b) = (inputs[0], inputs[1])
    switch function {
    case .add:
      sink.add(dy, to: 0)
      sink.add(dy, to: 1)
    case .subtract:
      sink.add(dy, to: 0)
      if sink.wants(1) { sink.add(-dy, to: 1) }
    case .multiply:
      if sink.wants(0) { sink.add(dy * b, to: 0) }
      if sink.wants(1) { sink.add(dy * a, to: 1) }
    case .divide:
      if sink.wants(0) { sink.add(dy / b, to: 0) }
      if sink.wants(1) { sink.add(-(dy * y / b), to: 1) }
    case .max, .min:
      // At a tie all goes to the second, so that nothing is counted twice.
      let first = function == .max ? a.isGreater(than: b) : b.isGreater(than: a)
      if sink.wants(0) { sink.add(dy * first, to: 0) }
      if sink.wants(1) { sink.add(dy * (1 - first), to: 1) }
    }
  }
}

/// x·a + b with numbers a and b.
private struct Affine: Primitive {
  let factor: Float
  let offset: Float

  func callAsFunction(_ x: Tensor) -> Tensor {
    let y = Tensor(uninitialized: x.shape)
    if factor == 1 {
      elbo_add_scalar(x.pointer, offset, y.pointer, y.count)
    } else {
      elbo_scale(x.pointer, factor, y.pointer, y.count)
      if offset != 0 { elbo_add_scalar(y.pointer, offset, y.pointer, y.count) }
    }
    return recording(self, Inputs(x), y)
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    sink.add(factor == 1 ? dy : dy * factor, to: 0)
  }
}

/// x where it is positive, slope·x elsewhere.
private struct LeakyReLU: Primitive {
  let slope: Float

  func callAsFunction(_ x: Tensor) -> Tensor {
    let y = Tensor(uninitialized: x.shape)
    elbo_leaky_relu(x.pointer, slope, y.pointer, y.count)
    return recording(self, Inputs(x), y)
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    let x = inputs[0]
    if sink.isRecorded {
      sink.add(dy * (x.step() * (1 - slope) + slope), to: 0)
    } else {
      let dx = Tensor(uninitialized: x.shape)
      elbo_leaky_relu_grad(x.pointer, slope, dy.pointer, dx.pointer, dx.count)
      sink.add(dx, to: 0)
    }
  }
}

/// x held between two bounds; no derivative outside them. At a bound it passes, as in PyTorch: what was held there once
/// can come away again.
private struct Clamp: Primitive {
  let lower: Float
  let upper: Float

  func callAsFunction(_ x: Tensor) -> Tensor {
    let y = Tensor(uninitialized: x.shape)
    elbo_clamp(x.pointer, lower, upper, y.pointer, y.count)
    return recording(self, Inputs(x), y)
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    let x = inputs[0].detached
    let outside = (lower - x).step() + (x - upper).step()
    sink.add(dy * (1 - outside), to: 0)
  }
}

extension Tensor {
  public func exp() -> Tensor { Unary(function: .exp)(self) }
  public func log() -> Tensor { Unary(function: .log)(self) }
  /// log(1 + x), accurate near 0.
  public func log1p() -> Tensor { Unary(function: .log1p)(self) }
  /// exp(x) − 1, accurate near 0.
  public func expm1() -> Tensor { Unary(function: .expm1)(self) }
  public func tanh() -> Tensor { Unary(function: .tanh)(self) }
  public func sigmoid() -> Tensor { Unary(function: .sigmoid)(self) }
  /// log(1 + exp(x)), for any x.
  public func softplus() -> Tensor { Unary(function: .softplus)(self) }
  public func relu() -> Tensor { Unary(function: .relu)(self) }
  public func erf() -> Tensor { Unary(function: .erf)(self) }
  public func squareRoot() -> Tensor { Unary(function: .sqrt)(self) }
  public func reciprocalSquareRoot() -> Tensor { Unary(function: .rsqrt)(self) }
  public func squared() -> Tensor { Unary(function: .square)(self) }
  public func reciprocal() -> Tensor { Unary(function: .reciprocal)(self) }
  public func magnitude() -> Tensor { Unary(function: .abs)(self) }
  public func sin() -> Tensor { Unary(function: .sin)(self) }
  public func cos() -> Tensor { Unary(function: .cos)(self) }
  /// 1 where x > 0, else 0.
  public func step() -> Tensor { Unary(function: .step)(self) }
  public func sign() -> Tensor { Unary(function: .sign)(self) }
  public func leakyReLU(slope: Float) -> Tensor { LeakyReLU(slope: slope)(self) }
  public func clamped(to bounds: ClosedRange<Float>) -> Tensor {
    Clamp(lower: bounds.lowerBound, upper: bounds.upperBound)(self)
  }

  public static prefix func - (x: Tensor) -> Tensor { Unary(function: .neg)(x) }

  public static func + (a: Tensor, b: Tensor) -> Tensor { Binary(function: .add)(a, b) }
  public static func - (a: Tensor, b: Tensor) -> Tensor { Binary(function: .subtract)(a, b) }
  public static func * (a: Tensor, b: Tensor) -> Tensor { Binary(function: .multiply)(a, b) }
  public static func / (a: Tensor, b: Tensor) -> Tensor { Binary(function: .divide)(a, b) }
  public static func maximum(_ a: Tensor, _ b: Tensor) -> Tensor { Binary(function: .max)(a, b) }
  public static func minimum(_ a: Tensor, _ b: Tensor) -> Tensor { Binary(function: .min)(a, b) }

  public static func + (x: Tensor, a: Float) -> Tensor { Affine(factor: 1, offset: a)(x) }
  public static func - (x: Tensor, a: Float) -> Tensor { Affine(factor: 1, offset: -a)(x) }
  public static func * (x: Tensor, a: Float) -> Tensor { Affine(factor: a, offset: 0)(x) }
  public static func + (a: Float, x: Tensor) -> Tensor { x + a }
  public static func - (a: Float, x: Tensor) -> Tensor { Affine(factor: -1, offset: a)(x) }
  public static func * (a: Float, x: Tensor) -> Tensor { x * a }
  public static func / (a: Float, x: Tensor) -> Tensor { x.reciprocal() * a }

  /// 1 where x is greater than y, else 0; constant to every tape.
  public func isGreater(than other: Tensor) -> Tensor {
    precondition(shape == other.shape)
    let y = Tensor(uninitialized: shape)
    elbo_greater(pointer, other.pointer, y.pointer, y.count)
    return y
  }

  /// Adds numbers to memory that this tensor views; nothing is recorded.
  package func add(inPlace other: Tensor) {
    precondition(shape == other.shape)
    elbo_add(pointer, other.pointer, pointer, count)
  }
}
