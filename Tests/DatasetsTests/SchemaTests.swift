import Datasets
import Foundation
import Testing

@Suite("Schemas") struct SchemaTests {
  private static func dataset() throws -> Dataset {
    let set = try ExampleSet(
      inputs: ExampleArray([1.0, 2, 3, 4, 5, 6], shape: [2]),
      labels: ClassLabels(indices: [0, 1, 1], count: 2, names: ["no", "yes"]))
    return try Dataset(name: "votes", train: set, test: set, columns: ["a", "b"], targetName: "kind")
  }

  @Test func whatIsWrittenIsRead() throws {
    let schema = try Self.dataset().schema
    #expect(try Schema(json: schema.json, path: "schema.json") == schema)
    let outline = Dataset(schema: schema)
    #expect(!outline.hasExamples && outline.train.count == 3 && outline.train.inputs.shape == [2])
    #expect(outline.train.labels?.names == ["no", "yes"] && outline.reference == schema && outline.trainingCount == 3)
    #expect(outline.description == schema.description)
  }

  @Test func columnsOfATable() throws {
    var schema = try Self.dataset().schema
    schema.columns = ["a", "c=x", "c=y", "c=", "b", "d=1"]
    schema.levels = [
      Schema.Levels(column: "c", values: ["x", "y"], hasMissing: true), Schema.Levels(column: "d", values: ["1"]),
    ]
    #expect(schema.sourceColumns == ["a", "c", "b", "d"])
  }

  /// Changes that make a schema one that no data has.
  static let lies: [(String, any Sendable)] = [
    ("train", 0), ("train", -4), ("train", 1 << 60), ("test", -1), ("test", 1 << 62), ("shape", [Int]()),
    ("shape", [-2]), ("shape", [0]), ("shape", [1 << 40, 1 << 40]), ("shape", [1 << 62, 4]), ("shape", [1 << 30]),
    ("shape", [3]), ("shape", "wide"), ("kind", "int12"), ("columns", ["a"]), ("fingerprint", "x"),
    ("substitutes", [["column": "z", "mean": 1.5, "marked": false] as [String: any Sendable]]),
    ("levels", [["column": "z", "values": ["x"], "missing": false] as [String: any Sendable]]),
    ("classes", ["count": 3, "names": ["no", "yes"]] as [String: any Sendable]),
    ("classes", ["count": -1, "names": [String]()] as [String: any Sendable]),
    ("classes", ["count": 1 << 50, "names": [String]()] as [String: any Sendable]),
    ("targets", ["kind": "float64", "shape": [-1]] as [String: any Sendable]),
  ]

  @Test("What no data has is damage, in one line", arguments: lies.indices) func lie(_ index: Int) throws {
    let (key, value) = Self.lies[index]
    let bytes = try Self.dataset().schema.json
    var object = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    object[key] = value
    let changed = [UInt8](try JSONSerialization.data(withJSONObject: object))
    let error = #expect(throws: DataError.self) { try Schema(json: changed, path: "schema.json") }
    #expect(error?.code == .damaged && error?.description.contains("\n") == false, "\(error!)")
  }

  @Test func everyKeyAndEveryByteIsNeeded() throws {
    let bytes = try Self.dataset().schema.json
    let object = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    for key in object.keys where !["classes", "target"].contains(key) {
      var less = object
      less[key] = nil
      let text = [UInt8](try JSONSerialization.data(withJSONObject: less))
      let error = #expect(throws: DataError.self) { try Schema(json: text, path: "schema.json") }
      #expect(error?.problem.contains(key) == true, "\(error!)")
    }
    for length in 0..<bytes.count - 2 {
      #expect(throws: DataError.self) { try Schema(json: Array(bytes.prefix(length)), path: "schema.json") }
    }
    var other = object
    other["version"] = 9
    let text = [UInt8](try JSONSerialization.data(withJSONObject: other))
    #expect(#expect(throws: DataError.self) { try Schema(json: text, path: "x") }?.code == .unsupported)
  }
}
