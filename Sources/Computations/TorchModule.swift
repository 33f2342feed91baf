/// A Python file whose classes compute in PyTorch what computations say, each with a safetensors file beside it.
public enum TorchModule {
  /// What the file of a computation's tensors is called.
  public static func tensorFile(of computation: Computation) -> String { computation.name + ".safetensors" }

  /// The file, with a class for each computation: `Generator` for `generator`.
  public static func text(_ computations: [Computation]) -> String {
    let head = """
      import pathlib

      import torch
      import torch.nn.functional as F
      from safetensors.torch import load_file


      class Network(torch.nn.Module):
          \"""Tensors of a file under their names; those of the data, such as inputs/mean, are not learned.\"""

          def __init__(self, path):
              super().__init__()
              for name, value in load_file(path).items():
                  self.register_parameter(self._attribute(name), torch.nn.Parameter(value, "/" not in name))

          @staticmethod
          def _attribute(name):
              return name.replace(".", "_").replace("/", "_")

          def __getitem__(self, name):
              return getattr(self, self._attribute(name))


      """
    return head + computations.map { "\n" + type($0) }.joined(separator: "\n")
  }

  private static func type(_ computation: Computation) -> String {
    let title = computation.name.prefix(1).uppercased() + computation.name.dropFirst()
    let scope = Scope(inputs: computation.inputs.map { ($0.value, $0.name) }, isRepeated: false)
    let results = computation.outputs.map { ($0.name, scope.name($0.value)) }
    let returned =
      results.count == 1
      ? results[0].1 : "{" + results.map { "\(quoted($0.0)): \($0.1)" }.joined(separator: ", ") + "}"
    var text = """
      class \(title)(Network):
          \"""\(computation.summary)\"""

          def __init__(self, path=pathlib.Path(__file__).with_name(\(quoted(tensorFile(of: computation))))):
              super().__init__(path)

      """
    for case .repeated(let repetition) in computation.block.steps.map(\.operation) {
      let inner = Scope(inputs: [(repetition.input, "x")], isRepeated: true)
      text += function(
        "\(repetition.name)(self, x, prefix)", repetition.block, inner, returning: inner.name(repetition.result))
    }
    return text
      + function(
        "forward(self, \(computation.inputs.map(\.name).joined(separator: ", ")))", computation.block, scope,
        returning: returned)
  }

  private static func function(
    _ head: String, _ block: Block, _ scope: Scope, returning returned: String
  ) -> String {
    let lines = block.steps.map { "\(scope.name($0.result)) = \(scope.expression($0))" } + ["return \(returned)"]
    return "\n    def \(head):\n" + lines.map { "        \($0)\n" }.joined()
  }

  fileprivate static func quoted(_ text: String) -> String { "\"" + text + "\"" }
}

/// What values and tensors are called in a function.
private struct Scope {
  let inputs: [(value: Value, name: String)]
  /// Whether the names of tensors have a prefix, which the function is given.
  let isRepeated: Bool

  func name(_ value: Value) -> String { inputs.first { $0.value == value }?.name ?? "x\(value.number)" }

  private func text(_ operand: Operand) -> String {
    switch operand {
    case .value(let value): name(value)
    case .tensor(let tensor):
      "self[" + (isRepeated && !tensor.isShared ? "prefix + " : "") + TorchModule.quoted(tensor.name) + "]"
    case .number(let number): "\(number)"
    }
  }

