import Networks
import Tensors
import Testing

@Suite("Dropout of a recurrent state") struct StateDropoutTests {
  private static let width = 40
  private static let key = RandomKey(seed: 3)

  private func step(_ cell: String, rate: Double, state change: (Float) -> Float = { $0 }) -> (
    h: [Float], next: [Float]
  ) {
    var layout = Layout()
    let width = Self.width
    let cell: any RecurrentCore =
      cell == "lstm"
      ? LSTMCell(name: "cell", in: 2, width: width, stateDropout: rate, layout: &layout)
      : GRUCell(name: "cell", in: 2, width: width, stateDropout: rate, layout: &layout)
    let core = RecurrentStack([cell])
    let parameters = FlatBuffer("parameters", layout)
    core.initialize(parameters, seed: 1)
    let state = Tensor(
      (0..<core.stateWidth).map { change($0 < width ? Float($0 % 7 + 1) / 5 : 0.3) }, [1, core.stateWidth])
    let pass = Pass(.given(ParameterViews(parameters)), key: Self.key, examples: [5])
    let next = core(Tensor([0.5, -1], [1, 2]), state, pass)
    return (state.columns(0..<width).values, next.output.values)
  }

  @Test("It acts where the pass has a key, on what gates see alone")
  func actsOnTheRecurrentProduct() {
    for cell in ["lstm", "gru"] {
      let (h, plain) = step(cell, rate: 0)
      let (_, dropped) = step(cell, rate: 0.5)
      #expect(plain != dropped && dropped == step(cell, rate: 0.5).next, "\(cell)")
      // The new state stays between the old one and what the gates propose: h itself is not dropped.
      if cell == "gru" { #expect(zip(h, dropped).allSatisfy { abs($1) <= max(abs($0), 1) }) }
    }
  }

  /// The LSTM's gates are all that sees h: so a cell that drops is a plain one whose h was dropped before.
  @Test func anLSTMSeesADroppedState() {
    let mask = Dropout(rate: 0.5, stream: 0)(
      Tensor(repeating: 1, [1, Self.width]),
      Pass(.given(ParameterViews([], for: Layout())), key: Self.key, examples: [5])
    ).values
    var place = 0
    let (_, wanted) = step("lstm", rate: 0) { value in
      defer { place += 1 }
      return place < Self.width ? value * mask[place] : value
    }
    #expect(mask.contains(0) && mask.contains(2))
    #expect(step("lstm", rate: 0.5).next == wanted)
  }

  /// A window in one operation is its steps one after the other, with the masks of each.
  @Test(arguments: ["lstm", "gru"], [0, 0.4]) func aWindowIsItsSteps(_ cell: String, _ rate: Double) {
    var layout = Layout()
    let width = Self.width
    func core(_ name: String, in inputs: Int) -> DroppedInput {
      DroppedInput(
        cell == "lstm"
          ? LSTMCell(name: name, in: inputs, width: width, stateDropout: rate, layout: &layout)
          : GRUCell(name: name, in: inputs, width: width, stateDropout: rate, layout: &layout), rate: rate)
    }
    let stack = RecurrentStack([core("0", in: 3), core("1", in: width)])
    let parameters = FlatBuffer("parameters", layout)
    stack.initialize(parameters, seed: 2)
    let views = ParameterViews(parameters)
    func pass(_ step: Int) -> Pass {
      Pass(.given(views), key: RandomKey(seed: 4).at(tensor: UInt32(1000 * step)), examples: [3, 8])
    }
    let x = Tensor.normal(RandomKey(seed: 9), rows: Array(0..<10), columns: 3)
    var state = Tensor.normal(RandomKey(seed: 10), rows: [0, 1], columns: stack.stateWidth)
    let (outputs, last) = stack.unrolled(over: x, steps: 5, from: state) { pass($0) }
    for step in 0..<5 {
      let (output, next) = stack(x.rows(2 * step..<2 * step + 2), state, pass(step))
      state = next
      #expect(zip(output.values, outputs.rows(2 * step..<2 * step + 2).values).allSatisfy { abs($0 - $1) < 1e-6 })
    }
    #expect(zip(state.values, last.values).allSatisfy { abs($0 - $1) < 1e-6 })
  }
}
