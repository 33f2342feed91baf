import CKernels
import COneDNN

// Images are [n, height, width, channels]: channels lie together, so that what is done to each channel (a bias, a
// normalisation) is an operation on rows. Weights are [out, in, height, width], as PyTorch stores them.

/// Two extents of an image; a number alone stands for both.
public struct Pair: Hashable, Sendable, ExpressibleByIntegerLiteral {
  public let height: Int
  public let width: Int

  public init(_ height: Int, _ width: Int) { (self.height, self.width) = (height, width) }
  public init(_ both: Int) { (height, width) = (both, both) }
  public init(integerLiteral both: Int) { self.init(both) }
}

/// y[n, i, j, o] = Σ x[n, i s + k d − p, j s + l d − p, c] w[o, c, k, l], and its derivatives: three maps, each linear
/// in both of its arguments; the derivatives of each map are the other two.
///
/// | function | arguments | result |
/// |---|---|---|
/// | forward | source, weights | destination |
/// | source | destination, weights | source |
/// | weights | source, destination | weights |
private struct Convolution: Primitive {
  enum Function: UInt8 { case forward, source, weights }

  let function: Function
  private let strideHeight: UInt8
  private let strideWidth: UInt8
  private let dilationHeight: UInt8
  private let dilationWidth: UInt8
  private let top: Int16
  private let left: Int16
  /// Extents of the result that the arguments leave open: of the source, or of the kernel.
  private let height: Int32
  private let width: Int32

  init(_ function: Function, stride: Pair, padding: Pair, dilation: Pair, extents: Pair) {
    precondition(
      [stride, dilation].allSatisfy { 1...255 ~= $0.height && 1...255 ~= $0.width }
        && 0...9999 ~= padding.height && 0...9999 ~= padding.width,
      "strides and dilations lie in 1…255, paddings in 0…9999")
    self.function = function
    (strideHeight, strideWidth) = (UInt8(stride.height), UInt8(stride.width))
    (dilationHeight, dilationWidth) = (UInt8(dilation.height), UInt8(dilation.width))
    (top, left) = (Int16(padding.height), Int16(padding.width))
    (height, width) = (Int32(extents.height), Int32(extents.width))
  }

  private func other(_ function: Function, extents: Pair = 0) -> Convolution {
    Convolution(
      function, stride: Pair(Int(strideHeight), Int(strideWidth)), padding: Pair(Int(top), Int(left)),
      dilation: Pair(Int(dilationHeight), Int(dilationWidth)), extents: extents)
  }

  func callAsFunction(_ a: Tensor, _ b: Tensor) -> Tensor {
    let sizes = sizes(a, b)
    let result = Tensor(uninitialized: shape(of: sizes))
    compute(a, b, sizes, into: result)
    return recording(self, Inputs(a, b), result)
  }

  fileprivate func shape(of sizes: elbo_convolution) -> Shape {
    switch function {
    case .forward: [sizes.n, sizes.out_height, sizes.out_width, sizes.out]
    case .source: [sizes.n, sizes.in_height, sizes.in_width, sizes.in]
    case .weights: [sizes.out, sizes.in, sizes.kernel_height, sizes.kernel_width]
    }
  }

