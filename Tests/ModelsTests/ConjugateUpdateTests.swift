import Conjugate
import Datasets
import Foundation
import Testing

/// Files for a test, in a folder of its own that goes with it.
private struct Files: ~Copyable {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("conjugate-\(UUID().uuidString)")

  init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(at: folder) }

  func write(_ name: String, _ text: String) throws -> String {
    let path = folder.appendingPathComponent(name).path
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }
}

@Suite struct ConjugateUpdateTests {
  private static let tables: [(model: String, lines: [String])] = [
    ("beta-bernoulli", ["1", "0", "1", "1", "0", "1"]),
    ("beta-binomial", ["3,10", "0,4", "5,5", "1,2"]),
    ("dirichlet-categorical", ["0", "2", "1", "2", "2"]),
    ("dirichlet-multinomial", ["1,0,3", "2,2,0", "0,0,1"]),
    ("gaussian-mean", ["1.5", "0.2", "-0.7", "2.5"]),
    ("gaussian-gamma", ["1.5", "0.2", "-0.7", "2.5", "1"]),
    ("gaussian-wishart", ["1.5,2", "0.2,-1", "-0.7,0.5", "2.5,2.25"]),
  ]

  private func table(_ lines: [String]) -> String {
    let columns = lines[0].split(separator: ",").indices.map { "c\($0)" }.joined(separator: ",")
    return ([columns] + lines).joined(separator: "\n") + "\n"
  }

  /// In parts, or all at once: the same posterior; and the evidence is the product of those of the parts.
  @Test(arguments: tables.indices)
  func partsAreTheWhole(index: Int) throws {
    let (model, lines) = Self.tables[index]
    let files = try Files()
    var request = ConjugateUpdate.Request(model: model, source: try files.write("all.csv", table(lines)))
    let whole = try ConjugateUpdate(request)
    #expect(whole.observations == lines.count && whole.logEvidence.isFinite)
    request.batch = 1
    let parts = try ConjugateUpdate(request)
    #expect(parts.path.count == lines.count)
    for (one, other) in zip(whole.posterior.entries, parts.posterior.entries) {
      #expect(one.name == other.name)
      for (a, b) in zip(one.values, other.values) { #expect(abs(a - b) < 1e-12 * max(1, abs(a))) }
    }
    // Chain rule over a cut, the second part with the first one's posterior as prior. The categories of a part may be
    // fewer, so this one is left out.
    guard model != "dirichlet-categorical" else { return }
    var first = ConjugateUpdate.Request(
      model: model, source: try files.write("first.csv", table(Array(lines.prefix(2)))))
    first.prior = [:]
    let start = try ConjugateUpdate(first)
    var second = ConjugateUpdate.Request(
      model: model, source: try files.write("second.csv", table(Array(lines.dropFirst(2)))))
    second.prior = Dictionary(uniqueKeysWithValues: start.posterior.entries.map { ($0.name, $0.values) })
    let end = try ConjugateUpdate(second)
    #expect(abs(start.logEvidence + end.logEvidence - whole.logEvidence) < 1e-10 * abs(whole.logEvidence))
  }

  @Test func knownNumbers() throws {
    let files = try Files()
    var request = ConjugateUpdate.Request(model: "beta-bernoulli", source: try files.write("coin.csv", "x\n1\n1\n0\n"))
    request.prior = ["a": [2], "b": [3]]
    let update = try ConjugateUpdate(request)
    #expect(update.posterior["a"] == [4] && update.posterior["b"] == [4])
    #expect(update.predictive["probability_of_one"] == [0.5])
    // 2/5 · 3/6 · 3/7
    #expect(abs(update.logEvidence - log(2.0 / 5 * 3 / 6 * 3 / 7)) < 1e-12)
  }

  @Test func wordsAreCategories() throws {
    let files = try Files()
    var request = ConjugateUpdate.Request(
      model: "dirichlet-categorical",
      source: try files.write("words.csv", "size,colour\n1,red\n2,blue\n3,red\n4,green\n"))
    request.columns = ["colour"]
    let posterior = try #require(try ConjugateUpdate(request).posterior["concentration"])
    #expect(posterior.sorted() == [2, 2, 3])
  }

  @Test(arguments: [
    ("beta-bernoulli", "x\n1\n2\n", [:]), ("beta-binomial", "k,n\n5,4\n", [:]),
    ("beta-bernoulli", "x\n1\n", ["a": [-1.0]]),
    ("beta-bernoulli", "x\n1\n", ["c": [1.0]]), ("beta-bernoulli", "x\n1\n", ["a": [1.0, 2.0]]),
    ("dirichlet-categorical", "x\n0.5\n", [:]), ("dirichlet-categorical", "x\n1e9\n", [:]),
    ("gaussian-gamma", "x\n1\nnan\n", [:]), ("gaussian-gamma", "x\nabc\n1\n", [:]), ("gaussian-mean", "x\n", [:]),
    ("gaussian-wishart", "x,y\n1,2\n", ["degrees": [0.5]]), ("gaussian-wishart", "x,y\n1,2\n", ["mean": [1.0, 2, 3]]),
    ("gaussian-wishart", "x,y\n1,2\n", ["inverse_scale": [1.0, 2, 2, 1]]), ("beta", "x\n1\n", [:]),
  ])
  func mistakesAreErrors(model: String, text: String, prior: [String: [Double]]) throws {
    let files = try Files()
    var request = ConjugateUpdate.Request(model: model, source: try files.write("data.csv", text))
    request.prior = prior
    #expect(throws: (any Error).self) { try ConjugateUpdate(request) }
  }

  @Test func aMissingFileIsAnError() {
    #expect(throws: DataError.self) {
      try ConjugateUpdate(ConjugateUpdate.Request(model: "beta-bernoulli", source: "/nowhere/at/all.csv"))
    }
  }
}
