import Foundation
import Runs
import Serving
import Synchronization
import Testing

@Suite("Models whose files change", .timeLimit(.minutes(15))) struct ReloadTests {
  @Test("A new file is served from the next look on; a damaged one is not") func file() async throws {
    let files = Files()
    let (first, second) = (try await files.pictureModel("a", seed: 1), try await files.pictureModel("b", seed: 2))
    let model = files["model.elbo"]
    try Run(opening: first).export(to: model)
    let lines = Mutex<[String]>([])
    let asked = Asked(try ModelService([model], lanes: 1, samples: 3) { line in lines.withLock { $0.append(line) } })
    let body = "{\"inputs\":[{\"name\":\"input\",\"data\":[\((0..<16).map { "\($0 * 9)" }.joined(separator: ","))]}]}"
    func version(_ path: String) throws -> String { String(try Run(opening: path).parametersSHA256.prefix(12)) }
    func served() async -> String? { await asked.infer("model", body).form.model_version }
    let before = await asked.infer("model", body).text
    asked.service.look()
    #expect(lines.withLock { $0 } == [])

    try Run(opening: second).export(to: files["new.elbo"])
    let bytes = try Data(contentsOf: URL(fileURLWithPath: files["new.elbo"]))
    var damaged = bytes
    damaged[damaged.count - 3] ^= 1
    for broken in [damaged, bytes.prefix(bytes.count / 2), Data()] {
      try broken.write(to: URL(fileURLWithPath: model))
      asked.service.look()
      #expect(await asked.infer("model", body).text == before)
    }
    try FileManager.default.removeItem(atPath: model)
    asked.service.look()
    #expect(await asked.infer("model", body).text == before)
    let kept = lines.withLock { $0 }
    #expect(
      kept.count == 4 && kept.allSatisfy { $0.hasPrefix("model: stays at version \((try? version(first)) ?? "")") })

    try bytes.write(to: URL(fileURLWithPath: model))
    asked.service.look()
    #expect(await served() == (try version(second)))
    #expect(lines.withLock { $0.last } == "model: reloaded, version \(try version(second))")
    let metrics = await asked.get("/metrics").text
    #expect(metrics.contains(#"elbo_model_reloads_total{model="model",result="kept"} 4"#))
    #expect(metrics.contains(#"elbo_model_reloads_total{model="model",result="reloaded"} 1"#))
  }

  @Test("A run that is calibrated is opened anew") func run() async throws {
    let files = Files()
    let path = try await files.tableModel("mlp", "run", ["data.validation_fraction=0.4"])
    let asked = Asked(try ModelService([path], lanes: 1))
    let body = "{\"inputs\":\(Files.columns(rows: 0..<2))}"
    #expect(await asked.infer("run", body).output("calibrated") == nil)
    try Run(opening: path).calibrate()
    asked.service.look()
    #expect(await asked.infer("run", body).numbers("calibrated").count == 4)
  }
}
