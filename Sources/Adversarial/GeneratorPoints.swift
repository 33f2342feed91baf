import Glibc
import Learners
import LinearAlgebra
import Networks
import Tensors
import Training

/// The space in which examples are joined, swept and mixed. A point is a row of numbers: of a generator of styles the
/// style of each input of its synthesis, one behind the other; of any other its latent row, noise and codes.
struct GeneratorPoints: Sendable {
  private let network: LayerStack
  private let codes: LatentCodes
  private let parameters: FlatBuffer
  /// Nil: the network has no styles.
  private let style: StyleGenerator?

  init(network: LayerStack, codes: LatentCodes, parameters: FlatBuffer) {
    (self.network, self.codes, self.parameters) = (network, codes, parameters)
    style = network.layers.first as? StyleGenerator
  }

  /// Numbers of a point.
  var width: Int { style.map { $0.styleCount * $0.settings.style } ?? codes.width }

  /// - Parameters:
  ///   - truncation: see `LatentRequest`.
  ///   - cutoff: how many of the first styles are truncated; nil: all.
  func points(of latents: Tensor, truncation: Double?, cutoff: Int? = nil) -> Tensor {
    guard var style else {
      if let truncation { truncate(latents, at: truncation) }
      return latents
    }
    if let truncation { style.truncation = (Float(truncation), cutoff ?? style.styleCount) }
    let styles = style.styles(of: latents, Pass(predictingWith: ParameterViews(parameters)))
    return styles.dropFirst().reduce(styles[0]) { $0.joiningColumns($1) }
  }

  /// Examples as the network makes them.
  /// - Parameters:
  ///   - noise: of a generator of styles.
  ///   - key: of random noise, with the number of each example.
  func examples(at points: Tensor, noise: LatentRequest.Noise, key: RandomKey, examples: [UInt32]) -> Tensor {
    let views = ParameterViews(parameters)
    guard var style else { return network(points, Pass(predictingWith: views)) }
    style.noise =
      switch noise {
      case .constant: .constant
      case .random: .random
      case .none: .none
      }
    let width = style.settings.style
    return style.synthesize(
      (0..<style.styleCount).map { points.columns($0 * width..<($0 + 1) * width) },
      Pass(.given(views), key: key.at(tensor: NoiseStream.activations), examples: examples))
  }

  /// The rows' points, some of whose styles are those of the columns' points: row by row.
  /// - Throws: `TrainingError` when there are no such styles.
  func mixed(_ rows: Tensor, _ columns: Tensor, _ layers: ClosedRange<Int>) throws -> Tensor {
    guard let style, layers.upperBound < style.styleCount else {
      throw TrainingError(
        .unsuitable, "there are no styles \(layers.lowerBound)-\(layers.upperBound) in this generator",
        advice: style.map { "name layers from 0 to \($0.styleCount - 1)" } ?? "name a run of stylegan")
    }
    let (width, size) = (style.settings.style, rows.columns)
    let taken = layers.lowerBound * width..<(layers.upperBound + 1) * width
    let points = Tensor(uninitialized: [rows.rows * columns.rows, size])
    for row in 0..<rows.rows {
      for column in 0..<columns.rows {
        let place = points.pointer + (row * columns.rows + column) * size
        place.update(from: rows.pointer + row * size, count: size)
        (place + taken.lowerBound).update(
          from: columns.pointer + column * size + taken.lowerBound, count: taken.count)
      }
    }
    return points
  }

  // MARK: Between points

  /// Rows of pictures: each leads from the first point of its stretch to that of the next.
  func paths(_ points: Tensor, columns: Int) -> Tensor {
    let path = Tensor(uninitialized: points.shape)
    for row in 0..<points.rows {
      let (from, position) = row.quotientAndRemainder(dividingBy: columns)
      let share = columns > 1 ? Double(position) / Double(columns - 1) : 0
      interpolate(
        points, from: from * columns, to: (from + 1) * columns % points.rows, share,
        into: path.pointer + row * points.columns)
    }
    return path
  }

  /// A closed loop through points that are frames themselves: the stretch from one to the next has its share of the
  /// frames.
  func walk(_ points: Tensor, frames: Int) -> Tensor {
    let path = Tensor(uninitialized: [frames, points.columns])
    for stop in 0..<points.rows {
      let stretch = stop * frames / points.rows..<(stop + 1) * frames / points.rows
      for frame in stretch {
        interpolate(
          points, from: stop, to: (stop + 1) % points.rows,
          Double(frame - stretch.lowerBound) / Double(stretch.count), into: path.pointer + frame * points.columns)
      }
    }
    return path
  }

  /// The point between two others, a share of the way. Styles go along the line between them. Noise goes along the
  /// great circle, so that its length stays typical (White 2016, section 2.1); codes are those of the start.
  private func interpolate(
    _ points: Tensor, from first: Int, to second: Int, _ share: Double, into place: UnsafeMutablePointer<Float>
  ) {
    let (start, end) = (points.pointer + first * points.columns, points.pointer + second * points.columns)
    guard style == nil else {
      for index in 0..<points.columns { place[index] = start[index] + Float(share) * (end[index] - start[index]) }
      return
    }
    place.update(from: start, count: points.columns)
    var (product, squares, others) = (0.0, 0.0, 0.0)
    for index in 0..<codes.noise {
      product += Double(start[index]) * Double(end[index])
      squares += Double(start[index]) * Double(start[index])
      others += Double(end[index]) * Double(end[index])
    }
    let cosine = product / max((squares * others).squareRoot(), 1e-30)
    let angle = acos(min(max(cosine, -1), 1))
    let (one, other) =
      sin(angle) < 1e-6 ? (1 - share, share) : (sin((1 - share) * angle) / sin(angle), sin(share * angle) / sin(angle))
    for index in 0..<codes.noise { place[index] = Float(one * Double(start[index]) + other * Double(end[index])) }
  }

  /// Takes the noise z to the quantile of a Gaussian cut off at ±bound that z has in the whole one: samples keep their
  /// looks and grow more typical as the bound falls (the truncation of Brock, Donahue and Simonyan 2019, without
  /// drawing again).
  private func truncate(_ latents: Tensor, at bound: Double) {
    let (low, high) = (normalCDF(-bound), normalCDF(bound))
    for row in 0..<latents.rows {
      for column in 0..<codes.noise {
        let place = latents.pointer + row * latents.columns + column
        let share = normalCDF(Double(place.pointee))
        place.pointee = Float(min(max(normalQuantile(low + share * (high - low)), -bound), bound))
      }
    }
  }
}
