import Datasets
import Figures
import Files
import Foundation
import Learners
import Runs
import Tensors
import Testing
import Training

/// Exported ONNX files compute what Elbo does: they are read and carried out by the plain program beside this.
@Suite("Networks for other programs", .timeLimit(.minutes(5))) struct NetworkExportTests {
  /// Every layer that a list of layers can have.
  static let layers =
    "network.hidden=[pool max 3 round=up, conv 1 1, tanh, unpool, conv 3 3 padding=2 dilation=2, norm batch, relu, pool max 3 2 round=up, conv 4 3 2 padding=1, "
    + "leaky-relu, norm layer, upsample 2, norm instance, pool average 2, norm pixel, gelu, deconv 3 4 2 padding=1, "
    + "upsample 2 bilinear, pool average 3 2 padding=1, dense 8, softplus, dense 8, elu, dense 8, silu, dense 6, tanh, "
    + "dense 6, sigmoid]"

  /// Pictures of 8 × 8 bytes in three classes.
  private func pictures(_ files: borrowing Files) throws -> String {
    var archive = try NPZWriter(files["pictures.npz"])
    try archive.add("x", (0..<40 * 64).map { UInt8($0 * $0 % 251) }, shape: [40, 8, 8])
    try archive.add("y", (0..<40).map { Int64($0 % 3) }, shape: [40])
    try archive.finish()
    try NPY.write((0..<6 * 64).map { UInt8($0 * $0 % 241) }, shape: [6, 8, 8], to: files["x.npy"])
    return files["pictures.npz"]
  }

  private func table(_ files: borrowing Files) throws -> String {
    let rows = (0..<60).map { "\($0 % 7),\(100 * ($0 * $0 % 11)),\(3 * ($0 % 7) + $0 * $0 % 11)\n" }.joined()
    try files.write("table.csv", "a,b,y\n" + rows)
    return files["table.csv"]
  }

  private func trained(
    _ files: borrowing Files, _ model: String, _ source: String, _ settings: [String], out: String = "run"
  ) async throws -> Run {
    let recipe = try Recipe.named(model)
    recipe.set("data.source", text: source)
    if source.hasSuffix("csv") { try recipe.set("data.target=y") }
    let steps = model == "kmeans" ? [] : ["train.batch=10", "train.steps=12"]
    for setting in steps + ["data.test_fraction=0.2"] + settings { try recipe.set(setting) }
    try await Run.train(recipe, out: files[out])
    return try Run(opening: files[out])
  }

  private func outputs(_ path: String, _ x: Numbers, _ classes: Numbers? = nil) throws -> [String: Numbers] {
    let graph = ONNXReader(try InputFile.read(path))
    #expect(graph.version == 17 && graph.metadata["elbo.parameters_sha256"]?.count == 64)
    let interpreter = ONNXInterpreter(graph: graph)
    return classes.map { interpreter(x, $0) } ?? interpreter(x)
  }

  /// Compares all columns that a prediction and a file have in common.
  private func compare(_ found: [String: Numbers], _ wanted: Predictions, least: Int) {
    var compared = 0
    for (name, numbers) in found {
      guard let column = wanted[name] else { continue }
      compared += 1
      #expect(numbers.shape == column.shape)
      let scale = max(1, column.values.map(abs).max()!)
      let greatest = zip(numbers.values, column.values).map { abs($0 - $1) }.max()! / scale
      #expect(greatest <= 1e-5, "\(name) differs by \(greatest)")
    }
    #expect(compared >= least)
  }

  private static let classifiers: [(String, [String], Int?)] = [
    ("mlp", ["network.hidden=[8]"], nil), ("mlp", [layers], nil),
    ("mlp", ["network.hidden=[8]", "train.members=3"], nil),
    ("bbb", ["network.hidden=[conv 2 3, relu, 5]"], 4), ("ivon", ["network.hidden=[8]"], 4),
    ("langevin", ["network.hidden=[8]", "objective.keep=4"], 4),
    ("mc-dropout", ["network.hidden=[8]", "network.dropout=0", "network.input_dropout=0"], nil),
  ]

  @Test("A classifier's file says what predict says", arguments: classifiers)
  func classes(_ model: String, _ settings: [String], _ draws: Int?) async throws {
    let files = Files()
    let run = try await trained(files, model, pictures(files), settings)
    #expect(try run.export(to: files["model.onnx"], draws: draws, seed: 3) == [files["model.onnx"]])
    let inputs = try run.inputs(from: files["x.npy"])
    let x = inputs.withUnsafeBufferPointer(as: UInt8.self) { Numbers([6, 8, 8], $0.map { Double($0) }) }
    try compare(
      outputs(files["model.onnx"], x), run.predict(inputs, samples: .count(draws ?? 3), seed: 3),
      least: draws == nil ? 2 : 5)
  }

  private static let regressions: [(String, [String], Int?)] = [
    ("bbb-regression", ["network.hidden=[6]"], 5),
    ("bbb-regression", ["network.hidden=[6]", "objective.noise=heteroscedastic"], 3),
    ("mlp", ["network.hidden=[6]", "objective.noise=fixed", "objective.precision=0.5"], nil),
  ]

  @Test("So does a regression's, in the units of the data", arguments: regressions)
  func values(_ model: String, _ settings: [String], _ draws: Int?) async throws {
    let files = Files()
    let run = try await trained(files, model, table(files), settings)
    try run.export(to: files["model.onnx"], draws: draws)
    let inputs = try run.inputs(from: files["table.csv"])
    let x = Numbers([60, 2], (0..<120).map { inputs.number($0) })
    try compare(
      outputs(files["model.onnx"], x), run.predict(inputs, samples: .count(draws ?? 1)), least: draws == nil ? 3 : 4)
    let graph = ONNXReader(try InputFile.read(files["model.onnx"]))
    #expect(graph.metadata["elbo.columns"] == #"["a","b"]"# && graph.metadata["elbo.target"] == "y")
    #expect(graph.metadata["elbo.draws"] == draws.map(String.init) && graph.metadata["elbo.model"] == model)
  }

  private static let autoencoders: [(String, [String])] = [
    ("vae", ["network.hidden=[7]"]), ("autoencoder", ["network.hidden=[7]"]),
    ("vae", ["network.hidden=[conv 2 4 2 padding=1, relu]", "objective.likelihood=gaussian"]),
    ("vq-vae", ["network.hidden=[conv 3 4 2 padding=1, relu]", "network.codes=7", "network.code_width=2"]),
  ]

  @Test("Encoder and decoder restore what the figure of reconstructions shows", arguments: autoencoders)
  func restored(_ model: String, _ settings: [String]) async throws {
    let files = Files()
    let run = try await trained(
      files, model, pictures(files), settings + (model == "vq-vae" ? [] : ["network.latent=3"]))
    let written = try run.export(to: files["model.onnx"])
    #expect(written == [files["model.encoder.onnx"], files["model.decoder.onnx"]])
    let figures = try run.examined().learner.figures(with: run.crew(), key: RandomKey(seed: 0))
    guard case .images(let grid) = figures[0].content, case .float(let shown) = grid.samples else {
      Issue.record("there is no grid of images")
      return
    }
    // Eight test examples in a row of ten, and what was made of them in the next.
    let codes = try outputs(written[0], Numbers([8, 8, 8], shown[..<(8 * 64)].map { (Double($0) * 255).rounded() }))
    let made = try #require(outputs(written[1], codes["mean"] ?? codes["latent"] ?? codes["codes"]!)["mean"])
    let wanted = shown[(10 * 64)..<(18 * 64)]
    #expect(made.shape == [8, 8, 8] && zip(made.values, wanted).allSatisfy { abs($0 - Double($1)) <= 1e-5 })
  }

  private static let growing = ["network.channel_base=24", "network.minibatch_group=4"]
  private static let players: [(String, [String])] = [
    (
      "dcgan",
      [
        "network.filters=2", "network.discriminator_normalisation=spectral", "network.upsampling=bilinear",
        "network.hidden=5",
      ]
    ),
    (
      "dcgan",
      ["network.filters=2", "network.discriminator_normalisation=batch", "network.minibatch_deviation=true"]
    ),
    ("progressive-gan", growing),
    // It ends while the second size fades in.
    ("progressive-gan", growing + ["network.stable_examples=60", "network.fading_examples=80"]),
    ("stylegan", growing + ["network.style_width=5"]),
    ("stylegan", growing + ["network.style_width=5", "network.style=adain", "network.noise=false"]),
    ("stylegan", growing + ["network.style_width=5", "network.conditional=true"]),
    ("progressive-gan", growing + ["network.conditional=true"]),
  ]

  @Test("A generator makes the samples of their latent rows, and a discriminator their scores", arguments: players)
  func adversarial(_ model: String, _ settings: [String]) async throws {
    let files = Files()
    let run = try await trained(files, model, pictures(files), settings + ["network.latent=3"])
    let written = try run.export(to: files["model.onnx"])
    #expect(written == [files["model.generator.onnx"], files["model.discriminator.onnx"]])
    try await run.writeSamples(SampleOptions(count: 8), to: files["samples.npz"])
    let archive = try NPZ(files["samples.npz"])
    func numbers(_ name: String) throws -> Numbers {
      let array = try archive.examples(name)
      return array.withUnsafeBufferPointer(as: Float.self) { Numbers([8] + array.shape, $0.map { Double($0) }) }
    }
    let (latents, samples, scores) = try (numbers("latents"), numbers("samples"), numbers("scores"))
    let made = try #require(outputs(written[0], latents)["examples"])
    #expect(made.shape == samples.shape && zip(made.values, samples.values).allSatisfy { abs($0 - $1) <= 1e-5 })
    // The class of a row stands behind its noise.
    let classes =
      latents.shape[1] > 3 ? Numbers([8, 3]) { place in latents[[place[0], 3 + place[1]]] } : nil
    let found = try #require(outputs(written[1], samples, classes)["scores"])
    #expect(found.values.count == 8 && zip(found.values, scores.values).allSatisfy { abs($0 - $1) <= 1e-5 })
  }

  @Test("The same run gives the same bytes, with any number of lanes; other seeds give others") func bytes()
    async throws
  {
    let files = Files()
    try await Run.train(files.regression(steps: 3), out: files["run"])
    for (name, lanes, seed) in [("a", 1, 0), ("b", 3, 0), ("c", 2, 1)] as [(String, Int, UInt64)] {
      try Run(opening: files["run"], lanes: lanes).export(to: files["\(name).onnx"], draws: 3, seed: seed)
    }
    let all = try ["a", "b", "c"].map { try InputFile.read(files["\($0).onnx"]) }
    #expect(all[0] == all[1] && all[0] != all[2])
  }

  @Test("What others cannot compute is refused in one line, and nothing is written") func refusals() async throws {
    let files = Files()
    let source = try pictures(files)
    func refused(_ run: Run, _ path: String, draws: Int? = nil, _ words: String) {
      let error = #expect(throws: (any Error).self) { try run.export(to: path, draws: draws) }
      let text = error.map { "\($0)" } ?? ""
      #expect(text.contains(words) && !text.contains("\n"), "\(text)")
      #expect(!FileManager.default.fileExists(atPath: path), "\(path)")
    }
    let plain = try await trained(files, "mlp", source, ["network.hidden=[8]"])
    refused(plain, files["a.onnx"], draws: 4, "a plain network draws nothing")
    refused(plain, files["a.pt"], "name a file .elbo or .onnx, or a folder for PyTorch")
    refused(plain, files["a.elbo"], draws: 4, "holds the posterior itself")
    let noisy = try await trained(
      files, "mlp", source, ["network.hidden=[8]", "objective.class_noise=logits"], out: "noisy")
    refused(noisy, files["b.onnx"], "objective.class_noise is logits")
    let dropping = try await trained(files, "bbb", source, ["network.hidden=[8, dropout 0.5, 8]"], out: "dropping")
    refused(dropping, files["c.onnx"], draws: 4, "--draws: the network has dropout")
    refused(dropping, files["c.onnx"], draws: 0, "draws is 0")
    try dropping.export(to: files["mean.onnx"])
    let unpooled = try await trained(
      files, "mlp", source, ["network.hidden=[conv 2 1, pool max 3 2, unpool, 4]"], out: "unpooled")
    refused(unpooled, files["d.onnx"], "a pooling whose windows overlap")
    let exact = try await trained(files, "kmeans", source, ["network.clusters=2"], out: "exact")
    refused(exact, files["e.onnx"], "not exported as a network")
  }
}
