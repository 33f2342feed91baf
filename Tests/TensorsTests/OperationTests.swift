import GradientChecks
import Tensors
import Testing

/// Every operation of the room, under its name in scripts/reference/gradients.py.
private let checks: [GradientCheck] = [
  GradientCheck("exp") { $0[0].exp() },
  GradientCheck("log") { $0[0].log() },
  GradientCheck("log1p") { $0[0].log1p() },
  GradientCheck("expm1") { $0[0].expm1() },
  GradientCheck("tanh") { $0[0].tanh() },
  GradientCheck("sigmoid") { $0[0].sigmoid() },
  GradientCheck("softplus") { $0[0].softplus() },
  GradientCheck("relu") { $0[0].relu() },
  GradientCheck("erf") { $0[0].erf() },
  GradientCheck("squareRoot") { $0[0].squareRoot() },
  GradientCheck("reciprocalSquareRoot") { $0[0].reciprocalSquareRoot() },
  GradientCheck("squared") { $0[0].squared() },
  GradientCheck("reciprocal") { $0[0].reciprocal() },
  GradientCheck("negative") { -$0[0] },
  GradientCheck("magnitude") { $0[0].magnitude() },
  GradientCheck("sin") { $0[0].sin() },
  GradientCheck("cos") { $0[0].cos() },
  GradientCheck("step") { $0[0].step() },
  GradientCheck("sign") { $0[0].sign() },
  GradientCheck("leakyReLU") { $0[0].leakyReLU(slope: 0.25) },
  GradientCheck("clamped") { $0[0].clamped(to: -0.5...1) },
  GradientCheck("plus number") { $0[0] + 0.75 },
  GradientCheck("minus number") { $0[0] - 0.75 },
  GradientCheck("number minus") { 0.75 - $0[0] },
  GradientCheck("times number") { $0[0] * -1.5 },
  GradientCheck("number over") { 1.5 / $0[0] },
  GradientCheck("plus") { $0[0] + $0[1] },
  GradientCheck("minus") { $0[0] - $0[1] },
  GradientCheck("times") { $0[0] * $0[1] },
  GradientCheck("over") { $0[0] / $0[1] },
  GradientCheck("maximum") { .maximum($0[0], $0[1]) },
  GradientCheck("minimum") { .minimum($0[0], $0[1]) },
  GradientCheck("sum") { $0[0].sum() },
  GradientCheck("mean") { $0[0].mean() },
  GradientCheck("sumOfRows") { $0[0].sumOfRows() },
  GradientCheck("sumOfRows of rank 3") { $0[0].sumOfRows() },
  GradientCheck("sumOfColumns") { $0[0].sumOfColumns() },
  GradientCheck("sumOfColumns of rank 3") { $0[0].sumOfColumns() },
  GradientCheck("repeated") { $0[0].repeated(to: [3, 4]) },
  GradientCheck("repeatedDown") { $0[0].repeatedDown(to: [3, 4]) },
  GradientCheck("repeatedAlong") { $0[0].repeatedAlong(to: [3, 4]) },
  GradientCheck("addingRow") { $0[0].addingRow($0[1]) },
  GradientCheck("multiplyingRow") { $0[0].multiplyingRow($0[1]) },
  GradientCheck("addingColumn") { $0[0].addingColumn($0[1]) },
  GradientCheck("multiplyingColumn") { $0[0].multiplyingColumn($0[1]) },
  GradientCheck("logSumExpOfRows") { $0[0].logSumExpOfRows() },
  GradientCheck("softmax") { $0[0].softmax() },
  GradientCheck("logSoftmax") { $0[0].logSoftmax() },
  GradientCheck("product") { $0[0].product(with: $0[1]) },
  GradientCheck("transposedProduct") { $0[0].transposedProduct(with: $0[1]) },
  GradientCheck("product withTransposed") { $0[0].product(withTransposed: $0[1]) },
  GradientCheck("linear identity") { $0[0].linear(weight: $0[1], bias: $0[2]) },
  GradientCheck("linear relu") { $0[0].linear(weight: $0[1], bias: $0[2], activation: .relu) },
  GradientCheck("linear tanh") { $0[0].linear(weight: $0[1], bias: $0[2], activation: .tanh) },
  GradientCheck("linear sigmoid") { $0[0].linear(weight: $0[1], bias: $0[2], activation: .sigmoid) },
  GradientCheck("reshaped") { $0[0].reshaped(to: [5, 3]) },
  GradientCheck("transposed") { $0[0].transposed() },
  GradientCheck("columns") { $0[0].columns(1..<4) },
  GradientCheck("convolution") { $0[0].convolved(with: $0[1]) },
  GradientCheck("convolution of stride 2") { $0[0].convolved(with: $0[1], stride: 2, padding: 1) },
  GradientCheck("convolution with unused rows") { $0[0].convolved(with: $0[1], stride: 2) },
  GradientCheck("convolution, all different") {
    $0[0].convolved(with: $0[1], stride: Pair(2, 1), padding: Pair(1, 2), dilation: Pair(3, 2))
  },
  GradientCheck("transposed convolution") { $0[0].transposeConvolved(with: $0[1], stride: 2, padding: 1) },
  GradientCheck("transposed convolution, all different") {
    $0[0].transposeConvolved(
      with: $0[1], stride: Pair(3, 2), padding: Pair(0, 1), outputPadding: Pair(2, 1), dilation: Pair(2, 1))
  },
  GradientCheck("convolution, bias") { $0[0].convolved(with: $0[1], bias: $0[2]) },
  GradientCheck("convolution, bias, rectified") {
    $0[0].convolved(with: $0[1], bias: $0[2], slope: 0.25, stride: 2, padding: 1)
  },
  GradientCheck("narrow transposed convolution") { $0[0].transposeConvolved(with: $0[1], stride: 2, padding: 1) },
  GradientCheck("narrow convolution") { $0[0].convolved(with: $0[1], stride: Pair(2, 1), padding: Pair(1, 0)) },
  GradientCheck("batchNormalized", tolerance: 1e-5) {
    $0[0].batchNormalized(weight: $0[1], bias: $0[2], epsilon: 1e-5).output
  },
  GradientCheck("batchNormalized, rectified", tolerance: 1e-5) {
    $0[0].batchNormalized(weight: $0[1], bias: $0[2], epsilon: 1e-5, slope: 0.25).output
  },
  GradientCheck("bilinearlyUpsampled") { $0[0].bilinearlyUpsampled(3) },
  GradientCheck("maximumPooled") { $0[0].maximumPooled(2) },
  GradientCheck("maximumPooled, overlapping") { $0[0].maximumPooled(3, stride: 2, padding: 1) },
  GradientCheck("maximumPooled, rounded up") { $0[0].maximumPooledWithPlaces(2, roundsUp: true).output },
  GradientCheck("unpooled") { x in
    let (pooled, places) = x[0].maximumPooledWithPlaces(2, roundsUp: true)
    return pooled.squared().unpooled(places)
  },
  GradientCheck("averagePooled") { $0[0].averagePooled(2) },
  GradientCheck("averagePooled, overlapping") { $0[0].averagePooled(3, stride: 2, padding: 1) },
  GradientCheck("upsampled") { $0[0].upsampled(3) },
  GradientCheck("filteredUp") { $0[0].filteredUp() },
  GradientCheck("filteredDown") { $0[0].filteredDown() },
  GradientCheck("filtered") { $0[0].filtered(before: 1, after: 1, gain: 2) },
  GradientCheck("filtered, before and after") { $0[0].filtered(before: 2, after: 3) },
  GradientCheck("scalingChannels") { $0[0].scalingChannels(by: $0[1]) },
  GradientCheck("addingChannels") { $0[0].addingChannels($0[1]) },
  GradientCheck("rectifiedStyle") { x in
    let noise = Tensor((1...12).map { Float($0) / 4 }, [2, 3, 2])
    return x[0].rectifiedStyle(scale: x[1], noise: noise, strength: x[2], bias: x[3], slope: 0.2)
  },
  GradientCheck("rectifiedStyle of noise") { x in
    x[0].rectifiedStyle(scale: x[1], noise: x[4], strength: x[2], bias: x[3], slope: 0.2)
  },
  GradientCheck("rectifiedStyle without noise") { x in
    x[0].rectifiedStyle(scale: x[1], noise: nil, strength: x[2], bias: x[3], slope: 0.2)
  },
  GradientCheck("sumOverPixels") { $0[0].sumOverPixels() },
  GradientCheck("repeatedOverPixels") { $0[0].repeatedOverPixels(height: 2, width: 4) },
  GradientCheck("placed") {
    $0[0].placed([
      Placement(down: 1, right: -2), Placement(down: -1, right: 1, isMirrored: true), Placement(),
      Placement(down: -2, isMirrored: true),
    ])
  },
  GradientCheck("warped") {
    $0[0].warped([
      AffineMap(xx: 0.75, xy: 0.25, yx: -0.5, yy: 1.25, x: 0.375, y: -1.125),
      AffineMap(xx: -1, yy: 1, x: 1), AffineMap(xx: 2.125, xy: 0, yx: 0, yy: 1.875, x: 9.25, y: -13.5),
    ])
  },
  GradientCheck("mixingChannels") {
    $0[0].mixingChannels([
      ChannelMixture(matrix: [0.5, -1, 0.25, 2], offset: [0.125, -0.5]),
      ChannelMixture(matrix: [1, 0, 0, 1], offset: [0, 0]),
    ])
  },
  GradientCheck("joiningRows") { $0[0].joiningRows($0[1]) },
  GradientCheck("joiningColumns") { $0[0].joiningColumns($0[1]) },
  GradientCheck("rows") { $0[0].rows(1..<4) },
  GradientCheck("gatheringRows") { $0[0].gatheringRows([4, 0, 4, 2]) },
  GradientCheck("repeatingRows") { $0[0].repeatingRows(3) },
  GradientCheck("used thrice") { $0[0] * $0[0].exp() + $0[0].transposed().transposed() * $0[0] },
]

