import Computations
import Files
import Foundation
import Recipes
import Reports
import Tensors
import Training

extension Run {
  /// Writes the model for others, in the form that the path's name says: `NAME.elbo`, the model as one file; `NAME.onnx`,
  /// its networks as ONNX; otherwise a folder with a PyTorch module and safetensors files that it loads.
  ///
  /// ```swift
  /// try Run(opening: "runs/bbb").export(to: "bbb.elbo")
  /// let model = try Run(opening: "bbb.elbo")
  /// try model.export(to: "bbb.onnx", draws: 50)
  /// ```
  ///
  /// Networks take and give numbers in the units of the data. They have no noise: dropout is off, and weights with a
  /// posterior are at its mean, or so many draws of them. Of a model of several networks each is an ONNX file of its own:
  /// `NAME.encoder.onnx`. A recurrent network is one step: a token and the state before it, to logits and the next state; the
  /// tokens' names lie in the file's metadata or in `vocabulary.json`.
  ///
  /// - Parameters:
  ///   - path: the file or folder to write.
  ///   - draws: how many draws of the weights to compute side by side, the samples that `predict` takes of the seed; nil:
  ///     the network at the posterior's mean.
  ///   - seed: of the draws.
  /// - Returns: what was written, folders without what is in them.
  /// - Throws: `TrainingError` or `RecipeError` when the model has no networks, or one that others do not know.
  @discardableResult
  public func export(to path: String, draws: Int? = nil, seed: UInt64 = 0) throws -> [String] {
    if path.hasSuffix(ModelFile.fileExtension) {
      guard draws == nil else {
        throw RecipeError("--draws: a file NAME.elbo holds the posterior itself; leave it out")
      }
      try ModelFile.write(
        path, job.learner, state: checkpoint.state, schema: schema, recipe: job.resolvedRecipe,
        calibration: calibration().map { String(decoding: try $0.json, as: UTF8.self) })
      return [path]
    }
    let computations = try computations(draws: draws, seed: seed)
    return path.hasSuffix(Run.onnxExtension)
      ? try writeONNX(computations, to: path, draws: draws, seed: seed) : try writeTorch(computations, to: path)
  }

  private static let onnxExtension = ".onnx"
  /// Names of what is not written, though it sounds like it.
  private static let otherExtensions = [".pt", ".pth", ".pkl", ".safetensors", ".h5", ".npz", ".zip", ".json", ".py"]

  private func computations(draws: Int?, seed: UInt64) throws -> [Computation] {
    guard draws.map({ (1...10_000).contains($0) }) ?? true else {
      throw RecipeError("draws is \(draws!): it must be from 1 to 10000")
    }
    guard let export = job.learner.offers.export else {
      throw TrainingError(
        .unsuitable, "a \(model) is not exported as a network",
        advice: "export it to a file NAME.elbo, which is a safetensors file whose tensors have PyTorch's names")
    }
    return try export(ExportRequest(draws: draws, seed: seed), crew())
  }

  // MARK: ONNX

  private func writeONNX(
    _ computations: [Computation], to path: String, draws: Int?, seed: UInt64
  ) throws -> [String] {
    let stem = path.dropLast(Run.onnxExtension.count)
    let files = try computations.map { computation in
      guard ONNXFile.tensorBytes(computation) < ONNXFile.longest - 1 << 24 else {
        throw TrainingError(
          .unsuitable, "\(path): the \(computation.name) has more than the 2 GB that an ONNX file can hold",
          advice: "export to a folder, for PyTorch, or to a file NAME.elbo")
      }
      let name = computations.count == 1 ? path : "\(stem).\(computation.name)\(Run.onnxExtension)"
      let file = ONNXFile(
        computation, producer: ("elbo", Version.elbo), metadata: metadata(computation, draws: draws, seed: seed))
      return (name, file)
    }
    for (name, file) in files {
      try AtomicFile.write(name) { (output) throws(FileError) in
        for piece in file.pieces { try output.append(piece) }
      }
    }
    return files.map(\.0)
  }

  /// What a file says of its model, in the order of its keys.
  private func metadata(_ computation: Computation, draws: Int?, seed: UInt64) -> [(key: String, value: String)] {
    func list(_ texts: [String]) -> String? { texts.isEmpty ? nil : Run.list(texts) }
    let entries: [(String, String?)] = [
      ("elbo.classes", list(schema.classes?.names ?? [])), ("elbo.columns", list(schema.columns)),
      ("elbo.draws", draws.map(String.init)), ("elbo.model", model), ("elbo.network", computation.name),
      ("elbo.parameters_sha256", parametersSHA256), ("elbo.seed", draws.map { _ in String(seed) }),
      ("elbo.step", String(step)), ("elbo.target", schema.targetName),
      ("elbo.vocabulary", list(schema.vocabulary ?? [])),
    ]
    return entries.compactMap { key, value in value.map { (key, $0) } }
  }

  private static func list(_ texts: [String]) -> String {
    "[" + texts.map(JSONText.string).joined(separator: ",") + "]"
  }

  // MARK: PyTorch

  private func writeTorch(_ computations: [Computation], to path: String) throws -> [String] {
    if let known = Run.otherExtensions.first(where: path.hasSuffix) {
      throw RecipeError(
        "\(path): files NAME\(known) are not written; name a file .elbo or .onnx, or a folder for PyTorch")
    }
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw RecipeError("\(path): the folder cannot be made; name another")
    }
    for computation in computations {
      try SafeTensors.write(
        "\(path)/\(TorchModule.tensorFile(of: computation))", plain: [Run.buffer(computation.constants)])
    }
    if let vocabulary = schema.vocabulary {
      try AtomicFile.write("\(path)/vocabulary.json", Run.list(vocabulary) + "\n")
    }
    try AtomicFile.write("\(path)/model.py", TorchModule.text(computations))
    return [path]
  }

  private static func buffer(_ constants: [Computation.Constant]) -> FlatBuffer {
    var layout = Layout()
    let slots = constants.map { layout.add($0.name, Shape($0.shape)) }
    let buffer = FlatBuffer("tensors", layout)
    for (slot, constant) in zip(slots, constants) { _ = buffer.float32[slot.range].update(from: constant.values) }
    return buffer
  }
}
