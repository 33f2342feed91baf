import Datasets
import Training

/// Data without what a supervised model learns: what it has in its place, and what to write.
extension TrainingError {
  /// - Parameter data: which has no class labels.
  package static func noClasses(_ data: Dataset) -> TrainingError {
    guard data.train.targets != nil else { return noTarget(data, "class labels") }
    return TrainingError(
      .unsuitable,
      "the target \(quoted(data.targetName)) of \(data.name) is taken as numbers, and the model learns classes",
      advice: "set \(DataKey.targetKind)=classes, or choose a model of numbers, such as bayesian-ridge")
  }

  /// - Parameter data: which has no numbers to learn.
  package static func noNumbers(_ data: Dataset) -> TrainingError {
    guard data.train.labels != nil else { return noTarget(data, "targets") }
    return TrainingError(
      .unsuitable,
      "the target \(quoted(data.targetName)) of \(data.name) is taken as classes, and the model learns numbers",
      advice: "set \(DataKey.targetKind)=values if it holds numbers, or choose a model of classes, such as mlp")
  }

  private static func quoted(_ name: String?) -> String { name.map { "'\($0)'" } ?? "" }

  private static func noTarget(_ data: Dataset, _ what: String) -> TrainingError {
    guard let last = data.columns.last else {
      return TrainingError(.unsuitable, "\(data.name) has no \(what)", advice: "name data that has")
    }
    let more = data.columns.count > 8 ? ", …" : ""
    return TrainingError(
      .unsuitable, "no column of \(data.name) is the target",
      advice:
        "name it, as in --set \(DataKey.target)=\(last); there are \(data.columns.prefix(8).joined(separator: ", "))\(more)"
    )
  }
}
