import Datasets
import Foundation
import Learners
import Metrics
import Tensors
import Training

/// How good a segmentation's Monte Carlo predictions of the test images are. Pixels without a class count nowhere.
struct SegmentationEvaluation {
  private(set) var confusion: ConfusionMatrix
  private let names: [String]
  private var reliability: Reliability
  private var loss = 0.0
  private var entropies = (aleatoric: 0.0, epistemic: 0.0)

  /// What one image adds.
  private struct Part: Sendable {
    var confusion: ConfusionMatrix
    var reliability: Reliability
    var loss = 0.0
    var entropies = (aleatoric: 0.0, epistemic: 0.0)

    init(_ maps: PixelPrediction, _ labels: LabelImages, _ image: Int) {
      let guesses = maps.guesses
      confusion = ConfusionMatrix(classes: maps.classes)
      var (probabilities, truths) = ([Double](), [Int]())
      for (pixel, label) in labels.withImage(image, { Array($0) }).enumerated() where label != LabelImages.void {
        confusion.add(truth: Int(label), guess: guesses[pixel])
        truths.append(Int(label))
        probabilities += maps.mean[pixel * maps.classes..<(pixel + 1) * maps.classes].lazy.map { Double($0) }
        entropies.aleatoric += Double(maps.aleatoric[pixel])
        entropies.epistemic += Double(maps.epistemic[pixel])
      }
      let all = ClassProbabilities(probabilities, classes: maps.classes)
      loss = all.negativeLogLikelihood(truths) * Double(truths.count)
      reliability = Reliability(all, labels: truths)
    }
  }

  init(_ learner: SegmentationLearner, samples: Int, key: RandomKey, with crew: Crew) throws {
    let labels = learner.test!
    names = (0..<labels.kinds.count).map(labels.kinds.name)
    confusion = ConfusionMatrix(classes: labels.kinds.count)
    reliability = Reliability(ClassProbabilities([], classes: labels.kinds.count), labels: [])
    let parts = try crew.map(labels.count) { image in
      let x = learner.inputs.testRows(image..<image + 1, key: key)
      let maps = learner.maps(
        x, learner.wholeNetwork, shape: learner.inputs.shape, example: UInt32(image), samples: samples, key: key)
      return Part(maps, labels, image)
    }
    for part in parts {
      confusion += part.confusion
      reliability += part.reliability
      loss += part.loss
      entropies.aleatoric += part.entropies.aleatoric
      entropies.epistemic += part.entropies.epistemic
    }
  }

  /// Over all pixels with a class of all images together; means over classes are over those that the images have.
  var metrics: [String: Double] {
    let count = Double(max(confusion.total, 1))
    var metrics = [
      "seg/pixAcc": confusion.accuracy, "seg/mAcc": confusion.meanAccuracy,
      "seg/mIoU": confusion.meanIntersectionOverUnion, "seg/NLL": loss / count, "cal/ECE": reliability.expectedError,
      "seg/Aleatoric": entropies.aleatoric / count, "seg/Epistemic": entropies.epistemic / count,
    ]
    for index in confusion.present where names.count <= 64 {
      metrics["seg/IoU/\(names[index])"] = confusion.intersectionOverUnion(index)
    }
    return metrics
  }
}

extension SegmentationLearner: PixelPredicting {
  /// Pixels of a picture beyond which the memory for one pass would be out of proportion: about 1 GiB a layer of 64
  /// channels.
  private static let mostPixels = 1 << 22

  var classValues: [UInt8] { kinds.values }

  func mismatch(_ images: ExampleArray) -> String? {
    guard let shape = shape(of: images), shape[2] == inputs.shape[2] else {
      return
        "it holds examples of shape \(images.shape), the training data's are pictures of \(inputs.shape[2]) channels"
    }
    guard (images.kind == .uint8) == (inputs.train.kind == .uint8) else {
      return "its numbers are \(images.kind.rawValue), the training data's \(inputs.train.kind.rawValue)"
    }
    guard shape[0] * shape[1] <= SegmentationLearner.mostPixels else {
      let gigabytes = Double(shape[0] * shape[1] * 64 * 4) / 0x1p30
      return
        "\(shape[0]) × \(shape[1]) pixels need \(String(format: "%.1f", gigabytes)) GiB for every layer of 64 channels; "
        + "cut it into pictures of at most \(SegmentationLearner.mostPixels) pixels"
    }
    guard inputs.normalization != .standard || shape == inputs.shape else {
      return "it has \(shape[0]) × \(shape[1]) pixels, and each pixel of \(inputs.shape[0]) × \(inputs.shape[1]) has a "
        + "normalization of its own"
    }
    return nil
  }

  /// [height, width, channels].
  private func shape(of images: ExampleArray) -> [Int]? {
    switch images.shape.count {
    case 2: images.shape + [1]
    case 3: images.shape
    default: nil
    }
  }

  func predict(
    _ images: ExampleArray, samples: Int, key: RandomKey, with crew: Crew
  ) throws -> [PixelPrediction] {
    let shape = shape(of: images)!
    let network = try network(for: shape)
    return try crew.map(images.count) { image in
      let x = self.rows(of: images, image, width: shape.reduce(1, *))
      return self.maps(x, network, shape: shape, example: UInt32(image), samples: samples, key: key)
    }
  }

  /// An image of any size as a row.
  private func rows(of images: ExampleArray, _ image: Int, width: Int) -> Tensor {
    if width == inputs.width { return inputs.rows(of: images, .range(image..<image + 1), key: RandomKey(seed: 0)) }
    let scale: Float = inputs.normalization == .unit && images.kind == .uint8 ? 1 / 255 : 1
    return Tensor((0..<width).map { Float(images.number(image * width + $0)) * scale }, [1, width])
  }
}
