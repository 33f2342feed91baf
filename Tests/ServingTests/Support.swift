import Datasets
import Foundation
import HTTPServer
import Images
import Runs
import Serving
import TestSupport

/// Small trained models for one test, and files beside them.
struct Files: ~Copyable {
  private let folder = TemporaryFolder()

  subscript(name: String) -> String { folder.path + "/" + name }

  func write(_ name: String, _ text: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: self[name]))
  }

  /// A table with a number, a percentage, a date and a word, and the targets to predict from them: 120 rows.
  static func table(rows: Range<Int> = 0..<120, withTargets: Bool = true) -> String {
    let lines = rows.map { index -> String in
      let word = ["red", "green", "b,\"lue"][index % 3].replacing("\"", with: "\"\"")
      let inputs = "\(Double(index * 7919 % 600) / 37),\(index % 90 + 1).5 %,2024-0\(index % 9 + 1)-12,\"\(word)\""
      return withTargets ? inputs + ",\(Double(index % 13) / 3),\(index % 2 == 0 ? "up" : "down")" : inputs
    }
    return (withTargets ? "x,share,day,color,y,class" : "x,share,day,color") + "\n" + lines.joined(separator: "\n")
      + "\n"
  }

  /// The columns of `table` as inputs of a request.
  static func columns(rows: Range<Int>) -> String {
    func list(_ cell: (Int) -> String) -> String { "[" + rows.map(cell).joined(separator: ",") + "]" }
    let words = ["\"red\"", "\"green\"", #""b,\"lue""#]
    return """
      [{"name":"day","datatype":"BYTES","shape":[\(rows.count)],"data":\(list { "\"2024-0\($0 % 9 + 1)-12\"" })},
       {"name":"x","data":\(list { "\(Double($0 * 7919 % 600) / 37)" })},
       {"name":"color","datatype":"BYTES","shape":[\(rows.count),1],"data":\(list { words[$0 % 3] })},
       {"name":"share","data":\(list { "\"\($0 % 90 + 1).5 %\"" })}]
      """
  }

  /// A model of `table`, whose run folder it returns.
  func tableModel(_ model: String, _ name: String = "table", _ more: [String] = []) async throws -> String {
    try write("table.csv", Files.table())
    let recipe = try Recipe.named(model)
    recipe.set("data.source", text: self["table.csv"])
    let isClassifier = ["bbb", "mlp", "mc-dropout"].contains(model)
    for setting in [
      "data.columns=[x,share,day,color]", "data.dates=[day]", "data.percent=[share]", "data.one_hot=[color]",
      "data.target=\(isClassifier ? "class" : "y")", "data.test_fraction=0.1",
    ] + more { try recipe.set(setting) }
    if isClassifier || model == "bbb-regression" {
      for setting in ["network.hidden=[8]", "train.batch=20", "train.steps=20"] { try recipe.set(setting) }
    }
    try await Run.train(recipe, out: self[name])
    return self[name]
  }

  /// A Bayesian classifier of pictures of 4 × 4 bytes, and where it lies.
  func pictureModel(_ name: String = "pictures", seed: Int = 1) async throws -> String {
    let bytes = (0..<60 * 16).map { UInt8($0 * $0 % 251) }
    var archive = try NPZWriter(self["pictures.npz"])
    try archive.add("x", bytes, shape: [60, 16])
    try archive.add("y", (0..<60).map { Int64($0 % 3) }, shape: [60])
    try archive.finish()
    let recipe = try Recipe.named("bbb")
    recipe.set("data.source", text: self["pictures.npz"])
    for setting in [
      "data.target=y", "data.test_fraction=0.2", "network.hidden=[8]", "train.batch=20", "train.steps=10",
      "train.seed=\(seed)",
    ] { try recipe.set(setting) }
    try await Run.train(recipe, out: self[name])
    return self[name]
  }
}

