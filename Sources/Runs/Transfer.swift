import Datasets
import Learners
import Recipes
import Tensors
import Training

/// A run whose parameters another training starts from: those whose names and shapes agree. Everything else starts anew:
/// the step, what the optimizers remember, what the source does not have.
///
/// The recipe of the new run holds the digest of the source's parameters, so its result is a function of recipe, data,
/// seed and V still. Its first checkpoint, of step 0, holds what was taken: to resume it takes no source.
package struct Transfer {
  /// The key of a recipe that says where a training starts from.
  package static let key = "train.from"
  private let path: String
  private let source: FlatBuffer
  /// The SHA-256 of the source's parameters.
  private var digest: String { source.sha256 }

  /// - Parameter path: a run folder, or a file that `elbo export` wrote.
  /// - Throws: `TrainingError` when there is no whole run.
  package init(from path: String) throws { (self.path, source) = (path, try Run(opening: path).job.learner.parameters) }

  /// Says in a recipe where the training starts from.
  /// - Throws: `RecipeError` when it says otherwise already.
  package func note(in recipe: Recipe) throws {
    if let other = try recipe["train"].text("from"), other != digest {
      throw RecipeError(
        "\(Transfer.key) is \(other), and the parameters of \(path) have the SHA-256 \(digest): name the run that it "
          + "was made with, or set \(Transfer.key)=null")
    }
    recipe.set(Transfer.key, text: digest)
  }

  /// Gives a job's learner what there is for it.
  /// - Parameter job: its notes say then what was taken and what was not.
  /// - Returns: the checkpoint that the training goes on from, not written yet.
  /// - Throws: `TrainingError` when nothing suits.
  package func begin(_ job: inout TrainingJob) throws -> Checkpoint {
    let target = job.learner.parameters
    var (taken, missing): (Set<String>, [String]) = ([], [])
    for slot in target.layout.slots {
      guard !Transfer.isState(slot), let own = slotOfSource(for: slot), source.precision == target.precision else {
        missing.append(slot.name)
        continue
      }
      target.bytes(of: slot).copyMemory(from: UnsafeRawBufferPointer(source.bytes(of: own)))
      taken.insert(own.name)
    }
    guard !taken.isEmpty else {
      throw TrainingError(
        .unsuitable, "no parameter of \(path) has the name and the shape of one of this recipe",
        advice: "set the keys of `network` as its recipe.yaml has them, or train without --from")
    }
    // A training that selects keeps the best parameters beside those that it trains.
    if job.trained.parameters !== target { job.trained.parameters.copy(from: target) }
    let dropped = source.layout.slots.filter { !taken.contains($0.name) && !Transfer.isState($0) }.map(\.name)
    job.notes +=
      [
        "from \(path): \(target.layout.slots.count - missing.count) of \(target.layout.slots.count) tensors; the step and the "
          + "optimizers start anew"
      ] + Transfer.line("starts anew too, since the run has none of this name and shape", missing)
      + Transfer.line("left behind", dropped)
    return Checkpoint(
      startOf: job.trained, model: job.model.name, recipe: job.recipeDigest, schema: job.data.schema)
  }

  /// What a training carries from step to step beside its networks is a part of the parameters, and begins anew.
  private static func isState(_ slot: Slot) -> Bool { slot.name.hasPrefix("state.") }

  /// A moving average that the source does not keep starts as what it is the average of.
  private func slotOfSource(for slot: Slot) -> Slot? {
    let average = "average."
    let names = [slot.name] + (slot.name.hasPrefix(average) ? [String(slot.name.dropFirst(average.count))] : [])
    return names.lazy.compactMap { source.layout[$0] }.first { $0.shape == slot.shape }
  }

  private static func line(_ what: String, _ names: [String]) -> [String] {
    let shown = 8
    guard !names.isEmpty else { return [] }
    let more = names.count > shown ? " and \(names.count - shown) more" : ""
    return ["\(what): " + names.prefix(shown).joined(separator: ", ") + more]
  }
}
