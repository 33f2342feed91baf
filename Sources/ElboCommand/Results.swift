import Datasets
import Metrics
import Reports
import Runs
import Training

/// What a training or an evaluation came to, on standard output.
enum Results {
  /// What a training would be: its recipe, and on standard error what else is to be said of it.
  static func print(dryRunOf job: TrainingJob, quiet: Bool) {
    if !quiet { for note in job.notes { StandardError.write(note + "\n") } }
    Swift.print(job.resolvedRecipe, terminator: "")
  }

  /// The summary as a table, or as the JSON that the run folder holds.
  static func print(_ summary: Summary, json: Bool, run: RunFolder) throws {
    if json {
      Swift.print(try summary.json(), terminator: "")
      return
    }
    var rows = rows(of: summary.metrics)
    if let examples = summary.examples { rows.append(.init("examples", .text(text(of: examples)))) }
    rows.append(.init("examples/s", summary.examples_per_second, digits: 0))
    rows.append(.init("steps", .integer(summary.steps)))
    if let selection = summary.selection { rows.append(.init("selected", .text(text(of: selection)))) }
    rows.append(.init("training", summary.seconds, digits: 1, unit: "s"))
    rows.append(.init("parameters", .integer(summary.parameters)))
    rows.append(.init("parameters_sha256", .text(summary.parameters_sha256)))
    rows.append(.init("run", .text(run.path)))
    for figure in summary.figures { rows.append(.init("figure", .text("\(run.path)/\(figure)"))) }
    Swift.print(ResultsTable(rows).text, terminator: "")
  }

  /// Metrics alone.
  static func print(metrics: [String: Double], title: String, json: Bool) throws {
    let table = ResultsTable(rows(of: metrics, eachClass: json))
    Swift.print(json ? table.json + "\n" : title + "\n" + table.text, terminator: "")
  }

  /// Metrics of a run's test examples, how many these are, and the scores of each class.
  static func print(metrics: [String: Double], title: String, json: Bool, of run: Run) throws {
    let examples = try run.evaluatedExamples()
    guard !json else {
      let counts: [ResultsTable.Row] = [
        .init("examples/read", .integer(examples.read)), .init("examples/scored", .integer(examples.scored)),
      ]
      return Swift.print(ResultsTable(rows(of: metrics, eachClass: true) + counts).json)
    }
    let counts = ResultsTable.Row("examples", .text("\(examples.read) read, \(examples.scored) scored"))
    Swift.print(title + "\n" + ResultsTable(rows(of: metrics) + [counts]).text, terminator: "")
    guard let classes = run.schema.classes, metrics.keys.contains(where: ClassMetric.isOne) else { return }
    let table = ClassTable(ClassLabels.shown(classes.names, count: classes.count), metrics, part: "test/")
    Swift.print("\n" + table.text, terminator: "")
  }

  /// What became of the examples, in one line.
  private static func text(of examples: Summary.Examples) -> String {
    var text = "\(examples.read) read"
    if examples.dropped > 0 { text += ", \(examples.dropped) left out with empty cells" }
    text += "; \(examples.train) to train"
    if examples.validation > 0 { text += ", \(examples.validation) to validate" }
    if examples.test > 0 { text += ", \(examples.test) to test" }
    switch (examples.scored, examples.scored_part) {
    case (0, _): return text
    case (let count, .test): return text + "; \(count) of the test part scored"
    case (let count, .train): return text + "; \(count) of the training part scored, since there is no test part"
    }
  }

  /// Which parameters are the result and why the training ended, in one line.
  private static func text(of selection: Selection) -> String {
    guard let value = selection.value else { return "the newest parameters: \(selection.metric) was not measured yet" }
    let best =
      "step \(selection.step), the best \(selection.metric) of \(selection.evaluations): \(RunTexts.number(value))"
    switch selection.ended {
    case .patience: return best + "; stopped after \(selection.waits) without a better one"
    case .converged: return best + "; converged"
    case .steps: return best + "; all steps are done"
    case nil: return best + " so far"
    }
  }