@Suite("Operations and their derivatives")
struct OperationTests {
  let golden = try! GoldenFile.operations("operations")

  @Test(arguments: checks)
  func equalsPyTorchUpToTheThirdDerivative(_ check: GradientCheck) throws {
    let golden = try #require(golden[check.name], "run scripts/reference/gradients.py")
    #expect(check.mismatches(with: golden) == [])
  }

  @Test(arguments: checks)
  func agreesWithFiniteDifferences(_ check: GradientCheck) throws {
    let golden = try #require(golden[check.name])
    #expect(check.finiteDifferenceMismatches(at: golden) == [])
  }

  @Test func everyGoldenCaseIsChecked() {
    #expect(Set(golden.keys) == Set(checks.map(\.name)))
    #expect(Set(checks.map(\.name)).count == checks.count)
  }

  @Test func everyPrimitiveOfTheRoomIsDifferentiated() throws {
    let declared = try SourceScan.primitives(of: "Tensors")
    let seen = checks.reduce(into: Set<String>()) { seen, check in
      golden[check.name].map { seen.formUnion(check.primitives(at: $0)) }
    }
    #expect(declared.count >= 40)
    // A window's LSTM is checked as a layer is, up to the third derivative: "lstm window" of LayerGradientTests.
    #expect(SourceScan.unchecked(declared, seen: seen) == ["LongShortTermMemory("])
  }

