import Foundation
import Testing

/// Something asked for that cannot be done, and what the one line about it must say.
struct Mistake: Sendable, CustomTestStringConvertible {
  let name: String
  let words: [String]
  /// Prepares the workspace and returns the arguments.
  let arguments: @Sendable (Workspace) throws -> [String]

  var testDescription: String { name }

  init(_ name: String, says words: String..., arguments: @escaping @Sendable (Workspace) throws -> [String]) {
    self.name = name
    self.words = words
    self.arguments = arguments
  }

  /// A training of the VAE with other options.
  static func training(_ name: String, _ options: String..., says words: String...) -> Mistake {
    Mistake(name, words: words) { $0.training("vae", out: "run", options) }
  }

  /// A training on a file of the data set that is replaced by another.
  static func data(
    _ name: String, _ file: String, says words: String..., bytes: @escaping @Sendable () -> [UInt8]
  ) -> Mistake {
    Mistake(name, words: [file] + words) { workspace in
      try workspace.write("data/\(file)", bytes())
      return workspace.training("vae", out: "run")
    }
  }

  init(_ name: String, words: [String], arguments: @escaping @Sendable (Workspace) throws -> [String]) {
    (self.name, self.words, self.arguments) = (name, words, arguments)
  }
}

extension CommandTests {
  @Suite("What was asked wrongly is said in one line, with exit status 2, and leaves nothing behind")
  struct MistakeTests {
    static let inData: [Mistake] = [
      .training("data that is not there", "--data", "/nonexistent/data", says: "/nonexistent/data"),
      .init("a folder without the files", says: "train-images-idx3-ubyte") { workspace in
        try FileManager.default.removeItem(atPath: workspace["data/train-images-idx3-ubyte"])
        return workspace.training("vae", out: "run")
      },
      .init("a gzip file that is cut off", says: "train-images-idx3-ubyte.gz") { workspace in
        let whole = IDX.images(Workspace.trainCount, side: Workspace.side)
        try FileManager.default.removeItem(atPath: workspace["data/train-images-idx3-ubyte"])
        // A gzip header, and a stored block (RFC 1951, 3.2.4) that ends early.
        let length = UInt16(whole.count)
        let head: [UInt8] = [
          0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 1, UInt8(length & 0xFF), UInt8(length >> 8), UInt8(~length & 0xFF),
          UInt8(~length >> 8),
        ]
        try workspace.write("data/train-images-idx3-ubyte.gz", head + whole.dropLast(100))
        return workspace.training("vae", out: "run")
      },
      .data("fewer bytes than the header says", "train-images-idx3-ubyte") {
        Array(IDX.images(Workspace.trainCount, side: Workspace.side).dropLast(1))
      },
      .data("more bytes than the header says", "t10k-images-idx3-ubyte") {
        IDX.images(Workspace.testCount, side: Workspace.side) + [0]
      },
      .data("extents whose product overflows", "train-images-idx3-ubyte") {
        IDX.file(extents: [0xFFFF_FFFF, 0xFFFF_FFFF, 0xFFFF_FFFF], [1, 2, 3])
      },
      .data("no IDX file", "train-images-idx3-ubyte") { Array("P5 28 28 255\n".utf8) },
      .data("an empty file", "train-images-idx3-ubyte") { [] },
      .data("labels of another count", "train-labels-idx1-ubyte", says: "\(Workspace.trainCount)", "59") {
        IDX.labels(59)
      },
      .init("test images of another size", says: "6×6", "5×5") { workspace in
        try workspace.write("data/t10k-images-idx3-ubyte", IDX.images(Workspace.testCount, side: 5))
        return workspace.training("vae", out: "run")
      },
      .init("NaN in a table", says: "table.csv", "line 3", "'b'") { workspace in
        try workspace.write("table.csv", "a,b\n1,2\n3,nan\n5,6\n")
        return [
          "train", "vae", "--data", workspace["table.csv"], "--out", workspace["run"], "--set",
          "objective.likelihood=gaussian", "--set", "train.batch=2",
        ]
      },
    ]

    static let inRecipes: [Mistake] = [
      .init("a recipe that there is not", says: "vea", "vae", "elbo recipes") { ["train", "vea", "--out", $0["run"]] },
      .init("a recipe of another library", says: "gaussian-mixture", "gmm") {
        ["train", "gaussian-mixture", "--out", $0["run"]]
      },
      .init("a recipe file that is not there", says: "mine.yaml") { ["train", $0["mine.yaml"]] },
      .init("no recipe", says: "elbo train vae") { _ in ["train"] },
      .init("a recipe that is not YAML", says: "bad.yaml", "YAML") { workspace in
        try workspace.write("bad.yaml", "model: [vae\n")
        return ["train", workspace["bad.yaml"], "--out", workspace["run"]]
      },
      .init("a recipe without a model", says: "none.yaml", "model") { workspace in
        try workspace.write("none.yaml", "train:\n  epochs: 1\n")
        return ["train", workspace["none.yaml"], "--out", workspace["run"]]
      },
      .init("a recipe that is binary", says: "binary.yaml", "UTF-8") { workspace in
        try workspace.write("binary.yaml", [0xFF, 0xFE, 0x00, 0x80])
        return ["train", workspace["binary.yaml"], "--out", workspace["run"]]
      },
      .training("an unknown key", "--set", "train.bach=7", says: "train.bach", "train.batch"),
      .training("an unknown section", "--set", "optimiser.name=adam", says: "optimiser.name", "optimizer.name"),
      .training("an unknown choice", "--set", "network.activation=rellu", says: "rellu", "relu"),
      .training("an override without a value", "--set", "train.batch", says: "--set train.batch", "="),
      .training("a word for a number", "--set", "train.batch=many", says: "train.batch", "many"),
      .training("an infinite number", "--set", "optimizer.learning_rate=.inf", says: "optimizer.learning_rate"),
      .training("no latent dimension", "--set", "network.latent=0", says: "network.latent", "0"),
      .training("a hidden layer of size 0", "--set", "network.hidden=[0]", says: "network.hidden"),
      .training("a key of another library", "--set", "lr=0.1", says: "lr", "optimizer.learning_rate"),
      .training("a negative seed", "--seed", "-1", says: "--seed", "-1", "from 0"),
      .training("a negative number of steps", "--steps", "-1", says: "train.steps", "-1"),
      .training("more shards than examples in a step", "--shards", "21", says: "train.shards", "21", "20"),
      .training("no shards", "--shards", "0", says: "train.shards", "0"),
      .training("no lanes", "--lanes", "0", says: "--lanes", "0"),
      .training("no steps", "--steps", "0", says: "train.steps", "0"),
      .training("steps and epochs", "--steps", "5", "--epochs", "5", says: "train.steps", "train.epochs"),
      .training("numbers that overflow", "--steps", "99999999999999999999", says: "99999999999999999999"),
    ]

