import Datasets
import Files
import Foundation
import Recipes

/// Arrays and pictures.
extension FitReading {
  /// - Throws: `RecipeError` or `DataError` where there is nothing to learn.
  init(examples asked: FitRequest) throws {
    guard asked.keep.isEmpty, asked.drop.isEmpty, asked.sequence == nil else {
      throw FitReading.mistake(asked, "has no columns", "leave out --keep, --drop and --sequence")
    }
    var request = DataRequest(source: asked.data)
    request.target = asked.target
    let data = try DataSource.open(request)
    let (train, shape) = (data.train, data.train.inputs.shape)
    guard train.sequences == nil, train.captions == nil, train.labelImages == nil else {
      throw FitReading.mistake(
        asked, "an example of it is no row and no picture with a class", "train with elbo train: see elbo recipes")
    }
    let task = try FitReading.task(asked, train)
    let labels = train.labels?.indices.map { Int32(bitPattern: $0) } ?? []
    let common = FitReading.common(Array(0..<train.count), labels, task)
    let side = shape.map(String.init).joined(separator: "×")
    let answers =
      train.labels.map { "\($0.count) classes: " + $0.shownNames.prefix(10).joined(separator: ", ") } ?? "numbers"
    let target = task.hasTarget ? data.targetName ?? "class" : nil
    let source = DataSource.names.contains(asked.data) ? asked.data : Setting.dataPath(asked.data)
    self.init(
      task: task, target: target,
      columns: [
        Column(
          name: task == .pictures ? "picture" : "row", contents: "\(side) \(train.inputs.kind.rawValue)", use: .input)
      ] + (target.map { [Column(name: $0, contents: answers, use: .target)] } ?? []), rowCount: train.count,
      rows: common.rows,
      notes: data.notes
        + FitReading.notes(train.count, complete: train.count, rows: common.rows.count, rare: common.rare)
        + (data.test.map { ["the \($0.count) examples of the data's own test part are scored in the report"] } ?? []),
      settings: asked.target.map { ["\(DataKey.target)=\(JSONText.string($0))"] } ?? [],
      width: train.inputs.elementsPerExample, outputs: train.labels?.count ?? 1, shape: task == .pictures ? shape : [],
      content: .examples(
        source: FitReading.absolute(source), tests: data.test?.count ?? 0, fingerprint: data.fingerprint),
      groups: labels)
  }

  private static func task(_ asked: FitRequest, _ train: ExampleSet) throws -> FitTask {
    if asked.task == .groups, train.inputs.shape.count == 1 { return .groups }
    let isRow = train.inputs.shape.count == 1
    guard train.labels != nil || train.targets?.elementsPerExample == 1, isRow || train.labels != nil else {
      throw mistake(
        asked, isRow ? "has neither classes nor a number to predict" : "its pictures have no classes",
        isRow
          ? "name the array of targets with --target, or give --task groups" : "put them into a folder for each class")
    }
    let task = train.labels == nil ? FitTask.numbers : isRow ? .classes : .pictures
    guard asked.task == nil || asked.task == task else {
      throw mistake(
        asked, "it is no data for --task \(asked.task!.rawValue)", "leave it out, or give --task \(task.rawValue)")
    }
    return task
  }

  /// Lists of examples name their data wherever they are read.
  private static func absolute(_ source: String) -> String {
    guard DataFile.kind(of: source) != nil else { return source }
    return source.hasPrefix("/") ? source : FileManager.default.currentDirectoryPath + "/" + source
  }
}
