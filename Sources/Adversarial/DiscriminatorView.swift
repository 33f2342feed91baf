import Learners
import Recipes
import Tensors
import Training

/// What the discriminator is shown of real and of generated images: changes that always come, then those of a pipeline,
/// which come with a probability.
struct DiscriminatorView: Sendable {
  private let augmentation: Augmentation
  private let pipeline: AugmentationPipeline
  var probability: AugmentationProbability

  /// Reads the keys of the `objective` section that begin with `augmentation`.
  init(_ section: RecipeSection, shape: [Int], loss: AdversarialObjective.Loss) throws {
    augmentation = try Augmentation(section, shape: shape)
    pipeline = AugmentationPipeline(try section.choices("augmentation_pipeline"), shape: shape)
    let image = ImageLayout(shape: shape)
    guard pipeline.groups.isEmpty || min(image.height, image.width) > 1 else {
      throw RecipeError(
        "objective.augmentation_pipeline changes images, and examples of shape \(shape) are none: set it to []")
    }
    probability = try AugmentationProbability(section, isUsed: !pipeline.groups.isEmpty, loss: loss)
  }

  /// Whether the discriminator is shown images as they are.
  var changesNothing: Bool { augmentation.isEmpty && pipeline.groups.isEmpty }

  /// - Parameters:
  ///   - x: examples as rows, [n, width]; images in −1…1.
  ///   - examples: name each row's numbers of the key's streams.
  ///   - probability: of the pipeline's changes; nil: the present one.
  func callAsFunction(_ x: Tensor, key: RandomKey, examples: [UInt32], probability: Double? = nil) -> Tensor {
    perhaps(always(x, key: key, examples: examples), key: key, examples: examples, probability: probability)
  }

  /// The changes that always come.
  func always(_ x: Tensor, key: RandomKey, examples: [UInt32]) -> Tensor {
    augmentation(x, key: key, examples: examples)
  }

  /// Those that come with a probability.
  func perhaps(_ x: Tensor, key: RandomKey, examples: [UInt32], probability: Double? = nil) -> Tensor {
    pipeline(x, probability: probability ?? self.probability.value, key: key, examples: examples)
  }
}
