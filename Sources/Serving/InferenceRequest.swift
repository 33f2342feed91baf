import Files
import Foundation
import HTTPServer

/// What is asked of a model: the body of `POST …/infer`, as JSON or as JSON with binary data after it.
struct InferenceRequest: Sendable {
  let id: String?
  let parameters: Parameters
  let inputs: [InputTensor]
  /// What is to be answered; nil: everything.
  let outputs: [Output]?

  struct Parameters: Sendable {
    var samples: Int?
    var seed: UInt64 = 0
    var coverage: Double?
    /// Whether outputs are binary that do not say it themselves.
    var isBinary = false
  }

  struct Output: Sendable {
    let name: String
    let isBinary: Bool?
  }

  /// The header that says where the JSON of a body ends.
  static let lengthHeader = "Inference-Header-Content-Length"

  init(_ request: Request) throws(Refusal) {
    var json = request.body[...]
    var binary: ArraySlice<UInt8> = []
    let lengths = request.headers.all(Self.lengthHeader)
    if !lengths.isEmpty {
      guard lengths.count == 1, let length = Int(lengths[0]), (0...request.body.count).contains(length) else {
        throw Refusal(400, "\(Self.lengthHeader) is no number of bytes of the body.")
      }
      (json, binary) = (request.body[..<length], request.body[length...])
    }
    let form: Form
    do {
      form = try JSONDecoder().decode(Form.self, from: Data(json))
    } catch {
      throw InferenceRequest.refusal(error)
    }
    (id, outputs) = (form.id, form.outputs)
    parameters = form.parameters
    var inputs: [InputTensor] = []
    for input in form.inputs { inputs.append(try InputTensor(input, &binary)) }
    guard binary.isEmpty else {
      throw Refusal(400, "\(binary.count) bytes follow that no input's binary_data_size speaks of.")
    }
    self.inputs = inputs
  }

  private static func refusal(_ error: any Error) -> Refusal {
    func place(_ context: DecodingError.Context) -> String {
      context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
    }
    switch error {
    case let refusal as Refusal: return refusal
    case DecodingError.keyNotFound(let key, let context):
      return Refusal(400, "\((context.codingPath + [key]).map(\.stringValue).joined(separator: ".")) is missing.")
    case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
      return Refusal(400, context.codingPath.isEmpty ? "The body is no JSON object." : "\(place(context)) is of another type.")
    default: return Refusal(400, "The body is no JSON of an inference request.")
    }
  }
}

/// The JSON of a request. What it does not know is refused: a parameter with a slip would be passed over in silence.
private struct Form: Decodable {
  let id: String?
  let parameters: InferenceRequest.Parameters
  let inputs: [InputTensor.Form]
  let outputs: [InferenceRequest.Output]?

  init(from decoder: any Decoder) throws {
    let members = try decoder.members(["id", "parameters", "inputs", "outputs"], of: "the request")
    id = try members.decodeIfPresent(String.self, forKey: "id")
    parameters = try members.decodeIfPresent(InferenceRequest.Parameters.self, forKey: "parameters") ?? .init()
    inputs = try members.decode([InputTensor.Form].self, forKey: "inputs")
    outputs = try members.decodeIfPresent([InferenceRequest.Output].self, forKey: "outputs")
  }
}

extension InferenceRequest.Parameters: Decodable {
  init(from decoder: any Decoder) throws {
    let members = try decoder.members(["samples", "seed", "coverage", "binary_data_output"], of: "the parameters")
    samples = try members.decodeIfPresent(Int.self, forKey: "samples")
    seed = UInt64(try members.number("seed", in: 0...Int.max) ?? 0)
    coverage = try members.decodeIfPresent(Double.self, forKey: "coverage")
    isBinary = try members.decodeIfPresent(Bool.self, forKey: "binary_data_output") ?? false
  }
}

extension InferenceRequest.Output: Decodable {
  init(from decoder: any Decoder) throws {
    let members = try decoder.members(["name", "parameters"], of: "an output")
    name = try members.decode(String.self, forKey: "name")
    isBinary = try members.decodeIfPresent(Parameters.self, forKey: "parameters")?.isBinary
  }

  private struct Parameters: Decodable {
    let isBinary: Bool?

    init(from decoder: any Decoder) throws {
      let members = try decoder.members(["binary_data"], of: "an output's parameters")
      isBinary = try members.decodeIfPresent(Bool.self, forKey: "binary_data")
    }
  }
}

/// A key of JSON, as it is written.
struct MemberName: CodingKey, ExpressibleByStringLiteral {
  let stringValue: String
  var intValue: Int? { nil }

  init(stringLiteral value: String) { stringValue = value }
  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}

extension Decoder {
  /// The members of an object, all of which are known.
  func members(_ known: [String], of what: String) throws -> KeyedDecodingContainer<MemberName> {
    let members = try container(keyedBy: MemberName.self)
    for key in members.allKeys where !known.contains(key.stringValue) {
      let name = key.stringValue.prefix(40)
      let hint = nearest(to: String(name), among: known).map { "; the nearest is \($0)" } ?? ""
      throw Refusal(400, "\(what) has a key \(name), which is not known\(hint)")
    }
    return members
  }
}

extension KeyedDecodingContainer<MemberName> {
  /// A whole number within bounds; nil: it is left out.
  func number(_ name: String, in bounds: ClosedRange<Int>) throws -> Int? {
    guard let number = try decodeIfPresent(Int.self, forKey: MemberName(stringValue: name)) else { return nil }
    guard bounds.contains(number) else {
      throw Refusal(400, "\(name) is \(number): it must be from \(bounds.lowerBound) to \(bounds.upperBound)")
    }
    return number
  }
}
