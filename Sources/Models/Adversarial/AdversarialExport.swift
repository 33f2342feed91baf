import Networks
import Tensors
import Training

/// Both players for PyTorch: `generator.safetensors`, `discriminator.safetensors`, and a module that computes with
/// them what Elbo does in prediction. The generator is the moving average where there is one.
extension AdversarialLearner {
  func export(to folder: String) throws -> [RunDocument] {
    var modules: [String] = []
    for (name, player) in [("generator", generator), ("discriminator", discriminator)] {
      guard let lines = player.network.torchLines else {
        throw TrainingError(
          .unsuitable, "the \(name) has layers without a counterpart in PyTorch", advice: "use model.safetensors itself"
        )
      }
      let parameters = name == "generator" ? average?.parameters ?? player.parameters : player.parameters
      try SafeTensors.write("\(folder)/\(name).safetensors", plain: [parameters])
      modules.append(module(name, lines))
    }
    return [RunDocument(name: "model.py", contents: torchHead + "\n" + modules.joined(separator: "\n\n"))]
  }

  private func module(_ name: String, _ lines: [String]) -> String {
    let isGenerator = name == "generator"
    let title = isGenerator ? "Generator" : "Discriminator"
    let doc =
      isGenerator
      ? "Latent rows [n, \(codes.width)] -> examples [n, \(inputs.width)]" + (pixels ? ", in -1...1." : ".")
      : "Examples [n, \(inputs.width)]" + (pixels ? " in -1...1" : "")
        + " -> [n, \(1 + codes.outputs)]: the output, then readings of codes."
    return """
      class \(title)(torch.nn.Module):
          \"""\(doc)\"""

          def __init__(self, path=pathlib.Path(__file__).with_name("\(name).safetensors")):
              super().__init__()
              for name, value in load_file(path).items():
                  self.register_parameter(name.replace(".", "_"), torch.nn.Parameter(value))

          def __getitem__(self, name):
              return getattr(self, name.replace(".", "_"))

          def forward(self, x):
      \(lines.map { "        " + $0 }.joined(separator: "\n"))
              return x

      """
  }
}
