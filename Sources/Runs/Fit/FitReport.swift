import Files
import Foundation
import Recipes
import Reports
import Training

/// The report: one HTML page without scripts that shows what was chosen and why, how good it is, and what was tried.
struct FitReport {
  private let answer: FitAnswer
  private let reading: FitReading

  init(_ answer: FitAnswer, _ reading: FitReading) { (self.answer, self.reading) = (answer, reading) }

  private var likelihood: String { reading.task.likelihood }

  var html: String {
    let title =
      answer.target.map { "Predicting \($0)" } ?? (reading.task == .states ? "States of sequences" : "Groups of rows")
    return """
      <!DOCTYPE html>
      <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
      <title>\(escaped(title))</title><style>\(FitReport.style)</style></head><body>
      <h1>\(escaped(title))</h1>
      \(lead)
      <h2>How good it is</h2>
      \(quality)
      \(certainty)
      \(unsure)
      \(moreData)
      <h2>What was tried</h2>
      \(trials)
      <h2>The data</h2>
      \(data)
      <h2>To use it</h2>
      <pre>elbo predict FOLDER --input \(usage)</pre>
      <p class="small">Elbo \(Version.elbo) · parameters \(answer.parameters_sha256) · plan.yaml repeats this to the same bits.</p>
      </body></html>

      """
  }

  // MARK: Sections

