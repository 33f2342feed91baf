import Tensors

/// A layer as PyTorch would compute it in prediction: an expression in `x`, channels last, in which `self[name]` is a
/// tensor of the safetensors file beside the module, `conv`, `conv_transpose` and the like are functions of the
/// module's head (`torchHead`).
public protocol TorchExportable: Layer {
  var torch: String { get }
}

/// The head of a generated module: what its expressions use.
public let torchHead = """
  import pathlib

  import torch
  import torch.nn.functional as F
  from safetensors.torch import load_file


  def conv(x, weight, bias, **geometry):
      return F.conv2d(x.permute(0, 3, 1, 2), weight, bias, **geometry).permute(0, 2, 3, 1)


  def conv_transpose(x, weight, bias, **geometry):
      return F.conv_transpose2d(x.permute(0, 3, 1, 2), weight, bias, **geometry).permute(0, 2, 3, 1)


  def upsample(x, factor, **mode):
      return F.interpolate(x.permute(0, 3, 1, 2), scale_factor=factor, **mode).permute(0, 2, 3, 1)


  def normalise(x, mean, variance, epsilon):
      return (x - mean) / torch.sqrt(variance + epsilon)


  def own_moments(x, axes):
      return x.mean(axes, keepdim=True), x.var(axes, correction=0, keepdim=True)


  def spectral(weight, u):
      matrix = weight.flatten(1)
      v = F.normalize(u @ matrix, dim=0)
      return weight / (u @ matrix @ v)


  def append_deviation(x):
      deviation = torch.sqrt(x.var(0, correction=0) + 1e-8).mean()
      return torch.cat([x, deviation.expand(*x.shape[:-1], 1)], -1)


  """

private func python(_ text: String) -> String { "\"" + text + "\"" }
private func tensor(_ slot: Slot?) -> String { slot.map { "self[\(python($0.name))]" } ?? "None" }

extension LayerStack {
  /// A module's forward pass, a line a layer; nil when a layer has no counterpart.
  public var torchLines: [String]? {
    let lines = layers.map { ($0 as? any TorchExportable)?.torch }
    return lines.contains(nil) ? nil : lines.compactMap { $0 }.filter { $0 != "x" }.map { "x = \($0)" }
  }
}

extension Nonlinearity {
  func torch(_ x: String) -> String {
    switch self {
    case .identity: x
    case .relu: "torch.relu(\(x))"
    case .tanh: "torch.tanh(\(x))"
    case .sigmoid: "torch.sigmoid(\(x))"
    case .leakyReLU(let slope): "F.leaky_relu(\(x), \(slope))"
    case .softplus: "F.softplus(\(x))"
    case .elu: "F.elu(\(x))"
    case .gelu: "F.gelu(\(x))"
    case .silu: "F.silu(\(x))"
    }
  }
}

extension Dense: TorchExportable {
  public var torch: String { activation.torch("F.linear(x.flatten(1), \(tensor(weight)), \(tensor(bias)))") }
}

extension SpectralDense: TorchExportable {
  public var torch: String {
    "F.linear(x.flatten(1), spectral(\(tensor(dense.weight)), \(tensor(spectral.direction))), \(tensor(dense.bias)))"
  }
}

extension Elementwise: TorchExportable {
  public var torch: String { function.torch("x") }
}

extension Reshaped: TorchExportable {
  public var torch: String { "x.reshape(-1, \(shape.map(String.init).joined(separator: ", ")))" }
}

extension Dropout: TorchExportable {
  public var torch: String { "x" }
}

extension BatchNormalization: TorchExportable {
  public var torch: String {
    "normalise(x, \(tensor(runningMean)), \(tensor(runningVariance)), \(epsilon)) * \(tensor(weight)) + \(tensor(bias))"
  }
}

extension LayerNormalization: TorchExportable {
  public var torch: String {
    "normalise(x, *own_moments(x, tuple(range(1, x.dim()))), \(epsilon)) * \(tensor(weight)) + \(tensor(bias))"
  }
}

extension PixelNormalization: TorchExportable {
  public var torch: String { "x / torch.sqrt(x.square().mean(-1, keepdim=True) + \(epsilon))" }
}

extension MinibatchDeviation: TorchExportable {
  public var torch: String { "append_deviation(x)" }
}

extension Convolution2D: TorchExportable {
  public var torch: String {
    let stored = tensor(weight)
    let weight = spectral.map { "spectral(\(stored), \(tensor($0.direction)))" } ?? stored
    return "conv(x, \(weight), \(tensor(bias)), stride=\(stride), padding=\(padding), dilation=\(dilation))"
  }
}

extension TransposedConvolution2D: TorchExportable {
  public var torch: String {
    "conv_transpose(x, \(tensor(weight)), \(tensor(bias)), stride=\(stride), padding=\(padding), "
      + "output_padding=\(outputPadding), dilation=\(dilation))"
  }
}

extension Upsampling: TorchExportable {
  public var torch: String {
    "upsample(x, \(factor), mode=\"\(kind.rawValue)\"" + (kind == .bilinear ? ", align_corners=False)" : ")")
  }
}