  /// A room that declares primitives has a test such as the one above for its own.
  @Test func everyRoomWithPrimitivesIsKnown() throws {
    #expect(try SourceScan.roomsWithPrimitives() == ["Distributions", "Tensors"])
  }
}

// The gates above, made to fail.

/// A primitive whose derivative is wrong by a factor.
private struct WrongSquare: Primitive {
  let factor: Float

  func callAsFunction(_ x: Tensor) -> Tensor { recording(self, Inputs(x), x.detached.squared()) }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    sink.add(dy * inputs[0] * factor, to: 0)
  }
}

/// A primitive that is right at first order, and whose derivative is not one that can be differentiated again.
private struct DetachedSquare: Primitive {
  func callAsFunction(_ x: Tensor) -> Tensor { recording(self, Inputs(x), x.detached.squared()) }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    sink.add(dy * inputs[0].detached * 2, to: 0)
  }
}

@Suite("The checks of derivatives notice what is wrong")
struct GradientCheckTests {
  let golden = try! GoldenFile.operations("operations")["squared"]!

  @Test func aRightDerivativePasses() {
    let check = GradientCheck("squared") { WrongSquare(factor: 2)($0[0]) }
    #expect(check.mismatches(with: golden) == [])
    #expect(check.finiteDifferenceMismatches(at: golden) == [])
  }

  @Test func aSlightlyWrongDerivativeIsFound() {
    let check = GradientCheck("squared") { WrongSquare(factor: 2.0001)($0[0]) }
    #expect(check.mismatches(with: golden).contains { $0.hasPrefix("first, fused") })
    #expect(check.mismatches(with: golden).contains { $0.hasPrefix("first, by backward") })
    let wrong = GradientCheck("squared") { WrongSquare(factor: 2.01)($0[0]) }
    #expect(wrong.finiteDifferenceMismatches(at: golden).count == 1)
  }

  @Test func aWrongSecondDerivativeIsFound() {
    let check = GradientCheck("squared") { DetachedSquare()($0[0]) }
    let mismatches = check.mismatches(with: golden)
    #expect(mismatches.contains { $0.hasPrefix("second") })
    #expect(!mismatches.contains { $0.hasPrefix("first") })
    #expect(check.finiteDifferenceMismatches(at: golden).count == 1)
  }

  @Test func aWrongOutputIsFound() {
    let check = GradientCheck("squared") { $0[0].squared() + 1e-4 }
    #expect(check.mismatches(with: golden).contains { $0.hasPrefix("off the tape") })
  }

  @Test func aPrimitiveWithoutACheckIsFound() {
    let source = """
      private struct Cube: Primitive {
        let power: Int
      }
      struct Wave: Sendable, Primitive {
        enum Function: UInt8 {
          case sine, cosine
          case triangle
        }
        let function: Function
      }
      extension Plain: Primitive {
      }
      struct NotOne: Sendable {}
      """
    let declared = SourceScan.primitives(in: source)
    #expect(declared == ["Cube(", "Wave(….sine", "Wave(….cosine", "Wave(….triangle", "Plain("])
    let seen: Set = [
      "Wave(function: Room.Wave.Function.sine)", "Cube(power: 3)", "Wave(function: Room.Wave.Function.cosine)",
    ]
    #expect(SourceScan.unchecked(declared, seen: seen) == ["Wave(….triangle", "Plain("])
  }
}