  private var lead: String {
    let best = answer.tried.first { $0.name == answer.chosen }!
    let values = best.values.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ", ")
    var text =
      "<p><strong>\(escaped(answer.chosen))</strong> (recipe <code>\(escaped(best.recipe))</code>, <code>\(escaped(values))</code>) "
      + "was chosen: its negative log-likelihood on validation rows, \(number(best.likelihood)), "
      + "is the least of \(answer.tried.count) families and \(answer.tried.reduce(0) { $0 + $1.points }) points. "
    for difference in answer.differences where difference.metric == likelihood {
      let verdict =
        difference.lower > 0 ? "better than" : difference.upper < 0 ? "worse than" : "not clearly different from"
      text +=
        "On \(answer.rows.test) test rows that chose nothing it is \(verdict) the \(difference.against) baseline, "
        + "whose value is \(number(abs(difference.difference))) \(difference.difference < 0 ? "lower" : "higher") "
        + "(95 % interval of the difference: \(signed(difference.lower)) to \(signed(difference.upper))). "
    }
    return text + "</p>" + answer.notes.map { "<p class=\"note\">\(escaped($0))</p>" }.joined()
  }

  private var quality: String {
    let models =
      [answer.chosen]
      + [reading.task.baseline, FitAnswer.constant].filter { answer.test[$0] != nil && $0 != answer.chosen }
    let names = answer.test[answer.chosen]!.keys.sorted()
    let rows = names.map { name in [label(name)] + models.map { number(answer.test[$0]?[name]) } }
    let differences = answer.differences.filter { $0.metric == likelihood || $0.metric == reading.task.error }.map {
      ["\($0.against), \(label($0.metric))", signed($0.difference), "\(signed($0.lower)) to \(signed($0.upper))"]
    }
    let metrics =
      "<p>Metrics of the test rows, which have chosen and calibrated nothing.</p>" + table([""] + models, rows)
    return differences.isEmpty
      ? metrics
      : metrics
        + "<p>How much the baselines' metrics are above the chosen model's, with 95 % intervals of a paired bootstrap.</p>"
        + table(["baseline, metric", "difference", "interval"], differences)
  }

  private var usage: String {
    guard reading.task.hasTarget else { return "new.csv --output groups.csv" }
    let input = if case .table = reading.content { "new.csv" } else { "NEW" }
    return "\(input) --coverage 0.9 --output predictions.csv"
  }

  private var certainty: String {
    guard let aleatoric = answer.aleatoric_share, let epistemic = answer.epistemic_share else { return "" }
    let isOfNumbers = reading.task.isOfNumbers
    let rows = FitAnswer.coverages.map { coverage in
      let level = "\(Int((100 * coverage).rounded()))"
      return [
        "\(level) %", percent(answer.conformal["test/conformal/Coverage\(level)"]),
        number(answer.conformal["test/conformal/" + (isOfNumbers ? "Width" : "SetSize") + level]),
      ]
    }
    let kind = isOfNumbers ? "intervals" : "sets"
    let scaled =
      isOfNumbers
      ? ""
      : "<p>With the temperature of the calibration rows, the negative log-likelihood of the test rows is \(number(answer.conformal["test/cls/NLL_calibrated"])), before it \(number(answer.conformal["test/cls/NLL"])).</p>"
    return
      "<h2>How sure it is</h2><p>Conformal \(kind) of \(answer.rows.calibration) calibration rows: how often they hold the truth on the test rows.</p>"
      + table(["promised", "held", isOfNumbers ? "mean width" : "mean size"], rows) + scaled
      + "<p>Of the \(isOfNumbers ? "variance" : "entropy") of the predictions, \(percent(aleatoric)) is the noise of the data "
      + "and \(percent(epistemic)) what the parameters do not know.</p>"
  }

  private var unsure: String {
    guard let unsure = answer.unsure else { return "" }
    let rows = unsure.traits.map {
      [$0.column, number($0.mean_of_unsure), number($0.mean_of_all), signed($0.deviations)]
    }
    let outside = unsure.ratio_outside.map {
      " \(unsure.rows_outside) rows have a number beyond those that were learned from; their predictions are \(number($0)) times as wide as those of all."
    }
    return
      "<h2>Where it is unsure</h2><p>The \(unsure.rows) test rows with the widest predictions are \(number(unsure.ratio)) times as wide as all. "
      + (rows.isEmpty ? "No column tells them apart." : "These columns tell them apart.") + (outside ?? "") + "</p>"
      + (rows.isEmpty ? "" : table(["column", "mean of these", "mean of all", "standard deviations"], rows))
  }

  private var moreData: String {
    let curve = answer.learning_curve
    guard let last = curve.last, let before = curve.dropLast().last else { return "" }
    let gain = before.likelihood - last.likelihood
    return
      "<h2>What more data would change</h2><p>The same settings on fewer rows, by the test rows. The last doubling \(gain < 0 ? "raised" : "lowered") the negative log-likelihood by \(number(abs(gain))): "
      + (gain > 0.02 ? "more rows help." : "more rows of this kind change little.") + "</p>"
      + table(["rows learned from", label(likelihood)], curve.map { ["\($0.rows)", number($0.likelihood)] })
  }

  private var trials: String {
    let ranked = answer.tried.sorted { ($0.likelihood ?? .infinity) < ($1.likelihood ?? .infinity) }
    let rows = ranked.map { tried in
      [
        tried.name, "\(tried.points)", tried.failure ?? number(tried.likelihood), number(tried.standard_error),
        "\(tried.steps)",
        tried.values.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " "),
      ]
    }
    return
      "<p>The best point of each family, by the mean negative log-likelihood over \(reading.seeds) validation \(reading.seeds == 1 ? "part" : "parts"); less is better.</p>"
      + chart(ranked)
      + table(["family", "points", "validation NLL", "standard error", "steps", "settings of the best"], rows)
      + answer.omitted.map { "<p class=\"note\">\(escaped($0))</p>" }.joined()
  }

  private var data: String {
    let rows = reading.columns.map { column in [column.name, column.contents, column.use.text] }
    return
      "<p>\(answer.rows.read) rows: \(answer.rows.learning) to learn and choose from\(answer.rows.calibration > 0 ? ", \(answer.rows.calibration) to calibrate" : ""), \(answer.rows.test) to score. "
      + "\(learned)</p>"
      + table(["column", "holds", "use"], rows)
  }

  private var learned: String {
    let scored = "What is scored has learned from all rows but these"
    guard reading.testCount == 0 else { return scored + ", and predicts." }
    return scored + "; the model that predicts has learned from all."
  }

  // MARK: Pieces

  /// Values with a standard error to both sides.
  private func chart(_ tried: [FitAnswer.Tried]) -> String {
    let values = tried.compactMap { item in item.likelihood.map { (item.name, $0, item.standard_error ?? 0) } }
    let (low, high) = (values.map { $0.1 - $0.2 }.min() ?? 0, values.map { $0.1 + $0.2 }.max() ?? 1)
    guard values.count > 1, (high - low).isFinite, high > low else { return "" }
    func x(_ value: Double) -> String { String(format: "%.1f", 130 + 430 * (value - low) / (high - low)) }
    let lines = values.enumerated().map { row, item in
      let y = 16 + 22 * row
      return
        "<text x=\"0\" y=\"\(y + 4)\">\(escaped(item.0))</text><line x1=\"\(x(item.1 - item.2))\" x2=\"\(x(item.1 + item.2))\" y1=\"\(y)\" y2=\"\(y)\"/><circle cx=\"\(x(item.1))\" cy=\"\(y)\" r=\"4\"/>"
    }
    return
      "<svg viewBox=\"0 0 580 \(22 * values.count + 12)\" role=\"img\" aria-label=\"validation NLL by family\">\(lines.joined())</svg>"
  }

  private func table(_ head: [String], _ rows: [[String]]) -> String {
    func line(_ cells: [String], _ tag: String) -> String {
      "<tr>" + cells.map { "<\(tag)>\(escaped($0))</\(tag)>" }.joined() + "</tr>"
    }
    return "<table>" + line(head, "th") + rows.map { line($0, "td") }.joined() + "</table>"
  }

  private func label(_ metric: String) -> String {
    switch metric {
    case "reg/NLL", "cls/NLL", "NLL": "negative log-likelihood"
    case "reg/RMSE": "root mean square error"
    case "reg/MAE": "mean absolute error"
    case "cls/Acc": "accuracy"
    case "cls/Brier": "Brier score"
    case "cal/ECE": "calibration error"
    case _ where metric.hasPrefix("reg/Coverage"): "coverage of its own \(metric.dropFirst(12)) % interval"
    default: metric
    }
  }

  private func number(_ value: Double?) -> String { value.map { NumberText.written($0, digits: 4) } ?? "–" }
  private func signed(_ value: Double) -> String { (value < 0 ? "" : "+") + NumberText.written(value, digits: 3) }
  private func percent(_ value: Double?) -> String { value.map { String(format: "%.1f %%", 100 * $0) } ?? "–" }

  private func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      .replacing("\"", with: "&quot;")
  }

  private static let style = """
    body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color:#222}
    table{border-collapse:collapse;margin:.5rem 0;font-size:.9rem}td,th{padding:.2rem .8rem .2rem 0;text-align:left;
    border-bottom:1px solid #ddd;vertical-align:top}pre,code{background:#f4f4f4;padding:.1rem .3rem}pre{padding:.6rem}
    .note{color:#8a4b00}.small{color:#777;font-size:.8rem;overflow-wrap:anywhere}svg{max-width:36rem;font-size:13px}
    svg line{stroke:#2a6fb0;stroke-width:2}svg circle{fill:#2a6fb0}h2{margin-top:2rem;font-size:1.2rem}
    """
}

extension FitReading.Use {
  /// In words.
  package var text: String {
    switch self {
    case .target: "target"
    case .input: "input"
    case .identifier: "identifier, no input"
    case .sequence: "names the sequence"
    case .dropped(let reason): "left out: \(reason)"
    }
  }
}
