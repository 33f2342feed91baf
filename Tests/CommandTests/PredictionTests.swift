import Foundation
import Testing

/// Predictions, pruning and out-of-distribution detection, as users run them.
@Suite("Predictions of a run", .timeLimit(.minutes(15)))
struct PredictionTests {
  /// Version 1.0 of numpy's format: magic, version, the header's length, the header, the numbers.
  static func npy(_ type: String, _ shape: [Int], _ bytes: [UInt8]) -> [UInt8] {
    let extents = shape.map { "\($0)," }.joined(separator: " ")
    var header = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(extents)), }"
    header += String(repeating: " ", count: 63 - (10 + header.utf8.count) % 64) + "\n"
    let length = withUnsafeBytes(of: UInt16(header.utf8.count).littleEndian) { Array($0) }
    return [0x93] + Array("NUMPY".utf8) + [1, 0] + length + Array(header.utf8) + bytes
  }

  static func images(_ count: Int) -> [UInt8] {
    npy("|u1", [count, Workspace.side, Workspace.side], Array(IDX.images(count, side: Workspace.side).dropFirst(16)))
  }

  private static func trained(_ model: String, in workspace: Workspace) async throws {
    let outcome = try await Elbo.run(workspace.training(model, out: "run", "--epochs", "3"))
    try #require(outcome.status == .exited(0), "\(outcome.error)")
  }

  @Test(
    "One lane and two write the same archive, and a --limit too low for the tolerance is a warning",
    arguments: ["bbb", "mc-dropout", "mlp"])
  func predict(_ model: String) async throws {
    let workspace = try Workspace()
    try await Self.trained(model, in: workspace)
    try workspace.write("X.npy", Self.images(7))
    for lanes in 1...2 {
      let outcome = try await Elbo.run(
        "predict", workspace["run"], "--input", workspace["X.npy"], "--samples", "12", "--output",
        workspace["P\(lanes).npz"], "--lanes", "\(lanes)")
      #expect(outcome.status == .exited(0), "\(outcome.error)")
      #expect(outcome.output.contains("greatest standard error"))
    }
    let archive = try workspace.read("P1.npz")
    #expect(try workspace.read("P2.npz") == archive)
    let text = String(decoding: archive, as: Unicode.ASCII.self)
    let names: [String] = [
      "mean", "mean_error", "std", "quantiles", "quantile_levels", "entropy", "entropy_error", "expected_entropy",
      "expected_entropy_error", "mutual_information", "mutual_information_error", "samples",
    ]
    for name in names { #expect(text.contains(name + ".npy"), "\(name)") }

    // As many samples as the tolerance takes; too few of them are said.
    let few = try await Elbo.run(
      "predict", workspace["run"], "--input", workspace["X.npy"], "--samples", "auto", "--tolerance", "1e-9", "--limit",
      "70", "--output", workspace["P.npz"])
    #expect(few.status == .exited(0), "\(few.error)")
    #expect(few.error.contains("--limit") == (model != "mlp"), "\(few.error)")
  }

  @Test("`elbo prune` keeps the share requested, and evaluating its archive gives the metrics it reported")
  func prune() async throws {
    let workspace = try Workspace()
    try await Self.trained("bbb", in: workspace)
    let pruned = try await Elbo.run(
      "prune", workspace["run"], "--keep", "5%", "--output", workspace["pruned.npz"], "--json"
    ).json()
    let weights = try #require(pruned["prune/weights"] as? Double)
    let count = 36 * 16 + 16 + 16 * 4 + 4
    #expect(weights == Double(count))
    #expect(pruned["prune/kept"] as? Double == (0.05 * weights).rounded())
    let evaluated = try await Elbo.run(
      "evaluate", workspace["run"], "--pruned", workspace["pruned.npz"], "--json"
    ).json()
    #expect(evaluated.keys.contains("test/cls/Acc"))
    for (name, value) in evaluated where !name.hasPrefix("examples/") {
      let (one, other) = (value as? Double, pruned[name] as? Double)
      #expect(one == other, "\(name)")
    }
    let dense = try await Elbo.run("evaluate", workspace["run"], "--json").json()
    #expect(dense["test/cls/NLL"] as? Double != evaluated["test/cls/NLL"] as? Double)
  }

  @Test func outOfDistribution() async throws {
    let workspace = try Workspace()
    try await Self.trained("bbb", in: workspace)
    let metrics = try await Elbo.run(
      "evaluate", workspace["run"], "--ood", workspace.data, "--json"
    ).json()
    // The same data cannot be distinguished from itself.
    #expect(abs(try #require(metrics["ood/AUROC"] as? Double) - 0.5) < 1e-6)
    #expect(metrics.keys.contains("ood/AUPR") && metrics.keys.contains("ood/FPR95"))
  }

  @Test func ledgerOfTheComplexityCost() async throws {
    let workspace = try Workspace()
    try await Self.trained("bbb", in: workspace)
    let ledger = try #require(
      JSONSerialization.jsonObject(with: Data(try workspace.read("run/kl.json"))) as? [String: any Sendable])
    #expect(ledger["examples"] as? Int == Workspace.trainCount)
    #expect(ledger["batch"] as? Int == 20)
    #expect(ledger["kl_weight"] as? Double == 1)
    let tensors = try #require(ledger["tensors"] as? [[String: any Sendable]])
    #expect(
      tensors.map { $0["name"] as? String } == ["layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"])
    let sum = tensors.compactMap { $0["kl"] as? Double }.reduce(0, +)
    let whole = try #require(ledger["kl"] as? Double)
    #expect(abs(sum - whole) < 1e-6 * abs(sum))
  }

  /// A UCI set of 40 rows with two splits.
  @Test func benchmarkProtocol() async throws {
    let workspace = try Workspace()
    try FileManager.default.createDirectory(atPath: workspace["toy"], withIntermediateDirectories: true)
    let rows = (0..<40).map { row -> String in
      let target = 0.5 * Double(row % 7) - Double(row % 3)
      return "\(row % 7) \(row % 3) \(target)\n"
    }
    try workspace.write("toy/data.txt", rows.joined())
    try workspace.write("toy/index_features.txt", "0\n1\n")
    try workspace.write("toy/index_target.txt", "2\n")
    for split in 0...1 {
      let test = (0..<40).filter { $0 % 10 == split }
      try workspace.write("toy/index_test_\(split).txt", test.map { "\($0)\n" }.joined())
      try workspace.write(
        "toy/index_train_\(split).txt", (0..<40).filter { !test.contains($0) }.map { "\($0)\n" }.joined())
    }
    let arguments = [
      "train", "bbb-regression", "--protocol", "uci", "--data", workspace["toy"], "--epochs", "5", "--set",
      "train.batch=10", "--set", "evaluate.samples=10", "--grid", "objective.prior_deviation=0.5,1", "--quiet",
      "--json",
    ]
    let outcomes = try await [Elbo.run(arguments + ["--lanes", "1"]), Elbo.run(arguments + ["--lanes", "2"])]
    #expect(outcomes[0].status == .exited(0), "\(outcomes[0].error)")
    #expect(outcomes[0].output == outcomes[1].output)
    let result = try outcomes[0].json()
    #expect(result["splits"] as? Int == 2 || result["splits"] as? Double == 2)
    #expect(outcomes[0].output.contains("test/reg/RMSE") && outcomes[0].output.contains("test/reg/LL"))
  }

  static let mistakes: [Mistake] = [
    .init("no such run", says: "/nonexistent") { _ in ["predict", "/nonexistent", "--input", "X.npy"] },
    .init("no input", says: "--input") { ["predict", $0["run"]] },
    .init("an input that is not there", says: "none.npy") {
      ["predict", $0["run"], "--input", $0["none.npy"], "--output", $0["P.npz"]]
    },
    .init("an input that is no array", says: "X.npy") { workspace in
      try workspace.write("X.npy", "1,2,3\n")
      return ["predict", workspace["run"], "--input", workspace["X.npy"], "--output", workspace["P.npz"]]
    },
    .init("an input that is cut off", says: "X.npy") { workspace in
      try workspace.write("X.npy", Array(images(3).dropLast()))
      return ["predict", workspace["run"], "--input", workspace["X.npy"], "--output", workspace["P.npz"]]
    },
    .init("an input of another width", says: "35", "36") { workspace in
      try workspace.write("X.npy", npy("|u1", [2, 5, 7], Array(repeating: 9, count: 70)))
      return ["predict", workspace["run"], "--input", workspace["X.npy"], "--output", workspace["P.npz"]]
    },
    .init("an input of another type", says: "float32", "uint8") { workspace in
      try workspace.write("X.npy", npy("<f4", [1, 36], Array(repeating: 0, count: 144)))
      return ["predict", workspace["run"], "--input", workspace["X.npy"], "--output", workspace["P.npz"]]
    },
    .init("NaN among the inputs", says: "X.npy", "NaN", "example 0, element 2") { workspace in
      try workspace.write(
        "X.npy", npy("<f4", [1, 36], (0..<36).flatMap { $0 == 2 ? [0, 0, 0xC0, 0x7F] : [0, 0, 0, 0] }))
      return ["predict", workspace["run"], "--input", workspace["X.npy"], "--output", workspace["P.npz"]]
    },
    .init("no samples", says: "--samples", "0") { workspace in
      try workspace.write("X.npy", images(2))
      return ["predict", workspace["run"], "--input", workspace["X.npy"], "--samples", "0"]
    },
    .init("a tolerance below zero", says: "--tolerance") { workspace in
      ["predict", workspace["run"], "--input", workspace["X.npy"], "--samples", "auto", "--tolerance=-1"]
    },
    .init("an output that cannot be written", says: "/nonexistent/P.npz") { workspace in
      try workspace.write("X.npy", images(2))
      return ["predict", workspace["run"], "--input", workspace["X.npy"], "--output", "/nonexistent/P.npz"]
    },
    .init("more than everything kept", says: "--keep", "120%") { ["prune", $0["run"], "--keep", "120%"] },
    .init("nothing kept", says: "--keep", "0") { ["prune", $0["run"], "--keep", "0"] },
    .init("a share that is no number", says: "--keep", "few") { ["prune", $0["run"], "--keep", "few"] },
    .init("other data of another size", says: "25", "36") { workspace in
      try FileManager.default.createDirectory(atPath: workspace["other"], withIntermediateDirectories: true)
      for stem in ["train", "t10k"] {
        try workspace.write("other/\(stem)-images-idx3-ubyte", IDX.images(4, side: 5))
        try workspace.write("other/\(stem)-labels-idx1-ubyte", IDX.labels(4))
      }
      return ["evaluate", workspace["run"], "--ood", workspace["other"]]
    },
    .init("pruned weights of another network", says: "pruned.npz") { workspace in
      try workspace.write("pruned.npz", "nothing")
      return ["evaluate", workspace["run"], "--pruned", workspace["pruned.npz"]]
    },
  ]

  @Test func mistakesAreSaidInOneLine() async throws {
    for mistake in Self.mistakes {
      let workspace = try Workspace()
      try await Self.trained("bbb", in: workspace)
      let arguments = try mistake.arguments(workspace)
      let before = workspace.listing
      let outcome = try await Elbo.run(arguments)
      #expect(outcome.status == .exited(2), "\(mistake.name): \(outcome.error)")
      #expect(outcome.error.split(separator: "\n").count == 1, "\(mistake.name): \(outcome.error)")
      for word in mistake.words { #expect(outcome.error.contains(word), "\(mistake.name): \(outcome.error)") }
      #expect(outcome.output.isEmpty && workspace.listing == before, "\(mistake.name)")
    }
  }

  @Test func modelsThatPredictNothing() async throws {
    let workspace = try Workspace()
    try await Self.trained("vae", in: workspace)
    try workspace.write("X.npy", Self.images(2))
    for arguments in [
      ["predict", workspace["run"], "--input", workspace["X.npy"]], ["prune", workspace["run"], "--keep", "5%"],
      ["evaluate", workspace["run"], "--ood", workspace.data],
    ] {
      let outcome = try await Elbo.run(arguments)
      #expect(outcome.status == .exited(2), "\(outcome.error)")
      #expect(outcome.error.split(separator: "\n").count == 1 && outcome.error.contains("vae"), "\(outcome.error)")
    }
  }
}
