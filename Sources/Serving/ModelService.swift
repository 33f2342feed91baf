import Files
import Foundation
import HTTPServer
import Recipes
import Reports
import Runs
import Synchronization
import Training

/// Models behind the Open Inference Protocol (KServe V2) over HTTP.
///
/// ```swift
/// let service = try ModelService(["runs/bbb", "iris=iris.elbo"])
/// let server = try await Server.start(service.routes, access: Access(token: Token()), port: 8000)
/// ```
///
/// A request gets the numbers that `elbo predict` writes of the same inputs, samples and seed, bit for bit, whatever is asked
/// beside it.
public final class ModelService: Sendable {
  private let models: [ServedModel]
  private let samples: Int
  private let queue: ComputeQueue
  private let metrics = ServingMetrics()
  private let isReady = Atomic<Bool>(true)
  private let log: @Sendable (String) -> Void

  /// Opens the models.
  /// - Parameters:
  ///   - models: run folders or model files, each by its own name or as `NAME=PATH`.
  ///   - lanes: threads that compute.
  ///   - samples: how many Monte Carlo samples a request takes that does not say it.
  ///   - waiting: how many requests may wait to be computed.
  ///   - memory: bytes of drawn parameters that are kept, of all models.
  ///   - log: hears of models that have changed, a line each.
  /// - Throws: `RecipeError` for names that do not go, or what opening a run throws.
  public init(
    _ models: [String], lanes: Int = Run.processors, samples: Int = 100, waiting: Int = 256, memory: Int = 512 << 20,
    log: @escaping @Sendable (String) -> Void = { _ in }
  ) throws {
    guard (1...ServingLimits.samples).contains(samples) else {
      throw RecipeError("samples is \(samples): it must be from 1 to \(ServingLimits.samples)")
    }
    (self.samples, self.log) = (samples, log)
    let named = try models.map(ModelService.named)
    if let twice = Dictionary(grouping: named, by: \.name).first(where: { $0.value.count > 1 })?.key {
      throw RecipeError("two models are called \(twice): name one of them, as in other=\(named.last!.path)")
    }
    self.models = try named.map { name, path in
      try ServedModel(name: name, path: path) { path in
        try ServedVersion(opening: path, capacity: memory / named.count, samples: samples, lanes: lanes)
      }
    }
    queue = ComputeQueue(lanes: lanes, capacity: waiting, metrics: metrics)
  }

  /// The names of the models, in order.
  public var names: [String] { models.map(\.name) }