extension Files {
  /// A segmentation of pictures of 7 × 9 pixels in three classes, and where it lies.
  func segmentation() async throws -> String {
    for name in ["shapes/image", "shapes/label"] {
      try FileManager.default.createDirectory(atPath: self[name], withIntermediateDirectories: true)
    }
    for index in 0..<30 {
      try picture("shapes/image/\(index).png", channels: 3) { ($0 * $0 + 31 * index) % 251 }
      try picture("shapes/label/\(index).png", channels: 1) { ($0 + index) % 5 == 4 ? 255 : ($0 + index) % 3 }
    }
    let recipe = try Recipe.named("segmentation")
    recipe.set("data.source", text: self["shapes"])
    for setting in [
      "network.filters=2", "network.levels=2", "train.batch=10", "train.steps=6", "data.test_fraction=0.2",
    ] { try recipe.set(setting) }
    try await Run.train(recipe, out: self["segmentation"])
    return self["segmentation"]
  }

  func picture(_ name: String, channels: Int, _ number: (Int) -> Int) throws {
    let samples = (0..<7 * 9 * channels).map { UInt8(number($0)) }
    let bytes = try PNG.encode(Raster(width: 9, height: 7, channels: channels, samples: samples))
    try Data(bytes).write(to: URL(fileURLWithPath: self[name]))
  }
}

/// A service that is asked without a socket.
struct Asked {
  let service: ModelService
  private let router: Router

  init(_ service: ModelService) { (self.service, router) = (service, Router(service.routes)) }

  struct Answer {
    let status: Int
    let headers: [(name: String, value: String)]
    let body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }

    /// The JSON at the beginning of the body.
    private var jsonPart: Data {
      let length = headers.first { $0.name == "Inference-Header-Content-Length" }.flatMap { Int($0.value) }
      return Data(body.prefix(length ?? body.count))
    }

    /// An answer to an inference, or an error; its numbers are read exactly.
    struct Form: Decodable {
      var id: String?
      var model_version: String?
      var outputs: [Tensor]?
      var error: String?
    }

    struct Tensor: Decodable {
      let name: String
      let datatype: String
      let shape: [Int]
      let parameters: [String: Int]?
      /// NaN stands for null.
      private(set) var numbers: [Double] = []
      private(set) var texts: [String] = []
      private(set) var hasData = false

      private enum CodingKeys: String, CodingKey { case name, datatype, shape, parameters, data }

      init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: CodingKeys.self)
        name = try members.decode(String.self, forKey: .name)
        datatype = try members.decode(String.self, forKey: .datatype)
        shape = try members.decode([Int].self, forKey: .shape)
        parameters = try members.decodeIfPresent([String: Int].self, forKey: .parameters)
        hasData = members.contains(.data)
        guard hasData else { return }
        if datatype == "BYTES" {
          texts = try members.decode([String].self, forKey: .data)
        } else {
          numbers = try members.decode([Double?].self, forKey: .data).map { $0 ?? .nan }
        }
      }
    }

    var form: Form { (try? JSONDecoder().decode(Form.self, from: jsonPart)) ?? Form() }
    var error: String { form.error ?? "" }
    var outputNames: [String] { form.outputs?.map(\.name) ?? [] }
    func output(_ name: String) -> Tensor? { form.outputs?.first { $0.name == name } }
    func numbers(_ name: String) -> [Double] { output(name)?.numbers ?? [] }
  }

  func get(_ target: String) async -> Answer { await ask("GET", target) }

  func infer(_ model: String, _ json: String) async -> Answer {
    await ask("POST", "/v2/models/\(model)/infer", Array(json.utf8))
  }

  func infer(_ model: String, _ json: String, binary: [UInt8]) async -> Answer {
    await ask(
      "POST", "/v2/models/\(model)/infer", Array(json.utf8) + binary,
      ["Inference-Header-Content-Length": "\(json.utf8.count)"])
  }

  func ask(
    _ method: String, _ target: String, _ body: [UInt8] = [], _ headers: Request.Headers = [:]
  ) async -> Answer {
    let response = await router.answer(Request(method: method, target: target, headers: headers, body: body)!)
    guard case .bytes(let bytes) = response.body else { fatalError("a stream") }
    return Answer(status: response.status, headers: response.headers, body: bytes)
  }
}
