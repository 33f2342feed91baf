import ArgumentParser
import Figures
import Foundation
import Models
import Recipes
import Reports

struct ConjugateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "conjugate", abstract: "Posterior, predictive and evidence of a conjugate model, in closed form.",
    discussion: """
      Models and the parameters of their priors:
        beta-bernoulli         a, b                                        rows of one number, 0 or 1
        beta-binomial          a, b                                        rows of successes, trials
        dirichlet-categorical  concentration                               rows of one category, 0 … K − 1, or a word
        dirichlet-multinomial  concentration                               rows of K counts
        gaussian-mean          mean, precision, noise_variance             rows of one number
        gaussian-gamma         mean, mean_precision, shape, rate           rows of one number
        gaussian-wishart       mean, mean_precision, degrees, inverse_scale  rows of D numbers

      Examples:
        elbo conjugate beta-bernoulli --data coin.csv --prior a=2 --prior b=2
        elbo conjugate gaussian-gamma --data faithful.csv --columns eruptions --figure mean.png
        elbo conjugate gaussian-gamma --data monday.csv --json > posterior.json
        elbo conjugate gaussian-gamma --data tuesday.csv --from posterior.json
      """)

  @Argument(help: "The model.")
  var model: String

  @Option(help: ArgumentHelp("The observations: a CSV table or an NPY array.", valueName: "file"))
  var data: String

  @Option(
    help: ArgumentHelp("The columns that hold them, parted by commas (default: all).", valueName: "names"))
  var columns: String?

  @Option(help: ArgumentHelp("A parameter of the prior; several numbers parted by commas.", valueName: "name=value"))
  var prior: [String] = []

  @Option(
    help: ArgumentHelp("Take the posterior of an earlier update, printed with --json, as the prior.", valueName: "file")
  )
  var from: String?

  @Option(help: ArgumentHelp("Update with so many observations at a time, and tell each posterior.", valueName: "n"))
  var batch: Int?

  @Option(help: ArgumentHelp("Draw prior and posterior.", valueName: "file.png"))
  var figure: String?

  @Flag(help: "Print the results as JSON.")
  var json = false

  func run() async throws {
    var request = ConjugateUpdate.Request(model: model, source: data)
    request.columns = columns?.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } ?? []
    if let batch {
      guard batch > 0 else { throw RecipeError("--batch is \(batch): it must be at least 1") }
      request.batch = batch
    }
    if let from { request.prior = try Self.posterior(in: from, of: model) }
    for text in prior {
      let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
      let numbers = parts.count == 2 ? parts[1].split(separator: ",").map { Double($0) } : []
      guard parts.count == 2, !numbers.isEmpty, numbers.allSatisfy({ $0?.isFinite == true }) else {
        throw RecipeError("--prior \(text): write name=number, or name=number,number,…")
      }
      request.prior[parts[0]] = numbers.map { $0! }
    }
    let update = try ConjugateUpdate(request)
    if let figure {
      let (folder, name) = (
        NSString(string: figure).deletingLastPathComponent, NSString(string: figure).lastPathComponent
      )
      let stem = NSString(string: name).deletingPathExtension
      guard name.lowercased().hasSuffix(".png"), Figure.isFileStem(stem) else {
        throw RecipeError("--figure is \(figure): name a file.png of letters, digits, - and _")
      }
      let drawn = Figure(stem, title: update.figure.title, update.figure.content)
      let outcome = try await FigureWriter(folder: folder.isEmpty ? "." : folder).write([drawn])
      for note in outcome.notes { StandardError.write(note + "\n") }
    }
    print(json ? try Report(update).text : table(update), terminator: "")
  }

  private func table(_ update: ConjugateUpdate) -> String {
    func text(_ values: [Double]) -> String {
      values.map { String(format: "%.6g", $0) }.joined(separator: " ")
    }
    func rows(_ head: String, _ parameters: ConjugateParameters) -> [ResultsTable.Row] {
      parameters.entries.map { .init("\(head) \($0.name)", .text(text($0.values))) }
    }
    var result: [ResultsTable.Row] = [.init("observations", .integer(update.observations))]
    result += rows("prior", update.prior)
    if batch != nil {
      for (index, state) in update.path.dropLast().enumerated() {
        result += rows("after part \(index + 1)", state)
      }
    }
    result +=
      rows("posterior", update.posterior)
      + rows("", update.beliefs).map {
        ResultsTable.Row(String($0.name.dropFirst()), $0.value)
      }
    result += rows("next", update.predictive)
    result.append(.init("log evidence", update.logEvidence, digits: 6, unit: "nats"))
    return ResultsTable(result).text
  }

  /// The posterior that an earlier update printed.
  private static func posterior(in path: String, of model: String) throws -> [String: [Double]] {
    guard let bytes = FileManager.default.contents(atPath: path),
      let report = try? JSONDecoder().decode(Report.self, from: bytes)
    else { throw RecipeError("\(path) is not what `elbo conjugate … --json` prints: print an update with --json") }
    guard report.model == model else {
      throw RecipeError("\(path) is an update of \(report.model), not of \(model): update with the same model")
    }
    return report.posterior
  }

  private struct Report: Codable {
    let model: String
    let observations: Int
    let prior: [String: [Double]]
    let posterior: [String: [Double]]
    let beliefs: [String: [Double]]
    let predictive: [String: [Double]]
    let log_evidence: Double
    let path: [[String: [Double]]]

    init(_ update: ConjugateUpdate) {
      func dictionary(_ parameters: ConjugateParameters) -> [String: [Double]] {
        Dictionary(uniqueKeysWithValues: parameters.entries.map { ($0.name, $0.values) })
      }
      (model, observations, log_evidence) = (update.model, update.observations, update.logEvidence)
      (prior, posterior) = (dictionary(update.prior), dictionary(update.posterior))
      (beliefs, predictive) = (dictionary(update.beliefs), dictionary(update.predictive))
      path = update.path.count > 1 ? update.path.map(dictionary) : []
    }

    var text: String {
      get throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
      }
    }
  }
}
