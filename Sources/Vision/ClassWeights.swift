import Datasets
import Recipes
import Tensors
import Training

/// What a pixel of each class weighs in the loss, so that rare classes are learned.
struct ClassWeights: Sendable {
  /// One weight a class; a checkpoint's take their place.
  let buffer: FlatBuffer

  /// Reads `class_weights` of the `objective` section: `median`, `none`, or a number for each class.
  init(_ section: RecipeSection, _ data: Dataset) throws {
    let labels = data.train.labelImages!
    let count = labels.kinds.count
    var layout = Layout()
    layout.add("class_weights", [count])
    buffer = FlatBuffer("class_weights", layout)
    let words = try section.words("class_weights", default: ["median"])
    let values: [Float]
    switch words {
    case ["none"]: values = Array(repeating: 1, count: count)
    case ["median"]: values = data.reference == nil ? ClassWeights.medianFrequency(labels) : []
    default:
      values = words.compactMap { Float($0) }.filter { $0.isFinite && $0 >= 0 }
      guard values.count == words.count, count == values.count else {
        throw RecipeError(
          "objective.class_weights is [\(words.joined(separator: ", "))]: it must be median, none, or \(count) numbers, "
            + "one for each class and none below 0")
      }
    }
    for (index, value) in values.enumerated() { buffer.float32[index] = value }
  }

  /// The median of the classes' frequencies over the class's own, which is the share of its pixels in those images that
  /// have some (Eigen and Fergus 2015, section 6.3.2; SegNet). Void counts as nothing; a class without pixels weighs 0.
  static func medianFrequency(_ labels: LabelImages) -> [Float] {
    let count = labels.kinds.count
    var (own, all) = ([Int](repeating: 0, count: count), [Int](repeating: 0, count: count))
    for image in 0..<labels.count {
      var pixels = [Int](repeating: 0, count: 256)
      labels.withImage(image) { for label in $0 { pixels[Int(label)] += 1 } }
      let labelled = pixels[..<count].reduce(0, +)
      for index in 0..<count where pixels[index] > 0 {
        own[index] += pixels[index]
        all[index] += labelled
      }
    }
    let present = (0..<count).filter { own[$0] > 0 }
    let frequencies = present.map { Double(own[$0]) / Double(all[$0]) }
    let sorted = frequencies.sorted()
    let median =
      sorted.isEmpty ? 0 : (sorted[sorted.count / 2] + sorted[(sorted.count - 1) / 2]) / 2
    var weights = [Float](repeating: 0, count: count)
    for (index, frequency) in zip(present, frequencies) { weights[index] = Float(median / frequency) }
    return weights
  }

  /// The weights of pixels, 0 of those without a class, and their classes, where those have the first.
  func pixels(_ labels: [UInt8]) -> (weights: Tensor, classes: [UInt32]) {
    let weights = Tensor(uninitialized: [labels.count])
    var classes = [UInt32](repeating: 0, count: labels.count)
    let table = buffer.float32
    for (pixel, label) in labels.enumerated() {
      if label == LabelImages.void {
        weights.pointer[pixel] = 0
      } else {
        weights.pointer[pixel] = table[Int(label)]
        classes[pixel] = UInt32(label)
      }
    }
    return (weights, classes)
  }
}