  fileprivate func sizes(_ a: Tensor, _ b: Tensor) -> elbo_convolution {
    precondition(a.shape.rank == 4 && b.shape.rank == 4, "a convolution of shapes \(a.shape) and \(b.shape)")
    let given = Pair(Int(height), Int(width))
    let source = function == .source ? given : Pair(a.shape[1], a.shape[2])
    let weights = function == .weights ? given : Pair(b.shape[2], b.shape[3])
    var s = elbo_convolution()
    (s.stride_height, s.stride_width) = (Int(strideHeight), Int(strideWidth))
    (s.dilation_height, s.dilation_width) = (Int(dilationHeight), Int(dilationWidth))
    (s.top, s.left) = (Int(top), Int(left))
    s.n = a.shape[0]
    (s.in_height, s.in_width) = (source.height, source.width)
    (s.kernel_height, s.kernel_width) = (weights.height, weights.width)
    s.in = function == .forward || function == .weights ? a.shape[3] : b.shape[1]
    s.out = function == .forward ? b.shape[0] : function == .source ? a.shape[3] : b.shape[3]
    let reach = Pair((s.kernel_height - 1) * s.dilation_height + 1, (s.kernel_width - 1) * s.dilation_width + 1)
    switch function {
    case .forward:
      precondition(b.shape[1] == s.in, "\(s.in) channels for weights of shape \(b.shape)")
      s.out_height = (s.in_height + 2 * s.top - reach.height) / s.stride_height + 1
      s.out_width = (s.in_width + 2 * s.left - reach.width) / s.stride_width + 1
      precondition(
        s.in_height + 2 * s.top >= reach.height && s.in_width + 2 * s.left >= reach.width,
        "a kernel of \(weights) on an image of \(source)")
    case .source:
      precondition(b.shape[0] == s.out, "\(s.out) channels for weights of shape \(b.shape)")
      (s.out_height, s.out_width) = (a.shape[1], a.shape[2])
    case .weights:
      precondition(b.shape[0] == s.n, "\(s.n) images and \(b.shape[0]) results")
      (s.out_height, s.out_width) = (b.shape[1], b.shape[2])
    }
    // What the last window reaches over the source's edge; negative where rows at the edge are in no window.
    s.bottom = (s.out_height - 1) * s.stride_height + reach.height - s.in_height - s.top
    s.right = (s.out_width - 1) * s.stride_width + reach.width - s.in_width - s.left
    return s
  }

  private func compute(_ a: Tensor, _ b: Tensor, _ sizes: elbo_convolution, into result: Tensor) {
    let kind =
      switch function {
      case .forward: ELBO_CONVOLUTION_FORWARD
      case .source: ELBO_CONVOLUTION_SOURCE
      case .weights: ELBO_CONVOLUTION_WEIGHTS
      }
    if result.count == 0 { return }
    if a.count == 0 || b.count == 0 { return elbo_fill(0, result.pointer, result.count) }
    var sizes = sizes
    let status = elbo_convolve(kind, &sizes, a.pointer, b.pointer, result.pointer)
    precondition(status == 0, "oneDNN status \(status) for a convolution: \(sizes)")
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    pullback(dy, inputs[0], inputs[1], into: sink)
  }

  fileprivate func pullback(_ dy: Tensor, _ a: Tensor, _ b: Tensor, into sink: borrowing CotangentSink) {
    switch function {
    case .forward:
      add(other(.source, extents: Pair(a.shape[1], a.shape[2])), dy, b, to: 0, of: sink)
      add(other(.weights, extents: Pair(b.shape[2], b.shape[3])), a, dy, to: 1, of: sink)
    case .source:
      add(other(.forward), dy, b, to: 0, of: sink)
      add(other(.weights, extents: Pair(b.shape[2], b.shape[3])), dy, a, to: 1, of: sink)
    case .weights:
      add(other(.source, extents: Pair(a.shape[1], a.shape[2])), b, dy, to: 0, of: sink)
      add(other(.forward), a, dy, to: 1, of: sink)
    }
  }

  private func add(
    _ function: Convolution, _ a: Tensor, _ b: Tensor, to input: Int, of sink: borrowing CotangentSink
  ) {
    guard sink.wants(input) else { return }
    if sink.isRecorded { return sink.add(function(a, b), to: input) }
    sink.write(to: input) { destination, accumulate in
      if accumulate {
        destination.add(inPlace: function(a, b))
      } else {
        function.compute(a, b, function.sizes(a, b), into: destination)
      }
    }
  }
}

/// f(w ∗ x + b) with f(z) = z where z > 0, slope · z elsewhere: bias and rectification fused into the convolution.
private struct RectifiedConvolution: Primitive {
  let convolution: Convolution
  /// At least 0; 1: no rectification.
  let slope: Float

