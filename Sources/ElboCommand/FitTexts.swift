import Files
import Reports
import Runs

/// Fits as text.
enum FitTexts {
  /// How a table is read.
  static func table(of reading: FitReading) -> String {
    let task =
      switch (reading.task, reading.target) {
      case (.numbers, let target?): "\(target) is a number"
      case (.series, let target?): "\(target) is forecast\(season(reading))"
      case (_, let target?): "\(target) is one of \(reading.outputs) classes"
      case (.states, nil): "states of sequences are looked for"
      case (_, nil): "groups of rows are looked for"
      }
    var table = TextTable([.init("column"), .init("holds"), .init("use")])
    for column in reading.columns { table.append([column.name, column.contents, column.use.text]) }
    return "\(task); \(reading.rows.count) of \(reading.rowCount) rows are used\n" + table.text
      + reading.notes.map { $0 + "\n" }.joined()
  }

  private static func season(_ reading: FitReading) -> String {
    reading.seasonLength.map { ", with a season of \(RunTexts.number($0))" } ?? ", without a season"
  }

  static func json(of answer: FitAnswer) throws -> String { try JSONDocument.text(of: answer, allowsNonFinite: true) }

  static func table(of answer: FitAnswer, folder: String) -> String {
    let task = FitTask(rawValue: answer.task)!
    let models = [answer.chosen] + answer.test.keys.filter { $0 != answer.chosen }.sorted(by: >)
    var table = TextTable([.init("test part")] + models.map { .init($0, .right) })
    for metric in answer.test[answer.chosen]!.keys.sorted() {
      table.append([metric] + models.map { RunTexts.number(answer.test[$0]?[metric]) })
    }
    let differences = answer.differences.filter { $0.metric == task.likelihood }.map { difference in
      ResultsTable.Row(
        "\(difference.against) − \(answer.chosen), \(difference.metric)",
        .text(
          "\(RunTexts.number(difference.difference)) (\(RunTexts.number(difference.lower)) to \(RunTexts.number(difference.upper)))"
        ))
    }
    let conformal = (answer.conformal.isEmpty ? [] : FitAnswer.coverages).map { coverage in
      let level = Int((100 * coverage).rounded())
      let held = 100 * (answer.conformal["test/conformal/Coverage\(level)"] ?? .nan)
      return ResultsTable.Row("\(level) % conformal", .text(RunTexts.number(held) + " % held"))
    }
    let best = answer.tried.first { $0.name == answer.chosen }!
    let rows: [ResultsTable.Row] =
      [.init("chosen", .text("\(answer.chosen) (\(best.recipe)), validation \(RunTexts.number(best.likelihood))"))]
      + zip([answer.aleatoric_share], [answer.epistemic_share]).compactMap { data, parameters in
        guard let data, let parameters else { return nil }
        let (ofData, ofParameters) = (RunTexts.number(100 * data), RunTexts.number(100 * parameters))
        return .init("uncertainty", .text("\(ofData) % of the data, \(ofParameters) % of the parameters"))
      } + [
        .init("parameters_sha256", .text(answer.parameters_sha256)), .init("model", .text(folder + "/model.elbo")),
        .init("report", .text(folder + "/report.html")), .init("plan", .text(folder + "/plan.yaml")),
      ]
    return table.text + ResultsTable(differences + conformal + rows).text
      + answer.notes.map { $0 + "\n" }.joined()
  }
}
