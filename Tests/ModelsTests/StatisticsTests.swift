import Datasets
import Foundation
import ReferenceSupport
import Tensors
import Testing
import Training

/// What standardises is the training data's, also when a run looks at other data.
@Suite("Statistics of the training data") struct StatisticsTests {
  /// The same test examples, beside training examples that were moved and stretched or not.
  private static func data(_ kind: String, other: Bool) throws -> Dataset {
    func moved(_ set: ExampleSet) throws -> ExampleSet {
      func stretch(_ array: ExampleArray) throws -> ExampleArray {
        switch array.kind {
        case .float32:
          return ExampleArray(
            array.withUnsafeBufferPointer(as: Float.self) { $0.map { 3 * $0 + 7 } }, shape: array.shape)
        default:
          return ExampleArray(
            array.withUnsafeBufferPointer(as: Double.self) { $0.map { 3 * $0 + 7 } }, shape: array.shape)
        }
      }
      return try ExampleSet(
        inputs: stretch(set.inputs), labels: set.labels, targets: set.targets.map(stretch))
    }
    let source = try kind == "classes" ? Toy.classes() : Toy.line()
    return try Dataset(name: "toy", train: other ? moved(source.train) : source.train, test: source.test)
  }

  @Test(
    arguments: [
      ("bbb", "classes", [:]), ("mc-dropout", "classes", [:]), ("mlp", "classes", [:]),
      ("bbb-regression", "values", [:]),
      ("bbb-regression", "values", ["objective.noise": "fixed"]), ("mc-dropout", "values", [:]),
      ("autoencoder", "classes", [:]), ("vae", "classes", ["objective.likelihood": "gaussian"]),
    ] as [(String, String, [String: String])])
  func comeFromTheRun(_ model: String, _ kind: String, _ keys: [String: String]) async throws {
    func make(other: Bool) throws -> any Learner {
      let overrides = keys.merging(["data.normalisation": "standard", "network.hidden": "[5]", "train.batch": "30"]) {
        $1
      }
      return try learner(
        model, Self.data(kind, other: other), overrides.sorted { $0.key < $1.key }.map { "\($0)=\($1)" })
    }
    let crew = Crew(lanes: 1)
    let trained = try make(other: false)
    let moment = try await train(trained, steps: 20)
    let metrics = try Evaluation.run(trained, seed: 1, crew: crew)

    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("elbo-statistics-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let (run, lock) = try RunFolder.create(at: folder.path, name: model, note: { _ in })
    defer { lock.release() }
    let state = Checkpoint.State(trained, at: moment, model: model, recipe: "", data: "")
    let checkpoint = try Checkpoint.write(trained, state: state, in: run, keeping: KeptCheckpoints(newest: 1))

    let looking = try make(other: true)
    looking.parameters.copy(from: trained.parameters)
    #expect(try Evaluation.run(looking, seed: 1, crew: crew) != metrics, "the other data should make a difference")
    try checkpoint.restore(looking, optimizer: false)
    #expect(try Evaluation.run(looking, seed: 1, crew: crew) == metrics)

    // A checkpoint without them, or with damaged ones, is refused.
    let path = checkpoint.folder + "/statistics.safetensors"
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    bytes[bytes.count - 1] ^= 1
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    #expect(throws: TrainingError.self) { try checkpoint.restore(looking, optimizer: false) }
    try FileManager.default.removeItem(atPath: path)
    #expect(throws: (any Error).self) { try checkpoint.restore(looking, optimizer: false) }
  }
}
