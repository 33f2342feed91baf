import Datasets
import Figures
import Learners
import Tensors
import Training

/// Pictures with what the model says of them.
enum CaptionFigures {
  private static let most = 10

  /// Labels that are longer would not fit beside a picture.
  private static let longestText = 40

  private static func shortened(_ text: String) -> String {
    text.count <= longestText ? text : text.prefix(longestText - 1) + "…"
  }

  /// Some images of the test part, or of the training part where there is none, each with its caption in the first
  /// language and, behind a slash, what a person wrote.
  static func all(_ learner: CaptionLearner, train: Captions, key: RandomKey, with crew: Crew) throws -> [Figure] {
    let (images, captions) = (learner.inputs.test ?? learner.inputs.train, learner.test ?? train)
    guard images.hasNumbers, images.kind == .uint8, !captions.ofExample.isEmpty else { return [] }
    let count = min(most, images.count)
    let chosen = (0..<count).map { UInt32($0 * images.count / count) }
    let pictures = try images.gathering(chosen)
    let guesses = try learner.captions(
      of: pictures, language: 0, samples: learner.evaluationSamples, key: key, with: crew)
    let shape = learner.inputs.shape
    let labels = zip(guesses, chosen).map { guess, example in
      let reference = captions.ofExample[Int(example)].first { $0.language == 0 }
      return "\(shortened(guess.text)) / \(shortened(reference.map { learner.spelling.text($0.words) } ?? ""))"
    }
    return [
      Figure(
        "captions", title: "Captions by the model / by people",
        .images(
          ImageGrid(
            .uint8(pictures.withUnsafeBufferPointer(as: UInt8.self) { Array($0) }), height: shape[0], width: shape[1],
            channels: shape[2], columns: 1, rowLabels: labels)))
    ]
  }
}
