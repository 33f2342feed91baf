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
}
