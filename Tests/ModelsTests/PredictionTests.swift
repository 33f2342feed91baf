import BayesianNetworks
import Datasets
import Foundation
import ReferenceSupport
import Tensors
import Testing
import Training

@Suite("Predictions and pruning") struct PredictionTests {
  private static let keys = ["network.hidden": "[20, 20]", "train.batch": "40", "optimizer.learning_rate": "0.01"]

  private func trained(_ model: String = "bbb", _ keys: [String: String] = keys) async throws -> any Predicting {
    let learner = try predictor(model, Toy.classes(), keys)
    try await train(learner, steps: 60)
    return learner
  }

  private func column(_ table: PredictionTable, _ name: String) -> [Double] {
    table.columns.first { $0.name == name }!.values
  }

  @Test func sameForAnyNumberOfLanes() async throws {
    let learner = try await trained()
    let array = try Toy.classes(130).test!.inputs
    let tables = try [1, 2, 4].map {
      try PredictionTable(learner, array, samples: 20, key: Prediction.key(seed: 1), with: Crew(lanes: $0))
    }
    for table in tables.dropFirst() {
      #expect(table.columns.map(\.values) == tables[0].columns.map(\.values))
    }
    #expect(tables[0].columns.allSatisfy { $0.values.count == $0.shape.reduce(1, *) })
  }

  @Test(
    "Numbers of examples of an evaluation are the same whichever others are computed with them",
    arguments: ["bbb", "mlp", "ivon", "bbb-regression", "mc-dropout-regression"])
  func sharedEvaluation(_ model: String) throws {
    let data = try model.hasSuffix("regression") ? Toy.line(330) : Toy.classes(330)
    let learner = try predictor(model, data, Self.keys)
    let (shared, key) = (try #require(learner.offers.sharedEvaluation), RandomKey(seed: 4))
    let whole = try shared.numbers(0..<330, key, Crew(lanes: 2))
    let parts = try [0..<100, 100..<300, 300..<330].flatMap { try shared.numbers($0, key, Crew(lanes: 1)) }
    #expect(whole == parts && whole.count == 330 * shared.width)
    #expect(try shared.metrics(parts) == learner.offers.evaluation!(key, Crew(lanes: 3)))
  }

  @Test func uncertaintyAddsUp() async throws {
    let learner = try await trained()
    let table = try PredictionTable(
      learner, Toy.classes().test!.inputs, samples: 30, key: Prediction.key(seed: 1), with: Crew(lanes: 1))
    for (whole, (expected, information)) in zip(
      column(table, "entropy"), zip(column(table, "expected_entropy"), column(table, "mutual_information")))
    {
      #expect(abs(whole - expected - information) < 1e-9)
    }
    let means = column(table, "mean")
    for row in 0..<means.count / 3 { #expect(abs(means[3 * row..<3 * row + 3].reduce(0, +) - 1) < 1e-5) }
  }

  @Test func samplesGoOnUntilTheyAreEnough() async throws {
    let learner = try await trained("mc-dropout")
    let array = try Toy.classes().test!.inputs
    let key = Prediction.key(seed: 1)
    let crew = Crew(lanes: 2)
    let loose = try PredictionTable.automatic(learner, array, tolerance: 0.03, limit: 4096, key: key, with: crew)
    let tight = try PredictionTable.automatic(learner, array, tolerance: 0.01, limit: 4096, key: key, with: crew)
    #expect(loose.greatestError <= 0.03 && tight.greatestError <= 0.01)
    #expect(tight.samples > loose.samples)
    let limited = try PredictionTable.automatic(learner, array, tolerance: 1e-9, limit: 100, key: key, with: crew)
    #expect(limited.samples == 100)
  }

  @Test func regressionSplitsItsVariance() async throws {
    let learner = try predictor("bbb-regression", Toy.line(), ["network.hidden": "[10]", "train.batch": "32"])
    try await train(learner, steps: 1500, shards: 2)
    let table = try PredictionTable(
      learner, Toy.line().test!.inputs, samples: 50, key: Prediction.key(seed: 1), with: Crew(lanes: 2))
    let (aleatoric, epistemic) = (column(table, "aleatoric_variance"), column(table, "epistemic_variance"))
    for (deviation, parts) in zip(column(table, "std"), zip(aleatoric, epistemic)) {
      #expect(abs(deviation * deviation - parts.0 - parts.1) < 1e-9)
    }
    // The line's noise has a standard deviation of 0.3.
    #expect(abs(aleatoric[0].squareRoot() - 0.3) < 0.1)
  }

  @Test func prunedFileEvaluatesLikeTheDenseOne() async throws {
    let learner = try await trained()
    let prunable = learner.offers.pruning!
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("elbo-prune-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("pruned.npz").path
    let crew = Crew(lanes: 2)
    let key = RandomKey(seed: 1)
    let dense = try learner.offers.evaluation!(key, crew)

    // Everything kept: the same numbers.
    try PrunedFile.write(prunable.sparse(keeping: 1), to: path)
    let digest = learner.parameters.sha256
    try prunable.load(PrunedFile.read(path))
    #expect(learner.parameters.sha256 == digest)

    // A tenth kept: what the file gives is what the dense network gives with the others at zero.
    let sparse = prunable.sparse(keeping: 0.1)
    #expect(
      sparse.reduce(0) { $0 + $1.places.count } == Int((0.1 * Double(sparse.reduce(0) { $0 + $1.count })).rounded()))
    try PrunedFile.write(sparse, to: path)
    try prunable.load(PrunedFile.read(path))
    let storage = learner.makeSampleStorage()!
    try learner.draw(0, into: storage, key: key, with: crew)
    let kept = sparse.reduce(0) { $0 + $1.places.count }
    let alive = storage.layout.slots.reduce(0) { sum, slot in
      sum + storage.tensor(slot).values.filter { $0 != 0 }.count
    }
    #expect(alive == kept)
    let pruned = try learner.offers.evaluation!(key, crew)
    #expect(pruned != dense)
    #expect(try FileManager.default.attributesOfItem(atPath: path)[.size] as! Int > 0)
  }

  @Test func damagedPrunedFilesAreRefused() async throws {
    let learner = try predictor("bbb", Toy.classes(), Self.keys).offers.pruning!
    let good = learner.sparse(keeping: 0.5)
    #expect(throws: TrainingError.self) { try learner.load(Array(good.dropFirst())) }
    let tensor = good[0]
    for bad in [
      SparseTensor(
        name: tensor.name, count: tensor.count + 1, places: tensor.places, means: tensor.means, rhos: tensor.rhos),
      SparseTensor(name: tensor.name, count: tensor.count, places: [UInt32(tensor.count)], means: [1], rhos: [1]),
      SparseTensor(name: tensor.name, count: tensor.count, places: [0], means: [.nan], rhos: [1]),
      SparseTensor(name: tensor.name, count: tensor.count, places: [0], means: [1], rhos: []),
    ] {
      #expect(throws: TrainingError.self) { try learner.load([bad] + good.dropFirst()) }
    }
  }

  @Test func otherDataAreLessCertain() async throws {
    let learner = try await trained()
    let inside = try Toy.classes().test!.inputs
    let metrics = try OutOfDistribution.metrics(
      learner, inside: inside, outside: inside, samples: 10, key: Prediction.key(seed: 1), with: Crew(lanes: 1))
    #expect(abs(metrics["ood/AUROC"]! - 0.5) < 1e-9)
  }
}