  func callAsFunction(_ x: Tensor, _ weight: Tensor, _ bias: Tensor) -> Tensor {
    precondition(bias.shape == [weight.shape[0]], "a bias of shape \(bias.shape) for weights of \(weight.shape)")
    var sizes = convolution.sizes(x, weight)
    let y = Tensor(uninitialized: convolution.shape(of: sizes))
    if x.count == 0 || weight.count == 0 || y.count == 0 {
      return convolution(x, weight).addingRow(bias).leakyReLU(slope: slope)
    }
    let status = elbo_convolve_rectified(&sizes, x.pointer, weight.pointer, bias.pointer, slope, y.pointer)
    precondition(status == 0, "oneDNN status \(status) for a convolution: \(sizes)")
    return recording(self, Inputs(x, weight, bias), y)
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output y: Tensor, into sink: borrowing CotangentSink) {
    let dz = rectified(dy, y, recorded: sink.isRecorded)
    convolution.pullback(dz, inputs[0], inputs[1], into: sink)
    guard sink.wants(2) else { return }
    if sink.isRecorded { return sink.add(dz.sumOfColumns(), to: 2) }
    sink.write(to: 2) { destination, accumulate in
      (accumulate ? elbo_sum_cols_acc : elbo_sum_cols)(dz.pointer, destination.pointer, dz.rows, dz.columns)
    }
  }

  /// What comes to the sum from the result, whose sign is the sum's.
  private func rectified(_ dy: Tensor, _ y: Tensor, recorded: Bool) -> Tensor {
    if slope == 1 { return dy }
    if recorded { return dy * (y.step() * (1 - slope) + slope) }
    let dz = Tensor(uninitialized: y.shape)
    elbo_leaky_relu_grad(y.pointer, slope, dy.pointer, dz.pointer, dz.count)
    return dz
  }
}

extension Tensor {
  /// Convolves images [n, h, w, in] with weights [out, in, kh, kw], adds a bias [out] and rectifies, in one pass.
  /// - Parameter slope: of the rectification below 0; 1: none.
  public func convolved(
    with weight: Tensor, bias: Tensor, slope: Float = 1, stride: Pair = 1, padding: Pair = 0, dilation: Pair = 1
  ) -> Tensor {
    precondition(slope >= 0, "below 0 the result does not show a rectification's slope")
    let convolution = Convolution(.forward, stride: stride, padding: padding, dilation: dilation, extents: 0)
    return RectifiedConvolution(convolution: convolution, slope: slope)(self, weight, bias)
  }

  /// Convolves images [n, h, w, in] with weights [out, in, kh, kw] → [n, ⌊(h + 2 padding − d (kh − 1) − 1) / stride⌋ +
  /// 1, …, out]. As in PyTorch it is a cross-correlation: the kernel is not turned.
  public func convolved(
    with weight: Tensor, stride: Pair = 1, padding: Pair = 0, dilation: Pair = 1
  ) -> Tensor {
    Convolution(.forward, stride: stride, padding: padding, dilation: dilation, extents: 0)(self, weight)
  }

  /// The transpose of a convolution: images [n, h, w, in], weights [in, out, kh, kw] →
  /// [n, (h − 1) stride − 2 padding + d (kh − 1) + outputPadding + 1, …, out].
  /// - Parameter outputPadding: rows more at the bottom and right, less than the stride or the dilation; they
  ///   distinguish the sizes that a strided convolution takes to one.
  public func transposeConvolved(
    with weight: Tensor, stride: Pair = 1, padding: Pair = 0, outputPadding: Pair = 0, dilation: Pair = 1
  ) -> Tensor {
    precondition(shape.rank == 4 && weight.shape.rank == 4)
    precondition(
      outputPadding.height < max(stride.height, dilation.height)
        && outputPadding.width < max(stride.width, dilation.width),
      "an output padding is less than the stride or the dilation")
    let height =
      (shape[1] - 1) * stride.height - 2 * padding.height + dilation.height * (weight.shape[2] - 1)
      + outputPadding.height + 1
    let width =
      (shape[2] - 1) * stride.width - 2 * padding.width + dilation.width * (weight.shape[3] - 1)
      + outputPadding.width + 1
    precondition(height > 0 && width > 0, "a transposed convolution of \(shape) with \(weight.shape) leaves nothing")
    return Convolution(
      .source, stride: stride, padding: padding, dilation: dilation, extents: Pair(height, width))(self, weight)
  }
}
