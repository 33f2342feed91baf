import Datasets
import Images
import Recipes
import Tensors
import Training

/// The luma of pictures of any sizes, from which windows are cut at random, turned and mirrored: a function of seed, step and
/// example.
struct LumaPictures: Sendable {
  private struct Picture: Sendable {
    let height: Int
    let width: Int
    let luma: [UInt8]
  }

  private let pictures: [Picture]
  /// What pixels of a small picture are to those of a large one.
  let factor: Int

  /// - Parameter least: the shortest side that a picture may have.
  /// - Throws: `TrainingError` for a smaller picture.
  init(_ set: ExampleSet, factor: Int, least: Int, key: String) throws {
    self.factor = factor
    guard set.inputs.hasNumbers else {
      pictures = []
      return
    }
    pictures = try (0..<set.count).map { index in
      let raster = set.wholePicture(index)
      guard min(raster.height, raster.width) >= least else {
        throw TrainingError(
          .unsuitable, "picture \(index + 1) has \(raster.height) × \(raster.width) pixels, and \(key) needs \(least)",
          advice: "lower it, or take small pictures out")
      }
      return Picture(height: raster.height, width: raster.width, luma: raster.luma.bytes)
    }
  }

  var count: Int { pictures.count }

  /// A whole picture whose sides are multiples of the factor.
  func plane(_ index: Int) -> GrayImage {
    let picture = pictures[index]
    return GrayImage(height: picture.height, width: picture.width, values: picture.luma.map { Float($0) })
      .cropped(toMultiplesOf: factor)!
  }

  /// Square windows of some pictures, as many of each.
  func windows(_ perPicture: Int, side: Int, of examples: [UInt32], key: RandomKey) -> [GrayImage] {
    let uniform = Tensor.uniform(key, rows: examples, columns: 3 * perPicture)
    return examples.indices.flatMap { row in
      (0..<perPicture).map { window in
        let numbers = uniform.pointer + 3 * (row * perPicture + window)
        return self.window(of: pictures[Int(examples[row])], side: side, at: (numbers[0], numbers[1], numbers[2]))
      }
    }
  }

  private func window(of picture: Picture, side: Int, at place: (Float, Float, Float)) -> GrayImage {
    func number(_ uniform: Float, of count: Int) -> Int { min(Int(uniform * Float(count)), count - 1) }
    let top = number(place.0, of: picture.height - side + 1)
    let left = number(place.1, of: picture.width - side + 1)
    // One of the eight ways in which a square lies on itself.
    let turn = number(place.2, of: 8)
    var values: [Float] = []
    values.reserveCapacity(side * side)
    for row in 0..<side {
      for column in 0..<side {
        var (y, x) = turn & 1 == 0 ? (row, column) : (column, row)
        if turn & 2 != 0 { y = side - 1 - y }
        if turn & 4 != 0 { x = side - 1 - x }
        values.append(Float(picture.luma[(top + y) * picture.width + left + x]))
      }
    }
    return GrayImage(height: side, width: side, values: values)
  }
}
