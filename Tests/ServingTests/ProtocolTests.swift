import Foundation
import HTTPServer
import Recipes
import Runs
import Serving
import Testing
import Training

@Suite("The Open Inference Protocol", .timeLimit(.minutes(15))) struct ProtocolTests {
  @Test("What there is to be asked, word by word") func golden() async throws {
    let files = Files()
    let (table, pictures) = (try await files.tableModel("mlp"), try await files.pictureModel())
    let asked = Asked(try ModelService([table, "digits=\(pictures)"], lanes: 1))
    #expect(asked.service.names == ["table", "digits"])
    let version = String(try Run(opening: table).parametersSHA256.prefix(12))
    func outputs(_ classes: Int) -> String {
      let columns = [
        "class BYTES", "mean FP64 \(classes)", "mean_error FP64 \(classes)", "std FP64 \(classes)",
        "quantiles FP64 \(classes),5",
        "entropy FP64", "entropy_error FP64", "expected_entropy FP64", "expected_entropy_error FP64",
        "mutual_information FP64", "mutual_information_error FP64",
      ]
      return columns.map { column in
        let words = column.split(separator: " ")
        let shape = (["-1"] + words.dropFirst(2)).joined(separator: ",")
        return #"{"name":"\#(words[0])","datatype":"\#(words[1])","shape":[\#(shape)]}"#
      }.joined(separator: ",")
    }
    let golden: [(String, Int, String)] = [
      ("/v2", 200, #"{"name":"elbo","version":"\#(Version.elbo)","extensions":["binary_tensor_data"]}"#),
      ("/v2/health/live", 200, #"{"live":true}"#), ("/v2/health/ready", 200, #"{"ready":true}"#),
      ("/livez", 200, "ok\n"), ("/readyz", 200, "ok\n"),
      ("/v2/models/table/ready", 200, #"{"name":"table","ready":true}"#),
      ("/v2/models/table/versions/\(version)/ready", 200, #"{"name":"table","ready":true}"#),
      (
        "/v2/models/table", 200,
        #"{"name":"table","versions":["\#(version)"],"platform":"elbo_mlp","inputs":[{"name":"x","datatype":"FP64","shape":[-1]},{"name":"share","datatype":"BYTES","shape":[-1]},{"name":"day","datatype":"BYTES","shape":[-1]},{"name":"color","datatype":"BYTES","shape":[-1]}],"outputs":[\#(outputs(2))]}"#
      ),
      ("/v2/models/tabel", 404, #"{"error":"No model is called tabel; the nearest is table."}"# + "\n"),
      ("/v2/models/table/versions/1", 404, #"{"error":"table has the version \#(version), not 1."}"# + "\n"),
    ]
    for (target, status, text) in golden {
      let answer = await asked.get(target)
      #expect(answer.status == status && answer.text == text, "\(target)")
    }
    let digits = await asked.get("/v2/models/digits").text
    #expect(
      digits.contains(#""inputs":[{"name":"input","datatype":"UINT8","shape":[-1,16]}],"outputs":[\#(outputs(3))]"#))
    asked.service.beginEnd()
    for target in ["/readyz", "/v2/health/ready"] { #expect(await asked.get(target).status == 503) }
    #expect(await asked.get("/livez").status == 200)
  }

  @Test("Mistakes are one sentence") func mistakes() async throws {
    let files = Files()
    let asked = Asked(try ModelService(["m=\(try await files.tableModel("bbb"))"], lanes: 1, samples: 2))
    let columns = Files.columns(rows: 0..<1)
    func with(_ old: String, _ new: String) -> String { "{\"inputs\":\(columns.replacing(old, with: new))}" }
    let deep = String(repeating: "[", count: 100_000)
    let mistakes: [(String, Int, String)] = [
      ("", 400, "no JSON object"), ("[]", 400, "no JSON object"), ("{", 400, "no JSON"), ("{}", 400, "has no inputs"),
      (#"{"inputs":{}}"#, 400, "inputs is of another type"), (#"{"inputs":[]}"#, 400, "no inputs"),
      (#"{"inputs":[{"name":"x"}]}"#, 400, "either data or"), (#"{"inputs":[{"data":[1]}]}"#, 400, "no name"),
      (#"{"inputs":[{"name":"x","data":[1]}]}"#, 400, "share is missing"),
      (#"{"inputs":[{"name":"y","data":[1]}]}"#, 400, "no input is called y"),
      (#"{"inputs":[{"name":"x","data":[1]},{"name":"x","data":[1]}]}"#, 400, "same name"),
      (#"{"inputs":[{"name":"input","shape":[1,6],"data":[1,2,3,4,5,6,7]}]}"#, 400, "for the shape [1, 6]"),
      (#"{"inputs":[{"name":"input","shape":[1,5],"data":[1,2,3,4,5]}]}"#, 400, "training data's have 6"),
      (#"{"inputs":[{"name":"input","shape":[1,6],"data":[1,2,3,4,5,null]}]}"#, 400, "NaN in example 0"),
      (#"{"inputs":[{"name":"input","shape":[0,6],"data":[]}]}"#, 400, "no elements"),
      (#"{"inputs":[{"name":"input","shape":[-1,6],"data":[]}]}"#, 400, "An extent of a shape is -1"),
      (#"{"inputs":[{"name":"input","shape":[4611686018427387904,6],"data":[1]}]}"#, 413, "rows"),
      (
        #"{"inputs":[{"name":"input","datatype":"UINT8","shape":[1,6],"data":[1,2,3,4,5,256]}]}"#, 400,
        "256.0 is no UINT8"
      ),
      (#"{"inputs":[{"name":"input","data":\#(deep)}]}"#, 400, "16 deep"),
      (#"{"sample":1,"inputs":[]}"#, 400, "a key sample"),
      (#"{"parameters":{"sampels":1},"inputs":[]}"#, 400, "the nearest is samples"),
      (#"{"parameters":{"samples":0},"inputs":\#(columns)}"#, 400, "samples is 0"),
      (#"{"parameters":{"samples":1.5},"inputs":\#(columns)}"#, 400, "samples"),
      (#"{"parameters":{"seed":-1},"inputs":\#(columns)}"#, 400, "seed is -1"),
      (#"{"outputs":[{"name":"maen"}],"inputs":\#(columns)}"#, 400, "the nearest is mean"),
      (with("red", "purple"), 400, "row 0, column 'color': the value 'purple', which the training data does not have"),
      (with("2024-01-12", "yesterday"), 400, "'yesterday' is no date"),
      (with("2024-01-12", "2024\\n01"), 400, "control character"),
      (with("0.0]", "null]"), 400, "missing values: 'x'"), (with("0.0]", "1e999]"), 400, "beyond all doubles"),
      (with("0.0]", "0.0,1]"), 400, "rows"), (with("0.0]", "\"a\"]"), 400, "column 'x': text"),
      (with(#""BYTES","shape":[1]"#, #""BYTES","shape":[2]"#), 400, "do not have the shape"),
      (with("BYTES", "BITES"), 400, "BITES is no datatype"),
      (with("0.0]", "0.0,]"), 400, "of another type"), (with("0.0]", "00]"), 400, "no JSON"),
      (with("0.0]", "0.]"), 400, "no JSON"), (with("0.0]", "1e]"), 400, "no JSON"),
      (with("0.0]", "nul]"), 400, "no JSON"),
      (with("0.0]", "+1]"), 400, "of another type"), (with("0.0]", "NaN]"), 400, "of another type"),
      (with("0.0]", "0x1]"), 400, "no JSON"), (with("red", "r\\ed"), 400, "no JSON"),
      (with("red", "\\ud800"), 400, "no JSON"), (with("red", "\t"), 400, "no JSON"),
      (#"{"id":"a","id":"b","inputs":[]}"#, 400, "the key id twice"), (#"{"inputs":[]} x"#, 400, "no JSON"),
    ]
    for (body, status, words) in mistakes {
      let answer = await asked.infer("m", body)
      #expect(
        answer.status == status && answer.error.contains(words), "\(body.prefix(200)): \(answer.status) \(answer.text)")
      #expect(!answer.error.isEmpty && !answer.error.contains("\n"))
    }
    #expect(await asked.infer("m", "{\"inputs\":\(columns)}").status == 200)
    let escaped = with(#""red""#, #""\u0072\u0065d""#).replacing(":[", with: " :\n[ ")
    #expect(await asked.infer("m", escaped).text == (await asked.infer("m", "{\"inputs\":\(columns)}").text))
    let binary = #"{"inputs":[{"name":"input","datatype":"FP64","shape":[1,6],"parameters":{"binary_data_size":48}}]}"#
    for count in [0, 47, 49] {
      #expect(await asked.infer("m", binary, binary: [UInt8](repeating: 0, count: count)).status == 400)
    }
    #expect(await asked.infer("m", binary, binary: [UInt8](repeating: 0, count: 48)).status == 200)
    for length in ["x", "-1", "100"] {
      let answer = await asked.ask("POST", "/v2/models/m/infer", [1], ["Inference-Header-Content-Length": length])
      #expect(answer.status == 400)
    }
  }

  @Test("What is too much is refused by its size") func limits() async throws {
    let files = Files()
    let path = try await files.tableModel("bbb")
    let asked = Asked(try ModelService(["m=\(path)"], lanes: 1, samples: 2))
    let rows =
      #"{"inputs":[{"name":"input","datatype":"FP64","shape":[10001,6],"parameters":{"binary_data_size":480048}}]}"#
    #expect(await asked.infer("m", rows, binary: [UInt8](repeating: 0, count: 480_048)).status == 413)
    let many = (0..<600).map { "\($0)" }.joined(separator: ",")
    let samples = #"{"parameters":{"samples":100000},"inputs":[{"name":"input","shape":[100,6],"data":[\#(many)]}]}"#
    #expect(await asked.infer("m", samples).status == 413)
    // No room to wait at all.
    let full = Asked(try ModelService(["m=\(path)"], lanes: 1, samples: 2, waiting: 0))
    let answer = await full.infer("m", "{\"inputs\":\(Files.columns(rows: 0..<1))}")
    #expect(answer.status == 429 && answer.headers.contains { $0 == ("Retry-After", "1") })
  }

  @Test("The document of the interface names every route") func document() async throws {
    let files = Files()
    let service = try ModelService(["m=\(try await files.tableModel("mlp"))"], lanes: 1)
    let body = await Asked(service).get("/openapi.json").body
    let document = try #require(JSONSerialization.jsonObject(with: Data(body)) as? [String: Any])
    let paths = try #require(document["paths"] as? [String: [String: Any]])
    let said = Set(paths.flatMap { path, methods in methods.keys.map { "\($0.uppercased()) \(path)" } })
    #expect(said == Set(service.routes.map { "\($0.method) \($0.pattern)" }))
  }

  @Test("Models are opened at once, or refused in a sentence") func names() async throws {
    let files = Files()
    let path = try await files.tableModel("mlp")
    for models in [["a b=\(path)"], ["..=\(path)"], ["=\(path)"], [path, path], ["x=\(files["nothing"])"]] {
      #expect(throws: (any Error).self) { try ModelService(models) }
    }
    #expect(throws: RecipeError.self) { try ModelService([path], samples: 0) }
    let recipe = try Recipe.named("autoencoder")
    recipe.set("data.source", text: files["table.csv"])
    for setting in ["data.columns=[x]", "network.latent=1", "train.steps=1"] { try recipe.set(setting) }
    try await Run.train(recipe, out: files["other"])
    let error = #expect(throws: TrainingError.self) { try ModelService([files["other"]]) }
    #expect(error?.description.contains("predicts neither classes nor numbers") == true)
  }
}
