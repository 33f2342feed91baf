import Datasets
import Files
import Recipes
import Runs
import Training

/// A model as it was opened: what it predicts with, and what it takes and gives.
final class ServedVersion: Sendable {
  let predictor: Predictor
  /// The first digits of the SHA-256 of its parameters.
  let id: String
  /// A table's columns; empty: it takes one tensor called `input`.
  let columns: [Run.InputColumn]
  let outputs: [OutputTensor.Description]

  static let inputName = "input"

  /// Opens a run or a model file, and predicts once, so that the first client waits no longer than others.
  /// - Parameters:
  ///   - capacity: bytes of drawn parameters that are kept.
  ///   - samples: how many a request takes that does not say it.
  init(opening path: String, capacity: Int, samples: Int, lanes: Int) throws {
    let run = try Run(opening: path, lanes: lanes)
    predictor = try Predictor(run, capacity: capacity)
    id = String(run.parametersSHA256.prefix(12))
    columns = run.inputColumns
    let schema = run.schema
    let example = try ExampleSet(inputs: ServedVersion.zeros(schema))
    // Zeros are no example of some models, whose outputs are then seen when they are asked.
    let predictions = try? predictor.predict([example], samples: samples, seed: 0, with: run.crew())[0].get()
    let calibrated = try predictions?.calibrated(by: predictor.calibration)
    outputs = calibrated.map { OutputTensor.all(of: $0).map(\.description) } ?? []
  }

  private static func zeros(_ schema: Schema) -> ExampleArray {
    switch schema.kind {
    case .uint8: ExampleArray([UInt8](repeating: 0, count: schema.elementsPerExample), shape: schema.shape)
    case .float32: ExampleArray([Float](repeating: 0, count: schema.elementsPerExample), shape: schema.shape)
    case .float64: ExampleArray([Double](repeating: 0, count: schema.elementsPerExample), shape: schema.shape)
    }
  }

  /// The examples that a request's tensors are: of a table its columns by name, or all numbers as `input`.
  func examples(_ inputs: [InputTensor]) throws -> ExampleSet {
    guard Set(inputs.map(\.name)).count == inputs.count else { throw Refusal(400, "two inputs have the same name") }
    let names = columns.map(\.name)
    guard !inputs.isEmpty else { throw Refusal(400, "there are no inputs; the model takes \(listed(expected))") }
    if inputs.count == 1, inputs[0].name == ServedVersion.inputName, !names.contains(ServedVersion.inputName) {
      return try array(inputs[0])
    }
    for input in inputs where !expected.contains(input.name) {
      let hint = nearest(to: input.name, among: expected).map { "; the nearest is \($0)" } ?? ""
      throw Refusal(400, "no input is called \(input.name.prefix(40))\(hint); the model takes \(listed(expected))")
    }
    guard let missing = names.first(where: { name in !inputs.contains { $0.name == name } }) else {
      return try table(inputs)
    }
    throw Refusal(400, "the input \(missing) is missing; the model takes \(listed(expected))")
  }

  private var expected: [String] { columns.isEmpty ? [ServedVersion.inputName] : columns.map(\.name) }

  private func table(_ inputs: [InputTensor]) throws -> ExampleSet {
    let columns = try inputs.map { (name: $0.name, cells: try $0.cells()) }
    let count = columns[0].cells.count
    if let other = columns.first(where: { $0.cells.count != count }) {
      throw Refusal(400, "\(columns[0].name) has \(count) rows, and \(other.name) \(other.cells.count)")
    }
    guard count > 0 else { throw Refusal(400, "there are no rows") }
    try check(rows: count)
    return try predictor.run.examples(of: InputTable(columns))
  }

  private func array(_ input: InputTensor) throws -> ExampleSet {
    let schema = predictor.run.schema
    let datatype = input.datatype ?? (schema.kind == .uint8 ? .UINT8 : .FP64)
    guard let scalar = datatype.scalar else { throw input.refusal("the model takes numbers") }
    let bytes: [UInt8]
    var shape = input.shape
    switch input.content {
    case .binary(let binary): bytes = Array(binary)
    case .json(.texts): throw input.refusal("the model takes numbers")
    case .json(.numbers(let numbers)):
      shape = shape ?? [numbers.count / schema.elementsPerExample] + schema.shape
      bytes = try datatype.bytes(of: numbers, in: input.name)
    }
    guard let shape, shape.count > 1 else { throw input.refusal("its shape must be [rows, …]") }
    try check(rows: shape[0])
    return try predictor.run.examples(bytes, of: scalar, shape: shape)
  }

  private func check(rows: Int) throws(Refusal) {
    guard rows <= ServingLimits.rows else {
      throw Refusal(413, "\(rows) rows are more than \(ServingLimits.rows): ask for them in parts.")
    }
  }

  private func listed(_ names: [String]) -> String {
    names.prefix(20).joined(separator: ", ") + (names.count > 20 ? " and \(names.count - 20) more" : "")
  }
}

/// How much one request may ask.
enum ServingLimits {
  static let rows = 10_000
  static let samples = 100_000
  /// Named inputs, and named outputs.
  static let tensors = 10_000
  /// Rows × samples × numbers of a sample: 64 MiB.
  static let numbers = 16 << 20
}
