import Datasets
import Figures
import Learners
import Metrics
import Tensors
import Training

/// Pictures of what a segmentation does.
struct SegmentationFigures {
  let all: [Figure]

  /// Three images of the test part, or of the training part where there is none.
  init(_ learner: SegmentationLearner, trainLabels: LabelImages, key: RandomKey, crew: Crew) throws {
    let (images, labels) = (learner.inputs.test ?? learner.inputs.train, learner.test ?? trainLabels)
    guard labels.classes.hasNumbers else {
      all = []
      return
    }
    let chosen = Array(Set([0, labels.count / 2, labels.count - 1])).sorted()
    let maps = try crew.map(chosen.count) { place in
      let image = chosen[place]
      let x = learner.inputs.rows(of: images, .range(image..<image + 1), key: key)
      return learner.maps(
        x, learner.wholeNetwork, shape: learner.inputs.shape, example: UInt32(image),
        samples: learner.evaluationSamples, key: key)
    }
    var figures = [SegmentationFigures.panels(images, labels, chosen, maps, shape: learner.inputs.shape)]
    if learner.test != nil {
      let matrix = try SegmentationEvaluation(
        learner, samples: learner.evaluationSamples, key: key, with: crew
      ).confusion
      let classes = 0..<matrix.classes
      figures += confusionFigures(
        classes.map { truth in classes.map { matrix[truth, $0] } }, names: classes.map(learner.kinds.name),
        given: "segmentation", title: "What pixels of each class were taken for")
    }
    all = figures
  }

  /// Input, truth, segmentation, aleatoric and epistemic uncertainty (Kendall and Gal 2017, figure 1), a row an image.
  private static func panels(
    _ images: ExampleArray, _ labels: LabelImages, _ chosen: [Int], _ maps: [PixelPrediction], shape: [Int]
  ) -> Figure {
    let (pixels, channels) = (shape[0] * shape[1], shape[2])
    let scale = images.kind == .uint8 ? 1 : 255.0
    // One scale for the maps of a column, so that they can be compared.
    let aleatoric = maps.flatMap(\.aleatoric).max() ?? 0
    let epistemic = maps.flatMap(\.epistemic).max() ?? 0
    var samples: [UInt8] = []
    for (image, maps) in zip(chosen, maps) {
      for pixel in 0..<pixels {
        for color in 0..<3 {
          let value = images.number((image * pixels + pixel) * channels + (channels == 3 ? color : 0)) * scale
          samples.append(UInt8(min(max(value, 0), 255)))
        }
      }
      labels.withImage(image) { for label in $0 { samples += ClassColors.color(label) } }
      for guess in maps.guesses { samples += ClassColors.color(UInt8(guess)) }
      for (map, greatest) in [(maps.aleatoric, aleatoric), (maps.epistemic, epistemic)] {
        for value in ClassColors.greys(map, greatest: greatest) { samples += [value, value, value] }
      }
    }
    return Figure(
      "panels", title: "Input, truth, segmentation, aleatoric and epistemic uncertainty",
      .images(
        ImageGrid(
          .uint8(samples), height: shape[0], width: shape[1], channels: 3, columns: 5,
          columnLabels: ["input", "truth", "segmentation", "aleatoric", "epistemic"])))
  }
}

/// Colors of classes in pictures.
public enum ClassColors {
  /// Red, green and blue of a class; void is black. The colors of PASCAL VOC: the bits of a number, spread over the
  /// channels from the highest on.
  public static func color(_ label: UInt8) -> [UInt8] {
    guard label != LabelImages.void else { return [0, 0, 0] }
    var (number, color) = (Int(label) + 1, [UInt8](repeating: 0, count: 3))
    for shift in (0..<8).reversed() {
      for channel in 0..<3 { color[channel] |= UInt8(number >> channel & 1) << UInt8(shift) }
      number >>= 3
    }
    return color
  }

  /// Numbers as shades from black, 0, to white.
  public static func greys(_ values: [Float], greatest: Float) -> [UInt8] {
    values.map { greatest > 0 ? UInt8((min(max($0 / greatest, 0), 1) * 255).rounded()) : 0 }
  }
}
