import Foundation
import Tensors

/// An array of a golden file.
public struct GoldenArray: Decodable, Sendable {
  public let shape: [Int]
  public let values: [Double]

  public var tensor: Tensor { Tensor(values.map(Float.init), Shape(shape)) }
}

/// What scripts/reference/gradients.py says of one operation; its docstring defines the names.
public struct GoldenOperation: Decodable, Sendable {
  public let name: String
  public let inputs: [GoldenArray]
  public let output: GoldenArray
  public let cotangent: [Double]
  public let directions: [[Double]]
  public let secondDirections: [[Double]]
  public let first: [[Double]]
  public let second: [[Double]]
  public let third: [[Double]]
}

/// The JSON files of the folder `Golden` beside a test file.
public enum GoldenFile {
  public static func read<Value: Decodable>(
    _ name: String, as _: Value.Type = Value.self, beside file: String = #filePath
  ) throws -> Value {
    let url = URL(fileURLWithPath: file).deletingLastPathComponent().appendingPathComponent("Golden/\(name).json")
    return try JSONDecoder().decode(Value.self, from: Data(contentsOf: url))
  }

  /// The cases of a book, by name.
  public static func operations(_ name: String, beside file: String = #filePath) throws -> [String: GoldenOperation] {
    struct Book: Decodable { let cases: [GoldenOperation] }
    let cases = try read(name, as: Book.self, beside: file).cases
    return Dictionary(uniqueKeysWithValues: cases.map { ($0.name, $0) })
  }
}