    static let inOutputs: [Mistake] = [
      .init("a run below a device", says: "/dev/null/run") { workspace in
        workspace.training("vae", out: "").map { $0 == workspace[""] ? "/dev/null/run" : $0 }
      },
      .init("a run where a file is", says: "taken") { workspace in
        try workspace.write("taken", "a file")
        return workspace.training("vae", out: "taken")
      },
      .init("a run that is no run", says: "data", "recipe.yaml") { ["train", "--resume", $0.data] },
      .init("a run that is not there", says: "nowhere") { ["evaluate", $0["nowhere"]] },
      .init("--out beside --resume", says: "--out", "--resume") {
        ["train", "--resume", $0["run"], "--out", $0["other"]]
      },
      .init("--from beside --resume", says: "--from", "--resume") {
        ["train", "vae", "--resume", $0["run"], "--from", $0["other"]]
      },
      .init("--from a run that is not there", says: "nowhere") {
        $0.training("vae", out: "run", "--from", $0["nowhere"])
      },
      .init("--freeze-discriminator without one", says: "objective.frozen_layers") {
        $0.training("vae", out: "run", "--freeze-discriminator", "1")
      },
      .init("seeds that run backwards", says: "--seeds", "600-605") {
        ["sample", $0["run"], "--seeds", "605-600", "--output", $0["grid.png"]]
      },
      .init("a seed below 0", says: "--walk", "85,265,600-605") {
        ["sample", $0["run"], "--walk", "-5,3", "--output", $0["grid.png"]]
      },
      .init("a great many seeds", says: "--seeds", "10000") {
        ["sample", $0["run"], "--seeds", "0-99999999999", "--output", $0["grid.png"]]
      },
      .init("no number to sweep", says: "--sweep", "0.5,1,2") {
        ["sample", $0["run"], "--sweep", "-1,,x", "--output", $0["grid.png"]]
      },
      .init("two choices of samples", says: "--walk", "--seeds", "exclude") {
        ["sample", $0["run"], "--seeds", "1", "--walk", "1,2", "--output", $0["grid.png"]]
      },
      .init("--count beside --seeds", says: "--count", "--seeds") {
        ["sample", $0["run"], "--seeds", "1", "--count", "3", "--output", $0["grid.png"]]
      },
      .init("--frames without a film", says: "--frames", "--walk") {
        ["sample", $0["run"], "--frames", "3", "--output", $0["grid.png"]]
      },
      .init("samples of nothing", says: "nowhere") { ["sample", $0["nowhere"], "--output", $0["grid.png"]] },
    ]

    @Test("In data, recipes and outputs", arguments: inData + inRecipes + inOutputs)
    func isSaid(_ mistake: Mistake) async throws {
      let workspace = try Workspace()
      let arguments = try mistake.arguments(workspace)
      let before = workspace.listing
      let outcome = try await Elbo.run(arguments)
      expectMistake(outcome, says: mistake.words)
      #expect(workspace.listing == before)
    }

    @Test(
      "An option that there is not",
      arguments: [["train", "--bach", "3"], ["trian"], ["train", "vae", "--seed", "x"]])
    func options(_ arguments: [String]) async throws {
      let outcome = try await Elbo.run(arguments)
      expectMistake(outcome, says: ["elbo --help"])
    }
  }
}

/// Checks that a process ended with status 2 and one line that says certain words.
func expectMistake(
  _ outcome: Elbo.Outcome, says words: [String], sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(outcome.status == .exited(2), "\(outcome.error)", sourceLocation: sourceLocation)
  #expect(outcome.output.isEmpty, sourceLocation: sourceLocation)
  #expect(
    outcome.error.hasPrefix("elbo: ") && outcome.error.hasSuffix("\n"), "\(outcome.error)",
    sourceLocation: sourceLocation)
  #expect(outcome.error.split(separator: "\n").count == 1, "\(outcome.error)", sourceLocation: sourceLocation)
  for word in words {
    #expect(outcome.error.contains(word), "\(word) is not in: \(outcome.error)", sourceLocation: sourceLocation)
  }
}

/// Expects that a mistake is reported in one line, and that nothing is left of it.
func expectRefused(_ mistake: Mistake, sourceLocation: SourceLocation = #_sourceLocation) async throws {
  let workspace = try Workspace()
  let arguments = try mistake.arguments(workspace)
  let before = workspace.listing
  expectMistake(try await Elbo.run(arguments), says: mistake.words, sourceLocation: sourceLocation)
  #expect(workspace.listing == before, sourceLocation: sourceLocation)
}
