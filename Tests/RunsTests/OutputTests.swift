import Datasets
import Foundation
import Runs
import Testing

/// What predictions are written as, and which part of other data is evaluated.
@Suite("What comes out of a run", .timeLimit(.minutes(5))) struct OutputTests {
  private func flowers(_ files: borrowing Files) async throws -> Run {
    let names = ["plain", "with, comma", "with \"quote\""]
    let rows = (0..<60).map { row in
      "\(Double(row % 3)),\(Double(row % 7)),\"\(names[row % 3].replacingOccurrences(of: "\"", with: "\"\""))\""
    }
    try files.write("flowers.csv", "a,b,kind\n" + rows.joined(separator: "\n") + "\n")
    let recipe = try Recipe.named("bayesian-logistic-regression")
    recipe.set("data.source", text: files["flowers.csv"])
    try recipe.set("data.target", to: "kind")
    try await Run.train(recipe, out: files["run"])
    return try Run(opening: files["run"])
  }

  @Test("A table has a header, a row an example, and the most probable class by name") func csv() async throws {
    let files = Files()
    let run = try await flowers(files)
    let predictions = try run.predict(ExampleArray([0.0, 1, 1, 2, 2, 3], shape: [2]))
    try predictions.write(to: files["P.csv"])
    let lines = try String(contentsOfFile: files["P.csv"], encoding: .utf8).split(separator: "\n").map(String.init)
    #expect(lines.count == 4)
    #expect(run.schema.classes?.names == ["plain", "with \"quote\"", "with, comma"])
    #expect(lines[0].hasPrefix("row,class,mean[plain],\"mean[with \"\"quote\"\"]\",\"mean[with, comma]\""))
    #expect(lines[1].hasPrefix("0,plain,\(predictions["mean"]!.values[0]),"))
    #expect(lines[2].hasPrefix("1,\"with, comma\","))
    #expect(lines[3].hasPrefix("2,\"with \"\"quote\"\"\","))
    // It is read as any other table.
    var request = DataRequest(source: files["P.csv"])
    request.target = "class"
    #expect(try DataSource.open(request).columns.contains("mean[plain]"))
  }

  @Test("JSON lines say the same") func jsonLines() async throws {
    let files = Files()
    let run = try await flowers(files)
    let predictions = try run.predict(ExampleArray([0.0, 1, 1, 2], shape: [2]))
    try predictions.write(to: files["P.jsonl"])
    let lines = try String(contentsOfFile: files["P.jsonl"], encoding: .utf8).split(separator: "\n")
    let objects = try lines.map { try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
    #expect(objects.map { $0?["class"] as? String } == ["plain", "with, comma"])
    let mean = try #require(objects[1]?["mean[with, comma]"] as? Double)
    #expect(abs(mean - predictions["mean"]!.values[5]) < 1e-15)
    #expect(objects[1]?["row"] as? Int == 1)
  }

  @Test(
    "A file of another kind is refused before anything is computed", arguments: ["P", "P.txt", "P.csv.gz", ".csv/P"])
  func otherKinds(name: String) async throws {
    let files = Files()
    let predictions = try await flowers(files).predict(ExampleArray([0.0, 1], shape: [2]))
    #expect(throws: RecipeError.self) { try predictions.write(to: files[name]) }
    #expect(!FileManager.default.fileExists(atPath: files[name]))
  }

  @Test("All of other data is evaluated; of the run's own data only its test part") func evaluatedPart() async throws {
    let files = Files()
    let summary = try await Run.train(files.regression(), out: files["run"])
    try FileManager.default.moveItem(atPath: files["line.csv"], toPath: files["moved.csv"])
    let own = try Run(opening: files["run"], data: files["moved.csv"])
    #expect(try own.data().test?.count == 10)
    #expect(try own.evaluate()["test/reg/RMSE"] == summary.metrics["test/reg/RMSE"])

    try files.write("other.csv", "x,y\n1,2\n2,3\n3,1\n")
    let other = try Run(opening: files["run"], data: files["other.csv"])
    #expect(try other.data().test?.count == 3)
    let predictions = try other.predict(ExampleArray([1.0, 2, 3], shape: [1]), samples: 5)
    #expect(predictions.examples == 3)
    #expect(try other.evaluate()["test/reg/RMSE"] != summary.metrics["test/reg/RMSE"])
  }

  @Test("One row can be evaluated") func oneRow() async throws {
    let files = Files()
    try await Run.train(files.regression(), out: files["run"])
    try files.write("one.csv", "x,y\n1,2\n")
    #expect(try Run(opening: files["run"], data: files["one.csv"]).evaluate()["test/reg/RMSE"] != nil)
  }

  @Test("Rows that are left out keep their number, so that predictions stand beside the right rows")
  func rowsLeftOut() async throws {
    let files = Files()
    let rows = (0..<40).map { "\($0 % 7),\($0 % 3),\($0)" }
    try files.write("train.csv", "a,b,y\n" + rows.joined(separator: "\n") + "\n")
    let recipe = try Recipe.named("bayesian-linear-regression")
    recipe.set("data.source", text: files["train.csv"])
    recipe.set("data.target", text: "y")
    recipe.set("data.missing", text: "drop")
    try await Run.train(recipe, out: files["run"])
    let run = try Run(opening: files["run"])
    try files.write("new.csv", "a,b\n1,2\n,2\n3,\n4,1\n")
    let predictions = try run.predict(run.examples(from: files["new.csv"]))
    #expect(predictions.rows == [0, 3] && predictions.leftOut == 2 && predictions.identifiers == nil)
    try predictions.write(to: files["P.csv"])
    let lines = try String(contentsOfFile: files["P.csv"], encoding: .utf8).split(separator: "\n")
    #expect(lines.dropFirst().map { $0.prefix { $0 != "," } } == ["0", "3"])
    let whole = try run.predict(ExampleArray([1.0, 2, 4, 1], shape: [2]))
    #expect(whole.rows == nil && whole["mean"]!.values == predictions["mean"]!.values)
  }

  @Test("Predictions repeat what rows are called, in every kind of file") func identifiers() async throws {
    let files = Files()
    let rows = (0..<50).map { "r\($0),\(Double($0) / 10),\(Double($0 % 5)),\(Double($0 % 3))" }
    try files.write("two.csv", "code,x,height,weight\n" + rows.joined(separator: "\n") + "\n")
    let recipe = try files.regression()
    recipe.set("data.source", text: files["two.csv"])
    try recipe.set("data.target", to: "[height, weight]")
    try recipe.set("data.identifier", to: "code")
    try await Run.train(recipe, out: files["run"])
    let run = try Run(opening: files["run"])
    #expect(run.schema.columns == ["x"])

    try files.write("new.csv", "weight,code,x\n1,\"a, b\",2\n3,größe,4\n")
    let predictions = try run.predict(run.examples(from: files["new.csv"]), samples: 5)
    #expect(predictions.identifiers == ["a, b", "größe"] && predictions.targetNames == ["height", "weight"])
    try predictions.write(to: files["P.csv"])
    let lines = try String(contentsOfFile: files["P.csv"], encoding: .utf8).split(separator: "\n")
    #expect(lines[0].hasPrefix("row,identifier,") && lines[0].contains(",mean[height],mean[weight],"))
    #expect(lines[1].hasPrefix("0,\"a, b\",") && lines[2].hasPrefix("1,größe,"))
    try predictions.write(to: files["P.npz"])
    #expect(try NPZ(files["P.npz"]).texts("identifier") == ["a, b", "größe"])
    #expect(try NPZ(files["P.npz"]).texts("target_names") == ["height", "weight"])
    try predictions.write(to: files["P.npy"])
    #expect(try NPY.examples(files["P.npy"]).doubles(0..<2) == predictions["mean"]?.values)

    // A table whose column is called as such columns are; and one without any.
    try files.write("new.csv", "ID,x\n7,2\n")
    #expect(try run.examples(from: files["new.csv"]).identifiers?.values == ["7"])
    try files.write("new.csv", "x,y\n7,2\n")
    #expect(try run.examples(from: files["new.csv"]).identifiers == nil)
  }

  @Test("States are whole numbers, and forecasts carry the names of the columns") func statesAndForecasts() async throws
  {
    let files = Files()
    let rows = (0..<40).map { "\(Double($0 / 5 % 2) + Double($0 % 3) / 10),\(Double($0 % 7))" }
    try files.write("series.csv", "height,weight\n" + rows.joined(separator: "\n") + "\n")
    let recipe = try Recipe.named("hmm")
    recipe.set("data.source", text: files["series.csv"])
    try recipe.set("train.steps", to: "3")
    try await Run.train(recipe, out: files["run"])
    let run = try Run(opening: files["run"])
    let examples = try run.examples(from: files["series.csv"])
    try run.predict(examples).write(to: files["P.csv"])
    let lines = try String(contentsOfFile: files["P.csv"], encoding: .utf8).split(separator: "\n")
    #expect(lines[0].hasPrefix("row,state,smoothed[0],"))
    #expect(lines.dropFirst().allSatisfy { ["0", "1"].contains($0.split(separator: ",")[1]) })
    let forecast = try run.forecast(examples, ahead: 2)
    try forecast.write(to: files["F.csv"])
    let table = try String(contentsOfFile: files["F.csv"], encoding: .utf8).split(separator: "\n")
    #expect(table[0].hasPrefix("row,sequence,step,mean[height],mean[weight],std[height],std[weight],q0.025[height],"))
    #expect(table[1].hasPrefix("0,0,1,") && table[2].hasPrefix("1,0,2,"))
    try forecast.write(to: files["F.jsonl"])
    let text = try String(contentsOfFile: files["F.jsonl"], encoding: .utf8)
    #expect(text.hasPrefix("{\"row\":0,\"sequence\":0,\"step\":1,\"mean[height]\":"))
  }

  @Test("Samples of rows are a table; a name of another kind is refused") func samples() async throws {
    let files = Files()
    let recipe = try Recipe.named("gmm")
    recipe.set("data.source", text: try files.line())
    for (key, value) in [("data.columns", "[x, y]"), ("train.steps", "3")] { try recipe.set(key, to: value) }
    try await Run.train(recipe, out: files["run"])
    let run = try Run(opening: files["run"])
    try await run.writeSamples(SampleOptions(count: 7), to: files["S.csv"])
    let made = try DataSource.open(DataRequest(source: files["S.csv"])).train.inputs
    try await run.writeSamples(SampleOptions(count: 7), to: files["S.npy"])
    let numbers = try NPY.examples(files["S.npy"]).doubles(0..<7)
    #expect(made.count == 7 && made.doubles(0..<7).map { Float($0) } == numbers.map { Float($0) })
    await #expect(throws: RecipeError.self) { try await run.writeSamples(SampleOptions(count: 7), to: files["S.bmp"]) }
  }
}