  /// A model's name and path: what stands before the first equals sign, or the path's last part without `.elbo`.
  private static func named(_ text: String) throws(RecipeError) -> (name: String, path: String) {
    var (name, path) = ("", text)
    if let sign = text.firstIndex(of: "="), !FileManager.default.fileExists(atPath: text) {
      (name, path) = (String(text[..<sign]), String(text[text.index(after: sign)...]))
    } else {
      name = String(path.split(separator: "/").last ?? "")
      if name.hasSuffix(ModelFile.fileExtension) { name = String(name.dropLast(ModelFile.fileExtension.count)) }
    }
    let isName = name.utf8.allSatisfy {
      switch $0 {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "."),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
        true
      default: false
      }
    }
    guard isName, (1...100).contains(name.utf8.count), name != ".", name != ".." else {
      throw RecipeError("`\(name)` is no name of a model: say NAME=\(path), of letters, digits, dots, _ and -")
    }
    return (name, path)
  }

  // MARK: Routes

  /// What the server answers.
  public var routes: [Route] {
    var routes = [
      Route("GET", "/livez", isPublic: true) { _ in Response(type: "text/plain", "ok\n") },
      Route("GET", "/readyz", isPublic: true) { _ in self.readiness(Response(type: "text/plain", "ok\n")) },
      Route("GET", "/v2/health/live", isPublic: true) { _ in ModelService.json([("live", "true")]) },
      Route("GET", "/v2/health/ready", isPublic: true) { _ in
        self.readiness(ModelService.json([("ready", "true")]))
      },
      Route("GET", "/metrics") { _ in
        Response(
          type: PrometheusText.type,
          self.metrics.text(models: self.models.map { ($0.name, $0.version.id) }, waiting: self.queue.waiting))
      },
      Route("GET", "/openapi.json") { _ in
        Response(headers: [("Content-Type", "application/json")], body: .bytes(PackageResources.openapi_json))
      },
      Route("GET", "/v2") { _ in
        ModelService.json([
          ("name", "\"elbo\""), ("version", "\"\(Version.elbo)\""), ("extensions", "[\"binary_tensor_data\"]"),
        ])
      },
    ]
    for path in ["/v2/models/{name}", "/v2/models/{name}/versions/{version}"] {
      routes += [
        Route("GET", path) { request in
          self.answer(request) { model, version in ModelService.json(version.metadata(model.name)) }
        },
        Route("GET", path + "/ready") { request in
          self.answer(request) { model, _ in
            ModelService.json([("name", JSONText.string(model.name)), ("ready", "true")])
          }
        },
        Route("POST", path + "/infer") { request in await self.infer(request) },
      ]
    }
    return routes
  }

  private static func json(_ members: [(key: String, value: String)]) -> Response {
    Response(type: "application/json", JSONText.object(members))
  }

  private func readiness(_ ready: Response) -> Response {
    isReady.load(ordering: .relaxed) ? ready : .error(503, "The server is ending.")
  }

  private func answer(_ request: Request, _ body: (ServedModel, ServedVersion) throws -> Response) -> Response {
    do {
      let (model, version) = try find(request)
      return try body(model, version)
    } catch {
      return Refusal(error).response
    }
  }

  /// The model that a path names, in the version that is there.
  private func find(_ request: Request) throws(Refusal) -> (ServedModel, ServedVersion) {
    let name = request.parameters["name"] ?? ""
    guard let model = models.first(where: { $0.name == name }) else {
      let hint = nearest(to: name, among: names).map { "; the nearest is \($0)" } ?? ""
      throw Refusal(404, "No model is called \(name.prefix(40))\(hint).")
    }
    let version = model.version
    if let wanted = request.parameters["version"], wanted != version.id {
      throw Refusal(404, "\(name) has the version \(version.id), not \(wanted.prefix(40)).")
    }
    return (model, version)
  }

  // MARK: Inference

  private func infer(_ request: Request) async -> Response {
    let start = ContinuousClock.now
    do throws(Refusal) {
      let (model, version) = try find(request)
      var rows = 0
      let response: Response
      do {
        response = try await predict(request, model, version, &rows)
      } catch {
        let refusal = Refusal(error)
        if refusal.status == 500 { log("\(model.name): \(refusal.sentence)") }
        response = refusal.response
      }
      metrics.count(
        inferenceBy: model.name, status: response.status, rows: rows, duration: ContinuousClock.now - start)
      return response
    } catch {
      return error.response
    }
  }

  private func predict(
    _ request: Request, _ model: ServedModel, _ version: ServedVersion, _ rows: inout Int
  ) async throws -> Response {
    let asked = try InferenceRequest(request)
    let samples = asked.parameters.samples ?? samples
    try version.predictor.check(coverage: asked.parameters.coverage)
    let examples = try version.examples(asked.inputs)
    guard samples * version.predictor.count(of: examples.inputs) <= ServingLimits.numbers else {
      throw Refusal(413, "\(examples.inputs.count) rows of \(samples) samples are too many: ask for them in parts.")
    }
    let predictions = try await queue.predict(version, examples, samples: samples, seed: asked.parameters.seed)
    rows = predictions.examples
    let calibrated = try predictions.calibrated(
      by: version.predictor.calibration, coverage: asked.parameters.coverage, seed: asked.parameters.seed)
    return try InferenceResponse(
      model: model.name, version: version.id, request: asked, predictions: calibrated
    ).response()
  }

  // MARK: The life of the service

  /// Counts an answer; for the server's observer.
  public func observe(_ record: RequestRecord) { metrics.count(response: record.status) }

  /// Looks once whether models have changed, and opens those anew. One that cannot be opened stays as it was.
  public func look() {
    for model in models {
      switch model.look() {
      case .unchanged: continue
      case .reloaded:
        metrics.count(reloadOf: model.name, result: "reloaded")
        log("\(model.name): reloaded, version \(model.version.id)")
      case .kept(let error):
        metrics.count(reloadOf: model.name, result: "kept")
        log("\(model.name): stays at version \(model.version.id): \(error)")
      }
    }
  }

  /// Looks again and again, until the task is cancelled.
  public func watch(every interval: Duration = .seconds(2)) async {
    while (try? await Task.sleep(for: interval)) != nil { look() }
  }

  /// Makes the service answer that it is not ready, so that clients send no more requests.
  public func beginEnd() { isReady.store(false, ordering: .relaxed) }

  /// Ends the thread that computes.
  public func end() { queue.stop() }
}

extension ServedVersion {
  /// The members of a model's metadata.
  fileprivate func metadata(_ name: String) -> [(key: String, value: String)] {
    func tensor(_ name: String, _ datatype: Datatype, _ shape: [Int]) -> String {
      let shape = ([-1] + shape).map(String.init).joined(separator: ",")
      return JSONText.object([
        ("name", JSONText.string(name)), ("datatype", "\"\(datatype)\""), ("shape", "[\(shape)]"),
      ])
    }
    let run = predictor.run
    let inputs =
      columns.isEmpty
      ? [tensor(Self.inputName, run.schema.kind == .uint8 ? .UINT8 : .FP64, run.schema.shape)]
      : columns.map { tensor($0.name, $0.isText ? .BYTES : .FP64, []) }
    return [
      ("name", JSONText.string(name)), ("versions", "[\"\(id)\"]"),
      ("platform", JSONText.string("elbo_\(run.model)")), ("inputs", "[" + inputs.joined(separator: ",") + "]"),
      ("outputs", "[" + outputs.map { tensor($0.name, $0.datatype, $0.shape) }.joined(separator: ",") + "]"),
    ]
  }
}