  func expression(_ step: Block.Step) -> String {
    let operands = step.operands.map(text)
    let x = operands[0]
    let all = operands.joined(separator: ", ")
    switch step.operation {
    case .linear: return "F.linear(\(all))"
    case .product: return operands.joined(separator: " @ ")
    case .convolution(let geometry):
      return "F.conv2d(\(all), stride=\(geometry.stride), padding=\(geometry.padding[0]), "
        + "dilation=\(geometry.dilation))"
    case .transposedConvolution(let geometry):
      return "F.conv_transpose2d(\(all), stride=\(geometry.stride), padding=\(geometry.padding[0]), "
        + "output_padding=(\(geometry.outputPadding[0]), \(geometry.outputPadding[1])), dilation=\(geometry.dilation))"
    case .function(let function): return expression(function, x)
    case .leakyReLU(let slope): return "F.leaky_relu(\(x), \(slope))"
    case .clamp(let range): return "\(x).clamp(\(range.lowerBound), \(range.upperBound))"
    case .add: return operands.joined(separator: " + ")
    case .subtract: return operands.joined(separator: " - ")
    case .multiply: return operands.joined(separator: " * ")
    case .divide: return operands.joined(separator: " / ")
    case .float: return "\(x).float()"
    case .reshape(let shape): return "\(x).reshape(\(list(shape)))"
    case .permute(let axes): return "\(x).permute(\(list(axes)))"
    case .slice(let axis, let range): return "\(x).narrow(\(axis), \(range.lowerBound), \(range.count))"
    case .join(let axis): return "torch.cat([\(all)], \(axis))"
    case .mean(let axes): return "\(x).mean((\(list(axes)),), keepdim=True)"
    case .sum(let axes): return "\(x).sum((\(list(axes)),), keepdim=True)"
    case .squeeze: return "\(x).squeeze(0)"
    case .unsqueeze: return "\(x).unsqueeze(0)"
    case .softmax: return "\(x).softmax(-1)"
    case .placeOfLeast: return "\(x).argmin(-1)"
    case .rows: return "\(x)[\(operands[1])]"
    case .maximumPooling(let geometry):
      let sides = geometry.padding
      let padded = "F.pad(\(x), (\(sides[1]), \(sides[3]), \(sides[0]), \(sides[2])), value=float(\"-inf\"))"
      return "F.max_pool2d(\(sides == [0, 0, 0, 0] ? x : padded), \(geometry.size), \(geometry.stride))"
    case .poolingPlaces(let geometry):
      // Where windows stand out over the edge, PyTorch leaves out the same ones.
      let mode = "padding=\(geometry.padding[0]), ceil_mode=True, return_indices=True"
      return "F.max_pool2d(\(x), \(geometry.size), \(geometry.stride), \(mode))[1]"
    case .unpooling(let geometry):
      return "F.max_unpool2d(\(x), \(operands[1]), \(geometry.size), \(geometry.stride), \(geometry.padding[0]), "
        + "\(operands[2]).shape)"
    case .averagePooling(let geometry):
      return "F.avg_pool2d(\(x), \(geometry.size), \(geometry.stride), \(geometry.padding[0]))"
    case .upsampling(let factor, let isBilinear):
      let mode = isBilinear ? "\"bilinear\", align_corners=False" : "\"nearest\""
      return "F.interpolate(\(x), scale_factor=\(factor), mode=\(mode))"
    case .batchNormalization(let epsilon):
      return "F.batch_norm(\(x), \(operands[3]), \(operands[4]), \(operands[1]), \(operands[2]), eps=\(epsilon))"
    case .expand: return "\(x).expand_as(\(operands[1]))"
    case .repeated(let repetition):
      let name = repetition.name
      return "torch.stack([self.\(name)(\(x), f\"\(name).{number}.\") for number in range(\(repetition.count))])"
    }
  }

  private func expression(_ function: Operation.Function, _ x: String) -> String {
    switch function {
    case .relu: "torch.relu(\(x))"
    case .tanh: "torch.tanh(\(x))"
    case .sigmoid: "torch.sigmoid(\(x))"
    case .softplus: "F.softplus(\(x))"
    case .elu: "F.elu(\(x))"
    case .erf: "torch.erf(\(x))"
    case .exp: "torch.exp(\(x))"
    case .log: "torch.log(\(x))"
    case .squareRoot: "torch.sqrt(\(x))"
    case .isPositive: "(\(x) > 0).float()"
    }
  }

  private func list(_ numbers: [Int]) -> String { numbers.map(String.init).joined(separator: ", ") }
}
