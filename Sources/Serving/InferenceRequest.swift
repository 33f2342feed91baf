import HTTPServer

/// What is asked of a model: the body of `POST …/infer`, as JSON or as JSON with binary data after it.
struct InferenceRequest: Sendable {
  private(set) var id: String?
  private(set) var parameters: Parameters
  private(set) var inputs: [InputTensor]
  /// What is to be answered; nil: everything.
  private(set) var outputs: [Output]?

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
    (id, parameters, inputs, outputs) = (nil, Parameters(), [], nil)
    var reader = JSONReader(json)
    guard reader.next == UInt8(ascii: "{") else { throw Refusal(400, "The body is no JSON object.") }
    var forms: [InputTensor.Form]?
    try reader.object("The request", keys: ["id", "parameters", "inputs", "outputs"]) { reader, key throws(Refusal) in
      switch key {
      case "id": id = try reader.string("id")
      case "parameters": parameters = try Parameters(&reader)
      case "inputs":
        var list: [InputTensor.Form] = []
        try reader.list("inputs") { reader throws(Refusal) in
          guard list.count < ServingLimits.tensors else {
            throw Refusal(400, "There are more than \(ServingLimits.tensors) inputs.")
          }
          list.append(try InputTensor.Form(&reader))
        }
        forms = list
      default:
        var list: [Output] = []
        try reader.list("outputs") { reader throws(Refusal) in
          guard list.count < ServingLimits.tensors else {
            throw Refusal(400, "There are more than \(ServingLimits.tensors) outputs.")
          }
          list.append(try Output(&reader))
        }
        outputs = list
      }
    }
    try reader.end()
    guard let forms else { throw Refusal(400, "The request has no inputs.") }
    for form in forms { inputs.append(try InputTensor(form, &binary)) }
    guard binary.isEmpty else {
      throw Refusal(400, "\(binary.count) bytes follow that no input's binary_data_size speaks of.")
    }
  }
}

extension InferenceRequest.Parameters {
  fileprivate init(_ reader: inout JSONReader) throws(Refusal) {
    self.init()
    let keys = ["samples", "seed", "coverage", "binary_data_output"]
    try reader.object("parameters", keys: keys) { reader, key throws(Refusal) in
      switch key {
      case "samples": samples = try reader.integer(key, in: 1...ServingLimits.samples)
      case "seed": seed = UInt64(try reader.integer(key, in: 0...Int.max))
      case "coverage": coverage = try reader.number(key)
      default: isBinary = try reader.truth(key)
      }
    }
  }
}

extension InferenceRequest.Output {
  fileprivate init(_ reader: inout JSONReader) throws(Refusal) {
    var name: String?
    var isBinary: Bool?
    try reader.object("An output", keys: ["name", "parameters"]) { reader, key throws(Refusal) in
      guard key == "parameters" else { return name = try reader.string("The name of an output") }
      try reader.object("An output's parameters", keys: ["binary_data"]) { reader, key throws(Refusal) in
        isBinary = try reader.truth(key)
      }
    }
    guard let name else { throw Refusal(400, "An output has no name.") }
    self.init(name: name, isBinary: isBinary)
  }
}
