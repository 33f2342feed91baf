import Foundation

/// A JSON value of a golden file, read by key and index: `golden["cholesky"]["lower"].doubles`.
///
/// Golden files are written by scripts/reference; a file that lacks what a test asks for is a mistake of the two
/// together, and stops the test with the path of what was missing.
public struct Golden: @unchecked Sendable {
  // JSONSerialization's values are immutable Foundation objects once parsed.
  private let value: Any
  private let path: String

  /// Reads `Golden/<name>.json` beside the test file that calls.
  public init(_ name: String, beside testFile: String = #filePath) {
    let url = URL(fileURLWithPath: testFile).deletingLastPathComponent()
      .appendingPathComponent("Golden/\(name).json")
    guard let data = try? Data(contentsOf: url),
      let value = try? JSONSerialization.jsonObject(with: data, options: [.fragmentsAllowed])
    else { fatalError("no golden file \(url.path); run scripts/reference") }
    self.init(value: value, path: name)
  }

  private init(value: Any, path: String) { (self.value, self.path) = (value, path) }

  public subscript(key: String) -> Golden {
    guard let found = (value as? [String: Any])?[key] else { fatalError("golden file lacks \(path).\(key)") }
    return Golden(value: found, path: "\(path).\(key)")
  }

  public var list: [Golden] {
    guard let list = value as? [Any] else { fatalError("\(path) is no list") }
    return list.enumerated().map { Golden(value: $1, path: "\(path)[\($0)]") }
  }

  /// A number; infinities and NaN are written as strings, which JSON has no numbers for.
  public var double: Double {
    if let text = value as? String, let number = Double(text) { return number }
    guard let number = value as? NSNumber else { fatalError("\(path) is no number") }
    return number.doubleValue
  }

  public var int: Int { Int(double) }

  public var string: String {
    guard let text = value as? String else { fatalError("\(path) is no string") }
    return text
  }

  /// A list of numbers, of any depth of nesting, flattened in order.
  public var doubles: [Double] {
    if let list = value as? [Any] {
      return list.enumerated().flatMap { Golden(value: $1, path: "\(path)[\($0)]").doubles }
    }
    return [double]
  }
}
