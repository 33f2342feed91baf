import Conjugate
import Figures
import Files
import Foundation
import Recipes
import Reports

/// An update of a conjugate model, as people and programs read it.
package struct ConjugateReport: Codable, Sendable {
  private let model: String
  private let observations: Int
  private let prior: [String: [Double]]
  private let posterior: [String: [Double]]
  private let beliefs: [String: [Double]]
  private let predictive: [String: [Double]]
  private let log_evidence: Double
  private let path: [[String: [Double]]]
  /// Paths of what was drawn and of its numbers; nil: nothing was.
  private let figures: [String]?

  package init(_ update: ConjugateUpdate, figures: [String]) {
    func dictionary(_ parameters: ConjugateParameters) -> [String: [Double]] {
      Dictionary(uniqueKeysWithValues: parameters.entries.map { ($0.name, $0.values) })
    }
    (model, observations, log_evidence) = (update.model, update.observations, update.logEvidence)
    (prior, posterior) = (dictionary(update.prior), dictionary(update.posterior))
    (beliefs, predictive) = (dictionary(update.beliefs), dictionary(update.predictive))
    path = update.path.count > 1 ? update.path.map(dictionary) : []
    self.figures = figures.isEmpty ? nil : figures
  }

  package var json: String {
    get throws {
      try JSONDocument.text(of: self)
    }
  }

  /// The posterior that an earlier update printed.
  /// - Throws: `RecipeError` when the file is no such update, or one of another model.
  package static func posterior(in path: String, of model: String) throws(RecipeError) -> [String: [Double]] {
    guard let bytes = FileManager.default.contents(atPath: path),
      let report = try? JSONDecoder().decode(Self.self, from: bytes)
    else { throw RecipeError("\(path) is not what `elbo conjugate … --json` prints: print an update with --json") }
    guard report.model == model else {
      throw RecipeError("\(path) is an update of \(report.model), not of \(model): update with the same model")
    }
    return report.posterior
  }
}

extension ConjugateUpdate.Request {
  /// - Parameters:
  ///   - columns: the columns that hold the observations, comma-separated; nil: all.
  ///   - batch: update with so many observations at a time.
  ///   - path: the report of an earlier update, whose posterior is the prior.
  ///   - prior: parameters, as `name=number` or `name=number,number,…`.
  package init(
    model: String, source: String, columns: String?, batch: Int?, from path: String?, prior assignments: [String]
  ) throws {
    self.init(model: model, source: source)
    self.columns = columns?.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } ?? []
    if let batch {
      guard batch > 0 else { throw RecipeError("--batch is \(batch): it must be at least 1") }
      self.batch = batch
    }
    if let path { prior = try ConjugateReport.posterior(in: path, of: model) }
    for text in assignments {
      let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
      let numbers = parts.count == 2 ? parts[1].split(separator: ",").map { Double($0) } : []
      guard parts.count == 2, !numbers.isEmpty, numbers.allSatisfy({ $0?.isFinite == true }) else {
        throw RecipeError("--prior \(text): write name=number, or name=number,number,…")
      }
      prior[parts[0]] = numbers.compactMap { $0 }
    }
  }
}

extension ConjugateUpdate {
  /// What was found, for people.
  /// - Parameters:
  ///   - parts: whether to report the posterior after each part of the observations.
  ///   - figures: paths of what was drawn.
  package func table(parts: Bool, figures: [String]) -> String {
    func rows(_ head: String, _ parameters: ConjugateParameters) -> [ResultsTable.Row] {
      parameters.entries.map { entry in
        let values = entry.values.map { String(format: "%.6g", $0) }.joined(separator: " ")
        return .init(head.isEmpty ? entry.name : "\(head) \(entry.name)", .text(values))
      }
    }
    var result: [ResultsTable.Row] = [.init("observations", .integer(observations))]
    result += rows("prior", prior)
    if parts {
      for (index, state) in path.dropLast().enumerated() { result += rows("after part \(index + 1)", state) }
    }
    result += rows("posterior", posterior) + rows("", beliefs) + rows("next", predictive)
    result.append(.init("log evidence", logEvidence, digits: 6, unit: "nats"))
    return ResultsTable(result + figures.map { .init("figure", .text($0)) }).text
  }

  /// Draws prior and posterior, and writes the curves' numbers beside the picture.
  /// - Parameter path: the picture, a .png.
  package func draw(to path: String) async throws -> FigureWriter.Outcome {
    let (folder, name) = (NSString(string: path).deletingLastPathComponent, NSString(string: path).lastPathComponent)
    let stem = NSString(string: name).deletingPathExtension
    guard name.lowercased().hasSuffix(".png"), Figure.isFileStem(stem) else {
      throw RecipeError("--figure is \(path): name a file.png of letters, digits, - and _")
    }
    let drawn = Figure(stem, title: figure.title, figure.content)
    return try await FigureWriter(folder: folder.isEmpty ? "." : folder).write([drawn])
  }
}
