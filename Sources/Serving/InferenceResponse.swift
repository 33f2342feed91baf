import Files
import HTTPServer
import Reports
import Runs

/// What a model answers, as JSON or as JSON with binary data after it.
struct InferenceResponse {
  let model: String
  let version: String
  let request: InferenceRequest
  let predictions: Predictions

  /// - Throws: `Refusal` for outputs that there are not.
  func response() throws(Refusal) -> Response {
    let all = OutputTensor.all(of: predictions)
    var chosen: [(tensor: OutputTensor, isBinary: Bool)] = []
    if let outputs = request.outputs {
      for output in outputs {
        guard let tensor = all.first(where: { $0.name == output.name }) else {
          let names = all.map(\.name)
          let hint = nearest(to: output.name, among: names).map { "; the nearest is \($0)" } ?? ""
          throw Refusal(
            400, "no output is called \(output.name.prefix(40))\(hint); there are \(names.joined(separator: ", "))")
        }
        chosen.append((tensor, output.isBinary ?? request.parameters.isBinary))
      }
    } else {
      chosen = all.map { ($0, request.parameters.isBinary) }
    }
    var binary: [UInt8] = []
    var texts: [String] = []
    for (tensor, isBinary) in chosen {
      var members = [
        ("name", JSONText.string(tensor.name)), ("datatype", JSONText.string(tensor.datatype.rawValue)),
        ("shape", "[" + tensor.shape.map(String.init).joined(separator: ",") + "]"),
      ]
      if isBinary {
        let bytes = tensor.bytes
        members.append(("parameters", "{\"binary_data_size\":\(bytes.count)}"))
        binary += bytes
      } else {
        members.append(("data", tensor.json))
      }
      texts.append(JSONText.object(members))
    }
    var members = [("model_name", JSONText.string(model)), ("model_version", JSONText.string(version))]
    if let id = request.id { members.append(("id", JSONText.string(id))) }
    if let samples = predictions.samples {
      members.append(("parameters", "{\"samples\":\(samples),\"seed\":\(request.parameters.seed)}"))
    }
    members.append(("outputs", "[" + texts.joined(separator: ",") + "]"))
    let json = Array(JSONText.object(members).utf8)
    guard chosen.contains(where: \.isBinary) else {
      return Response(headers: [("Content-Type", "application/json")], body: .bytes(json))
    }
    return Response(
      headers: [
        ("Content-Type", "application/octet-stream"), (InferenceRequest.lengthHeader, "\(json.count)"),
      ], body: .bytes(json + binary))
  }
}

extension OutputTensor {
  /// A list; null for what JSON has no number for. Every number is read back as the same bits.
  fileprivate var json: String {
    switch content {
    case .texts(let texts): "[" + texts.map(JSONText.string).joined(separator: ",") + "]"
    case .numbers(let numbers): "[" + numbers.map { $0.isFinite ? "\($0)" : "null" }.joined(separator: ",") + "]"
    }
  }
}
