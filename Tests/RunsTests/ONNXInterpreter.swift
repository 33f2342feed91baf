import Foundation

/// What the operators of an ONNX file compute (https://onnx.ai/onnx/operators, opset 17), written plainly: as far as
/// exports use them, images of square windows with equal strides.
struct ONNXInterpreter {
  let graph: ONNXReader

  /// The outputs by their names.
  func callAsFunction(_ inputs: Numbers...) -> [String: Numbers] {
    var known = graph.tensors
    for (name, x) in zip(graph.inputs, inputs) { known[name] = x }
    for node in graph.nodes {
      precondition(node.outputs.allSatisfy { known[$0] == nil }, "\(node.outputs) is made twice")
      // Of a pooling with two results the second is wanted, where the maxima lie.
      known[node.outputs.last!] = run(node, node.inputs.map { $0.isEmpty ? Numbers([0], []) : known[$0]! })
    }
    return Dictionary(uniqueKeysWithValues: graph.outputs.map { ($0, known[$0]!) })
  }

  private func run(_ node: ONNXReader.Node, _ x: [Numbers]) -> Numbers {
    func integers(_ name: String) -> [Int] { node.attributes[name]!.integers }
    func list(_ index: Int) -> [Int] { x[index].values.map { Int($0) } }
    switch node.type {
    case "Identity": return x[0]
    case "Cast": return x[0]
    case "Greater": return x[0].combined(x[1]) { $0 > $1 ? 1 : 0 }
    case "Relu": return x[0].map { max($0, 0) }
    case "Tanh": return x[0].map(tanh)
    case "Sigmoid": return x[0].map { 1 / (1 + exp(-$0)) }
    case "Softplus": return x[0].map { $0 > 30 ? $0 : log1p(exp($0)) }
    case "Elu": return x[0].map { $0 > 0 ? $0 : expm1($0) }
    case "Erf": return x[0].map(erf)
    case "Exp": return x[0].map(exp)
    case "Log": return x[0].map(log)
    case "Sqrt": return x[0].map { $0.squareRoot() }
    case "LeakyRelu":
      let slope = Double(node.attributes["alpha"]!.float)
      return x[0].map { $0 > 0 ? $0 : slope * $0 }
    case "Clip": return x[0].map { min(max($0, x[1].values[0]), x[2].values[0]) }
    case "Add": return x[0].combined(x[1], +)
    case "Sub": return x[0].combined(x[1], -)
    case "Mul": return x[0].combined(x[1], *)
    case "Div": return x[0].combined(x[1], /)
    case "Gemm":
      return Numbers([x[0].shape[0], x[1].shape[0]]) { place in
        (0..<x[0].shape[1]).reduce(x.count > 2 ? x[2].values[place[1]] : 0) {
          $0 + x[0][[place[0], $1]] * x[1][[place[1], $1]]
        }
      }
    case "MatMul":
      return Numbers([x[0].shape[0], x[1].shape[1]]) { place in
        (0..<x[0].shape[1]).reduce(0) { $0 + x[0][[place[0], $1]] * x[1][[$1, place[1]]] }
      }
    case "Reshape":
      var shape = list(1).enumerated().map { $0.element == 0 ? x[0].shape[$0.offset] : $0.element }
      if let open = shape.firstIndex(of: -1) {
        shape[open] = x[0].values.count / shape.reduce(1) { $1 == -1 ? $0 : $0 * $1 }
      }
      return Numbers(shape, x[0].values)
    case "Transpose":
      let axes = integers("perm")
      return Numbers(axes.map { x[0].shape[$0] }) { place in x[0][axes.indices.map { place[axes.firstIndex(of: $0)!] }]
      }
    case "Slice":
      let (first, last, axis) = (list(1)[0], list(2)[0], list(3)[0])
      var shape = x[0].shape
      shape[axis] = last - first
      return Numbers(shape) { place in x[0][place.enumerated().map { $0.element + ($0.offset == axis ? first : 0) }] }
    case "Concat":
      let axis = node.attributes["axis"]!.integer
      var shape = x[0].shape
      shape[axis] = x.reduce(0) { $0 + $1.shape[axis] }
      return Numbers(shape) { place in
        var place = place
        for part in x {
          if place[axis] < part.shape[axis] { return part[place] }
          place[axis] -= part.shape[axis]
        }
        return .nan
      }
    case "ReduceSum": return sum(x[0], list(1))
    case "ReduceMean":
      let axes = integers("axes")
      let count = Double(axes.reduce(1) { $0 * x[0].shape[$1] })
      return sum(x[0], axes).map { $0 / count }
    case "Squeeze": return Numbers(Array(x[0].shape.dropFirst()), x[0].values)
    case "Unsqueeze": return Numbers([1] + x[0].shape, x[0].values)
    case "Softmax":
      let powers = x[0].map(exp)
      return powers.combined(sum(powers, [powers.shape.count - 1]), /)
    case "ArgMin":
      let width = x[0].shape.last!
      return Numbers(
        x[0].shape.dropLast(),
        stride(from: 0, to: x[0].values.count, by: width).map { start in
          let row = x[0].values[start..<(start + width)]
          return Double(row.firstIndex(of: row.min()!)! - start)
        })
    case "Gather":
      let width = x[0].shape[1]
      return Numbers(
        x[1].shape + [width], x[1].values.flatMap { x[0].values[(Int($0) * width)..<((Int($0) + 1) * width)] })
    case "Shape": return Numbers([x[0].shape.count], x[0].shape.map { Double($0) })
    case "Expand": return Numbers(list(1)) { x[0].broadcast($0) }
    case "BatchNormalization":
      let epsilon = Double(node.attributes["epsilon"]!.float)
      return Numbers(x[0].shape) { place in
        let channel = place[1]
        return (x[0][place] - x[3].values[channel]) / (x[4].values[channel] + epsilon).squareRoot()
          * x[1].values[channel] + x[2].values[channel]
      }
    case "Resize": return resized(x[0], by: Int(x[2].values[3]), isNearest: node.attributes["mode"]!.text == "nearest")
    case "MaxUnpool":
      var result = Numbers(list(2)) { _ in 0 }
      for (index, place) in x[1].values.enumerated() { result.values[Int(place)] = x[0].values[index] }
      return result
    case "Conv", "ConvTranspose", "MaxPool", "AveragePool": return windows(node, x)
    default: fatalError("there is no operator \(node.type)")
    }
  }

