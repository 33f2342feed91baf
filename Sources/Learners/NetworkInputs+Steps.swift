import Computations
import Datasets
import Networks
import Tensors

extension NetworkInputs {
  /// Examples as the data has them, in the shape of the data: an input of a computation.
  package func port(in block: inout Block) -> Computation.Port {
    Computation.Port(
      "x", block.input([Value.examples] + train.shape), train.kind == .uint8 ? .uint8 : .float32)
  }

  /// What becomes rows that a model sees, [n, width], of examples as the data has them. Where pixels are drawn by their
  /// grey values, they are these values.
  package func steps(_ port: Computation.Port, in block: inout Block) -> Value {
    let numbers = port.element == .uint8 ? block.float(port.value) : port.value
    var rows = block.reshape(numbers, to: [Value.examples, width])
    if train.kind == .uint8, normalization == .unit || binarisation == .dynamic {
      rows = block.multiply(rows, .number(1 / 255))
    }
    if normalization.usesColumns {
      rows = block.multiply(
        block.subtract(rows, scaling("mean", in: block)), scaling("inverse_deviation", in: block))
    }
    if binarisation == .threshold { rows = block.apply(.isPositive, to: block.subtract(rows, .number(0.5))) }
    return rows
  }

  /// What `restored` does, and the shape of the data.
  package func restoring(_ rows: Value, in block: inout Block) -> Value {
    var rows = rows
    if normalization.usesColumns {
      rows = block.add(block.divide(rows, scaling("inverse_deviation", in: block)), scaling("mean", in: block))
    }
    return block.reshape(rows, to: [Value.examples] + train.shape)
  }

  private func scaling(_ name: String, in block: Block) -> Operand {
    block.tensor("\(statistics[0].name)/\(name)", shape: [width], isShared: true)
  }

  /// The tensors that these steps name.
  package var constants: [Computation.Constant] { statistics.flatMap { $0.constants(prefix: $0.name + "/") } }
}
