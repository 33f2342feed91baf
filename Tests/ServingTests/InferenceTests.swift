import Datasets
import Foundation
import HTTPServer
import Runs
import Serving
import Testing

/// The bits of numbers: NaN is equal to itself.
private func bits(_ numbers: [Double]) -> [UInt64] { numbers.map(\.bitPattern) }

@Suite("Inference", .timeLimit(.minutes(15))) struct InferenceTests {
  @Test(
    "Columns by name give what predict gives of the file",
    arguments: ["bbb-regression", "bbb", "mlp", "bayesian-ridge"])
  func columns(model: String) async throws {
    let files = Files()
    let path = try await files.tableModel(model)
    let asked = Asked(try ModelService(["m=\(path)"], lanes: 2, samples: 7))
    // More rows than a block, and some of them again as a smaller request.
    for rows in [0..<120, 30..<31, 5..<42] {
      try files.write("new.csv", Files.table(rows: rows, withTargets: false))
      let run = try Run(opening: path)
      let expected = try run.predict(run.examples(from: files["new.csv"]), samples: 7, seed: 3)
      let answer = await asked.infer("m", #"{"id":"a","parameters":{"seed":3},"inputs":\#(Files.columns(rows: rows))}"#)
      #expect(answer.status == 200, "\(answer.text)")
      #expect(answer.form.id == "a")
      for column in expected.columns {
        #expect(bits(answer.numbers(column.name)) == bits(column.values), "\(column.name)")
        #expect(answer.output(column.name)?.shape == column.shape)
      }
      if let classes = expected.likeliestClasses {
        #expect(answer.output("class")?.texts == classes)
        #expect(answer.output("class")?.shape == [rows.count])
      }
    }
  }

  @Test(
    "A segmentation answers the maps that predict writes; of pictures of any size, but not of other channels or too many pixels"
  ) func pixels()
    async throws
  {
    let files = Files()
    let path = try await files.segmentation()
    let asked = Asked(try ModelService(["m=\(path)"], lanes: 2, samples: 4))
    let bytes = (0..<7 * 9 * 3).map { UInt8($0 * 7 % 251) }
    try files.picture("new.png", channels: 3) { Int(bytes[$0]) }
    let expected = try Run(opening: path).segment(files["new.png"], samples: 4, seed: 3)
    let json = """
      {"parameters":{"seed":3},"inputs":[{"name":"input","shape":[1,7,9,3],"datatype":"UINT8",
       "parameters":{"binary_data_size":\(bytes.count)}}]}
      """
    let answer = await asked.infer("m", json, binary: bytes)
    #expect(answer.status == 200, "\(answer.text)")
    #expect(answer.outputNames == ["class", "mean", "aleatoric", "epistemic", "variance"])
    #expect(answer.output("mean")?.shape == [1, 7, 9, 3] && answer.output("class")?.shape == [1, 7, 9])
    #expect(bits(answer.numbers("mean")) == bits(expected.maps.mean.map(Double.init)))
    #expect(bits(answer.numbers("epistemic")) == bits(expected.maps.epistemic.map(Double.init)))
    #expect(answer.numbers("class") == expected.maps.guesses.map { Double(expected.classValues[$0]) })
    func status(_ shape: String, _ bytes: [UInt8]) async -> Int {
      let changed = json.replacing("[1,7,9,3]", with: shape).replacing(":189}", with: ":\(bytes.count)}")
      return await asked.infer("m", changed, binary: bytes).status
    }
    #expect(await status("[1,9,7,3]", bytes) == 200)
    #expect(await status("[1,21,9]", bytes) == 400)
    // 1200 × 1200 pixels of 3 classes and 4 samples.
    #expect(await status("[1,1200,1200,3]", [UInt8](repeating: 0, count: 1200 * 1200 * 3)) == 413)
  }

  @Test("Binary tensors in and out have the same bits as JSON") func binary() async throws {
    let files = Files()
    let path = try await files.pictureModel()
    let asked = Asked(try ModelService(["m=\(path)"], lanes: 1, samples: 5))
    let bytes = (0..<3 * 16).map { UInt8($0 * 11 % 256) }
    try NPY.write(bytes, shape: [3, 16], to: files["x.npy"])
    let run = try Run(opening: path)
    let expected = try run.predict(run.inputs(from: files["x.npy"]), samples: 5)
    let json = """
      {"inputs":[{"name":"input","shape":[3,16],"datatype":"UINT8","parameters":{"binary_data_size":48}}],
       "outputs":[{"name":"quantiles"},{"name":"class","parameters":{"binary_data":true}},
                  {"name":"mean","parameters":{"binary_data":true}}]}
      """
    let answer = await asked.infer("m", json, binary: bytes)
    #expect(answer.status == 200, "\(answer.text)")
    #expect(answer.outputNames == ["quantiles", "class", "mean"])
    #expect(bits(answer.numbers("quantiles")) == bits(expected["quantiles"]!.values))
    let sizes = ["class", "mean"].map { answer.output($0)?.parameters?["binary_data_size"] ?? 0 }
    #expect(sizes[1] == 3 * 3 * 8)
    let tail = Array(answer.body.suffix(sizes[1]))
    let mean = (0..<9).map { index in
      Double(bitPattern: tail[index * 8..<index * 8 + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) })
    }
    #expect(bits(mean) == bits(expected["mean"]!.values))
    var texts = answer.body.dropLast(sizes[1]).suffix(sizes[0])
    for name in expected.likeliestClasses! {
      #expect(Array(texts.prefix(4 + name.utf8.count)) == [UInt8(name.utf8.count), 0, 0, 0] + Array(name.utf8))
      texts = texts.dropFirst(4 + name.utf8.count)
    }
    // The same as JSON, nested and flat, with shape and type left out.
    let nested =
      "["
      + (0..<3).map { row in "[" + bytes[row * 16..<row * 16 + 16].map { "\($0)" }.joined(separator: ",") + "]" }
      .joined(separator: ",") + "]"
    let flat = "[" + bytes.map { "\($0)" }.joined(separator: ", ") + "]"
    let outputs = #""outputs":[{"name":"mean"}]"#
    for input in [
      #"{"name":"input","shape":[3,16],"datatype":"UINT8","data":\#(nested)}"#, #"{"name":"input","data":\#(flat)}"#,
    ] {
      let answer = await asked.infer("m", "{\"inputs\":[\(input)],\(outputs)}")
      #expect(bits(answer.numbers("mean")) == bits(expected["mean"]!.values), "\(answer.text)")
    }
    // All outputs are binary where the request says so.
    let all = await asked.infer(
      "m", #"{"parameters":{"binary_data_output":true},"inputs":[{"name":"input","data":\#(flat)}]}"#)
    #expect(all.headers.contains { $0.name == "Inference-Header-Content-Length" } && all.outputNames.count == 11)
    #expect(all.output("mean")?.hasData == false)
  }

  @Test("A request gets the same bytes alone and among others, whatever is kept", arguments: [0, 1 << 20])
  func load(memory: Int) async throws {
    let files = Files()
    let path = try await files.tableModel("bbb")
    let alone = Asked(try ModelService(["m=\(path)"], lanes: 1, samples: 9, memory: 1 << 20))
    let busy = Asked(try ModelService(["m=\(path)"], lanes: 3, samples: 9, memory: memory))
    let requests = (0..<60).map { index in
      let rows = index % 7 * 3..<index % 7 * 3 + 1 + index % 5 * 29
      return #"{"parameters":{"seed":\#(index % 4 / 3)},"inputs":\#(Files.columns(rows: rows))}"#
    }
    var expected: [String] = []
    for request in requests { expected.append(await alone.infer("m", request).text) }
    let answers = await withTaskGroup(of: (Int, String).self) { group in
      for (index, request) in requests.enumerated() { group.addTask { (index, await busy.infer("m", request).text) } }
      return await group.reduce(into: [Int: String]()) { $0[$1.0] = $1.1 }
    }
    for index in requests.indices {
      #expect(answers[index] == expected[index])
      #expect(expected[index].contains("\"mean\""))
    }
    let metrics = await busy.get("/metrics").text
    #expect(metrics.contains("elbo_inferences_total{model=\"m\",code=\"200\"} 60\n"))
  }

  @Test("Several requests of one batch are each as if they were alone") func batch() async throws {
    let files = Files()
    let run = try Run(opening: try await files.tableModel("bbb"), lanes: 2)
    let examples = try [0..<3, 7..<120, 50..<51].map { rows in
      try files.write("new.csv", Files.table(rows: rows, withTargets: false))
      return try run.examples(from: files["new.csv"])
    }
    for capacity in [0, 1 << 20] {
      let predictor = try Predictor(run, capacity: capacity)
      for seed: UInt64 in [0, 5, 0] {
        let answers = predictor.predict(examples, samples: 11, seed: seed, with: try run.crew())
        for (answer, examples) in zip(answers, examples) {
          let expected = try run.predict(examples, samples: 11, seed: seed)
          #expect(try answer.get().columns.map { bits($0.values) } == expected.columns.map { bits($0.values) })
        }
      }
    }
  }

  @Test("Sets of a coverage are those of predict; a model that was not calibrated has none") func coverage()
    async throws
  {
    let files = Files()
    let path = try await files.tableModel("mlp", "run", ["data.validation_fraction=0.4"])
    let body = #"{"parameters":{"coverage":0.8},"inputs":\#(Files.columns(rows: 0..<9))}"#
    let before = await Asked(try ModelService([path])).infer("run", body)
    #expect(before.status == 400 && before.error.contains("not calibrated"))
    try Run(opening: path).calibrate()
    let asked = Asked(try ModelService([path]))
    let answer = await asked.infer("run", body)
    let run = try Run(opening: path)
    try files.write("new.csv", Files.table(rows: 0..<9, withTargets: false))
    let expected = try run.calibrated(run.predict(run.examples(from: files["new.csv"])), coverage: 0.8)
    for name in ["calibrated", "set", "set_size"] {
      #expect(bits(answer.numbers(name)) == bits(expected[name]!.values))
    }
    #expect(await asked.infer("run", body.replacing("0.8", with: "1.5")).status == 400)
  }
}
