import Computations
import Foundation
import Testing

@Suite struct ONNXGoldenTests {
  /// A graph with an attribute of each type, float and integer tensors, open and fixed extents. `scripts/reference/
  /// onnx_export.py --golden` makes the same by Python's `onnx`.
  private var computation: Computation {
    var block = Block()
    let x = block.input([Value.examples, 4, 4, 1])
    let weight = block.tensor("conv.weight", shape: [2, 1, 3, 3])
    let y = block.convolution(block.float(x), weight, nil, .init(size: 3, padding: 1))
    let image = block.upsampling(block.leakyReLU(y, slope: 0.25), by: 2, isBilinear: false)
    let rows = block.reshape(image, to: [Value.examples, 128])
    return Computation(
      name: "model", summary: "bytes -> rows.", inputs: [.init("x", x, .uint8)], outputs: [.init("rows", rows)],
      block: block,
      constants: [.init("conv.weight", shape: [2, 1, 3, 3], (0..<18).map { Float($0) / 8 - 1 })])
  }

  @Test("A file is byte for byte what Python's onnx writes") func bytes() throws {
    let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    let wanted = try Data(contentsOf: here.appendingPathComponent("Golden/graph.onnx"))
    let made = ONNXFile(computation, producer: ("elbo", "0"), metadata: [("elbo.model", "golden")])
    #expect(Array(made.pieces.joined()) == Array(wanted))
  }

  @Test("Repetitions have tensors of their own, but for those that are shared") func repetition() {
    var block = Block()
    let x = block.input([Value.examples, 2])
    let stack = block.repeated(x, name: "draws", count: 3, stripping: "members.0.") { block, x in
      let y = block.linear(x, block.tensor("members.0.weight", shape: [1, 2]), nil)
      return block.add(y, block.tensor("mean", shape: [1], isShared: true))
    }
    #expect(stack.shape == [3, Value.examples, 1])
    let constants =
      (0..<3).map { Computation.Constant("draws.\($0).weight", shape: [1, 2], [1, 2]) }
      + [.init("mean", shape: [1], [0]), .init("unused", shape: [1], [0])]
    let computation = Computation(
      name: "model", summary: "", inputs: [.init("x", x)], outputs: [.init("y", stack)], block: block,
      constants: constants)
    #expect(computation.constants.map(\.name) == ["draws.0.weight", "mean", "draws.1.weight", "draws.2.weight"])
    let text = TorchModule.text([computation])
    #expect(text.contains(#"F.linear(x, self[prefix + "weight"])"#) && text.contains(#" + self["mean"]"#))
    #expect(text.contains(#"torch.stack([self.draws(x, f"draws.{number}.") for number in range(3)])"#))
  }
}
