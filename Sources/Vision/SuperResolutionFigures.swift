import BayesianNetworks
import Figures
import Images
import Learners
import Tensors
import Training

/// Pictures of what a super-resolution does.
enum SuperResolutionFigures {
  /// The middle of three pictures of the test part, or of the training part where there is none: as it is made smaller,
  /// enlarged by the bicubic rule and by the network, the truth, and how sure of each pixel the network is.
  static func all(_ learner: SuperResolutionLearner, key: RandomKey, with crew: Crew) throws -> [Figure] {
    let (pictures, factor) = (learner.test ?? learner.train, learner.factor)
    guard pictures.count > 0 else { return [] }
    let chosen = Array(Set([0, pictures.count / 2, pictures.count - 1])).sorted()
    let weights = try learner.weightSource.samples(
      learner.sampleCount(learner.evaluationSamples), of: learner, key: key, with: crew)
    let planes = chosen.map { pictures.plane($0) }
    let side = planes.reduce(120) { min($0, $1.height, $1.width) } / factor * factor
    let rows = try crew.map(chosen.count) { place in
      let truth = planes[place]
      let low = truth.bicubic(height: truth.height / factor, width: truth.width / factor)
      let picture = try learner.enlarged(low, weights, example: UInt32(chosen[place]), key: key)
      func plane(_ values: [Float]) -> GrayImage { GrayImage(height: truth.height, width: truth.width, values: values) }
      func middle(_ plane: GrayImage) -> GrayImage {
        plane.cropped(
          top: (truth.height - side) / 2 / factor * factor, left: (truth.width - side) / 2 / factor * factor,
          height: side, width: side)
      }
      let blocks = plane(truth.values.indices.map { low.values[block($0, width: truth.width, factor)] })
      let panels = [
        blocks, low.bicubic(height: truth.height, width: truth.width), plane(picture.mean), truth,
        plane(picture.deviation),
      ]
      return panels.map(middle)
    }
    let greatest = rows.flatMap { $0[4].values }.max() ?? 0
    let samples = rows.flatMap { panels in
      panels[..<4].flatMap(\.bytes) + ClassColors.greys(panels[4].values, greatest: greatest)
    }
    return [
      Figure(
        "enlarged", title: "Pictures enlarged \(factor) times, and the standard deviation of each pixel",
        .images(
          ImageGrid(
            .uint8(samples), height: side, width: side, columns: 5,
            columnLabels: ["small", "bicubic", "network", "truth", "deviation"])))
    ]
  }

  /// The pixel of the small picture that covers a pixel of the large one.
  private static func block(_ pixel: Int, width: Int, _ factor: Int) -> Int {
    pixel / width / factor * (width / factor) + pixel % width / factor
  }
}