  /// Writes predictions to an archive, and says what is in it and what is not.
  static func write(_ predictions: Predictions, to output: String) throws {
    try predictions.write(to: output)
    var rows: [ResultsTable.Row] = [.init("examples", .integer(predictions.examples))]
    if predictions.leftOut > 0 {
      rows.append(.init("left out", .text("rows with empty cells: \(predictions.leftOut); `row` counts them")))
    }
    if let samples = predictions.samples, let error = predictions.greatestError {
      rows += [.init("samples", .integer(samples)), .init("greatest standard error", error, digits: 5)]
    } else {
      rows.append(.init("arrays", .text(predictions.columns.map(\.name).joined(separator: ", "))))
    }
    Swift.print(ResultsTable(rows + [.init("predictions", .text(output))]).text, terminator: "")
    if let shortfall = predictions.shortfall { StandardError.write(shortfall + "\n") }
    guard !predictions.missing.isEmpty else { return }
    let count = predictions.missing.reduce(0) { $0 + $1.samples.count * $1.examples.count }
    StandardError.write(
      "\(count) of \(predictions.samples! * predictions.examples) samples are missing; `missing` in \(output) names them\n"
    )
  }

  /// What a calibration learned, and how good predictions of the test part are with it.
  static func print(_ calibration: Calibration, _ metrics: [String: Double], json: Bool) {
    func row(_ name: String, _ label: String, _ value: ResultsTable.Row.Value) -> ResultsTable.Row {
      .init(json ? name : label, value)
    }
    var rows = [row("source", "calibrated with", .text(calibration.source))]
    if calibration.scaled > 0 {
      rows.append(row("scaled", "examples that chose the scaling", .integer(calibration.scaled)))
    }
    rows.append(row("scored", "examples that were scored", .integer(calibration.scored)))
    if let temperature = calibration.temperature { rows.append(.init("temperature", temperature, digits: 4)) }
    rows.append(.init("score", .text(calibration.score.rawValue)))
    let table = ResultsTable(rows + Self.rows(of: metrics))
    Swift.print(json ? table.json + "\n" : table.text, terminator: "")
  }

  /// Writes a picture's maps to a folder, and says what is in it.
  static func write(_ enlarged: Enlarged, to output: String) throws {
    let files = try enlarged.write(to: output)
    let maps = enlarged.maps
    func deviation(_ variances: [Float]) -> Double {
      (variances.reduce(0) { $0 + Double($1) } / Double(variances.count)).squareRoot()
    }
    let rows: [ResultsTable.Row] = [
      .init("pixels", .text("\(maps.height) × \(maps.width)")), .init("samples", .integer(maps.samples)),
      .init("aleatoric deviation", deviation(maps.aleatoric), digits: 3, unit: "gray levels"),
      .init("epistemic deviation", deviation(maps.epistemic), digits: 3, unit: "gray levels"),
      .init("files", .text(files.joined(separator: ", "))),
    ]
    Swift.print(ResultsTable(rows).text, terminator: "")
  }

  static func write(_ segmented: Segmented, to folder: String) throws {
    let files = try segmented.write(to: folder)
    let maps = segmented.maps
    let count = Double(max(maps.height * maps.width, 1))
    func mean(_ map: [Float]) -> Double { map.reduce(0) { $0 + Double($1) } / count }
    let rows: [ResultsTable.Row] = [
      .init("pixels", .text("\(maps.height) × \(maps.width)")), .init("classes", .integer(maps.classes)),
      .init("samples", .integer(maps.samples)), .init("aleatoric, mean", mean(maps.aleatoric), digits: 4, unit: "nats"),
      .init("epistemic, mean", mean(maps.epistemic), digits: 4, unit: "nats"),
      .init("files", .text(files.joined(separator: ", "))),
    ]
    Swift.print(ResultsTable(rows).text, terminator: "")
  }

  /// Writes captions, and says those of the first pictures.
  static func write(_ captions: PictureCaptions, to output: String) throws {
    try captions.write(to: output)
    let rows = captions.rows.prefix(10).map { row in
      ResultsTable.Row(row.picture, .text(row.prediction.text))
    }
    Swift.print(
      ResultsTable(
        rows + [.init("samples", .integer(captions.rows[0].prediction.samples)), .init("captions", .text(output))]
      )
      .text, terminator: "")
  }

  /// - Parameter eachClass: whether the scores of single classes are among them.
  private static func rows(of metrics: [String: Double], eachClass: Bool = false) -> [ResultsTable.Row] {
    metrics.filter { eachClass || !ClassMetric.isOne($0.key) }.sorted { $0.key < $1.key }.map { name, value in
      // Counts are whole. Four significant figures of small numbers, two decimals of large ones.
      let isCount = value.rounded() == value && (value == 0 || (10..<1e15).contains(value))
      return isCount
        ? ResultsTable.Row(name, .integer(Int(value))) : ResultsTable.Row(name, value, digits: abs(value) >= 10 ? 2 : 4)
    }
  }
}
