import Datasets
import Figures
import Foundation
import Learners
import Networks
import Tensors
import Training

/// A test image turned step by step, with the logits and the probabilities of many samples at each angle (Gal and
/// Ghahramani 2016, figure 4): where samples of the greatest logits overlap the class is not known, however sure the
/// softmax of one sample looks. Nothing for data that are no images of bytes.
func rotationFigures(
  _ learner: some Supervised, _ supervision: Supervision, key: RandomKey, with crew: Crew
) throws -> [Figure] {
  guard learner.isStochastic, let test = supervision.inputs.test, test.kind == .uint8, test.shape.count == 2,
    // The digit 1 of the paper, where there are digits.
    case let own = 1, let example = supervision.testLabels.firstIndex(of: own)
  else { return [] }
  let (height, width) = (test.shape[0], test.shape[1])
  let angles = (0..<12).map { 15 * $0 }
  let image = test.withUnsafeBufferPointer(as: UInt8.self) {
    Array($0[example * height * width..<(example + 1) * height * width])
  }
  let turned = angles.flatMap { rotated(image, height: height, width: width, degrees: Double($0)) }
  let x = learner.rows(of: ExampleArray(turned, shape: test.shape), 0..<angles.count)

  let (samples, classes) = (learner.sampleCount(100), supervision.width)
  let storage = learner.makeSampleStorage()
  let numbers = (0..<UInt32(angles.count)).map { $0 }
  var logits: [Float] = []
  var probabilities: [Float] = []
  for sample in 0..<samples {
    try learner.draw(sample, into: storage, key: key, with: crew)
    let scores = learner.logits(x, examples: numbers, sample: sample, with: storage, key: key)
    logits += scores.values
    probabilities += scores.softmax().values
  }
  func value(_ values: [Float], _ sample: Int, _ angle: Int, _ label: Int) -> Double {
    Double(values[(sample * angles.count + angle) * classes + label])
  }
  // The image's own class, and those that are the likeliest at the most angles.
  var wins = [Int](repeating: 0, count: classes)
  for angle in angles.indices {
    for sample in 0..<samples {
      let best = (0..<classes).max { value(logits, sample, angle, $0) < value(logits, sample, angle, $1) }!
      wins[best] += 1
    }
  }
  let others = (0..<classes).filter { $0 != own }.sorted { (-wins[$0], $0) < (-wins[$1], $1) }
  let shown = [own] + others.prefix(2)
  let names = supervision.classNames
  func name(_ label: Int) -> String { names.isEmpty ? "class \(label)" : names[label] }
  func panel(_ title: String, _ values: [Float], _ y: Axis) -> Panel {
    Panel(
      title: title, x: Axis("rotation (degrees)"), y: y, legend: .beside,
      shown.map { label in
        var (at, heights) = ([Double](), [Double]())
        for (angle, degrees) in angles.enumerated() {
          for sample in 0..<samples {
            // Samples of one angle lie beside each other, so that they stay distinguishable.
            at.append(Double(degrees) - 5 + 10 * Double(sample) / Double(max(samples - 1, 1)))
            heights.append(value(values, sample, angle, label))
          }
        }
        return .points(Points(name(label), x: at, y: heights, size: 0.4))
      })
  }
  let evidential = learner.likelihood as? EvidentialLikelihood
  // The samples of a likelihood that draws are those of one distribution, which says it better.
  let output =
    evidential.map {
      evidencePanel(
        Tensor(logits[..<(angles.count * classes)], [angles.count, classes]), $0, angles: angles, classes: shown,
        names: shown.map(name))
    } ?? panel("Softmax output", probabilities, Axis("probability", lower: 0, upper: 1))
  return [
    Figure(
      "rotation", title: "A rotated image: \(samples) samples at each angle",
      .plot(
        Plot([panel(evidential == nil ? "Softmax input" : "Outputs", logits, Axis("logit")), output]))),
    Figure(
      "rotated-images", title: "The rotated image",
      .images(
        ImageGrid(
          .uint8(turned), height: height, width: width, columns: angles.count,
          columnLabels: angles.map { "\($0)°" }))),
  ]
}

/// An image turned about its centre, counterclockwise, by bilinear interpolation; black comes in from outside.
func rotated(_ image: [UInt8], height: Int, width: Int, degrees: Double) -> [UInt8] {
  let (sine, cosine) = (sin(degrees * .pi / 180), cos(degrees * .pi / 180))
  let (middleRow, middleColumn) = (Double(height - 1) / 2, Double(width - 1) / 2)
  func pixel(_ row: Int, _ column: Int) -> Double {
    (0..<height).contains(row) && (0..<width).contains(column) ? Double(image[row * width + column]) : 0
  }
  return (0..<height * width).map { place in
    let (down, right) = (Double(place / width) - middleRow, Double(place % width) - middleColumn)
    let row = middleRow + cosine * down + sine * right
    let column = middleColumn - sine * down + cosine * right
    let (top, left) = (row.rounded(.down), column.rounded(.down))
    let (below, beside) = (row - top, column - left)
    let (t, l) = (Int(top), Int(left))
    let upper = pixel(t, l) * (1 - beside) + pixel(t, l + 1) * beside
    let lower = pixel(t + 1, l) * (1 - beside) + pixel(t + 1, l + 1) * beside
    return UInt8((upper * (1 - below) + lower * below).rounded())
  }
}