  private func sum(_ x: Numbers, _ axes: [Int]) -> Numbers {
    var result = Numbers(x.shape.enumerated().map { axes.contains($0.offset) ? 1 : $0.element }) { _ in 0 }
    for (index, place) in Numbers.places(x.shape).enumerated() {
      let target = zip(result.shape, place).reduce(0) { $0 * $1.0 + ($1.0 == 1 ? 0 : $1.1) }
      result.values[target] += x.values[index]
    }
    return result
  }

  private func resized(_ x: Numbers, by factor: Int, isNearest: Bool) -> Numbers {
    Numbers([x.shape[0], x.shape[1], x.shape[2] * factor, x.shape[3] * factor]) { place in
      if isNearest { return x[[place[0], place[1], place[2] / factor, place[3] / factor]] }
      func weights(_ axis: Int) -> [(Int, Double)] {
        let source = max((Double(place[axis]) + 0.5) / Double(factor) - 0.5, 0)
        let (low, most) = (Int(source), x.shape[axis] - 1)
        return [(low, 1 - source + Double(low)), (min(low + 1, most), source - Double(low))]
      }
      return weights(2).reduce(0) { sum, row in
        weights(3).reduce(sum) { $0 + row.1 * $1.1 * x[[place[0], place[1], row.0, $1.0]] }
      }
    }
  }

  private func windows(_ node: ONNXReader.Node, _ x: [Numbers]) -> Numbers {
    let (size, stride) = (node.attributes["kernel_shape"]!.integers[0], node.attributes["strides"]!.integers[0])
    let pads = node.attributes["pads"]!.integers
    let dilation = node.attributes["dilations"]?.integers[0] ?? 1
    let (images, reach) = (x[0], dilation * (size - 1) + 1)
    func extent(_ axis: Int) -> Int {
      node.type == "ConvTranspose"
        ? (images.shape[2 + axis] - 1) * stride - pads[axis] - pads[2 + axis] + reach
          + node.attributes["output_padding"]!.integers[axis]
        : (images.shape[2 + axis] + pads[axis] + pads[2 + axis] - reach) / stride + 1
    }
    let filters =
      switch node.type {
      case "Conv": x[1].shape[0]
      case "ConvTranspose": x[1].shape[1]
      default: images.shape[1]
      }
    let taps = Numbers.places([size, size])
    return Numbers([images.shape[0], filters, extent(0), extent(1)]) { place in
      var greatestPlace = 0
      var (sum, greatest) = (x.count > 2 ? x[2].values[place[1]] : 0, -Double.infinity)
      for tap in taps {
        var source = [place[0], place[1], 0, 0]
        var isInside = true
        for axis in 0..<2 {
          var position = place[2 + axis] * stride - pads[axis] + tap[axis] * dilation
          if node.type == "ConvTranspose" {
            let shifted = place[2 + axis] + pads[axis] - tap[axis] * dilation
            position = shifted % stride == 0 && shifted >= 0 ? shifted / stride : -1
          }
          isInside = isInside && position >= 0 && position < images.shape[2 + axis]
          source[2 + axis] = position
        }
        guard isInside else { continue }
        switch node.type {
        case "MaxPool":
          guard images[source] > greatest else { continue }
          greatest = images[source]
          greatestPlace = zip(images.shape, source).reduce(0) { $0 * $1.0 + $1.1 }
        case "AveragePool": sum += images[source] / Double(size * size)
        default:
          for channel in 0..<images.shape[1] {
            source[1] = channel
            let weight = node.type == "Conv" ? [place[1], channel] : [channel, place[1]]
            sum += images[source] * x[1][weight + tap]
          }
        }
      }
      guard node.type == "MaxPool" else { return sum }
      return node.outputs.count > 1 ? Double(greatestPlace) : greatest
    }
  }
}
