import Datasets
import Recipes
import Tensors
import Training

/// Windows of images and of their label images, cut at random places and mirrored together, anew each time an example is
/// seen: a function of seed, step and example.
struct Crops: Sendable {
  /// Of what is cut, [height, width, channels].
  let shape: [Int]
  private let image: [Int]
  private let mirrors: Bool

  /// Where a window lies in its image, and whether left and right are exchanged.
  struct Window: Sendable, Equatable {
    var top = 0
    var left = 0
    var isMirrored = false
  }

  /// Reads `crop` and `mirror` of the `data` section.
  /// - Parameter image: the shape of an image, [height, width, channels].
  init(_ section: RecipeSection, image: [Int]) throws {
    let side = try section.optionalInteger("crop", in: 1...65_536)
    mirrors = try section.flag("mirror", default: false)
    self.image = image
    guard let side else {
      shape = image
      return
    }
    guard side <= min(image[0], image[1]) else {
      throw RecipeError(
        "data.crop is \(side), and the pictures have \(image[0]) × \(image[1]) pixels: set it to "
          + "\(min(image[0], image[1])) or less")
    }
    shape = [side, side, image[2]]
  }

  var isWhole: Bool { shape == image && !mirrors }

  func windows(of examples: [UInt32], key: RandomKey) -> [Window] {
    guard !isWhole else { return Array(repeating: Window(), count: examples.count) }
    let uniform = Tensor.uniform(key, rows: examples, columns: 3)
    return examples.indices.map { row in
      let numbers = uniform.pointer + 3 * row
      func place(_ number: Float, _ axis: Int) -> Int {
        let places = image[axis] - shape[axis] + 1
        return min(Int(number * Float(places)), places - 1)
      }
      return Window(
        top: place(numbers[0], 0), left: place(numbers[1], 1), isMirrored: mirrors && numbers[2] < 0.5)
    }
  }

  /// The windows of images that lie in rows: [n, image] → [n, height, width, channels].
  func cut(_ images: Tensor, at windows: [Window]) -> Tensor {
    let shape = Shape([windows.count] + shape)
    guard !isWhole else { return images.reshaped(to: shape) }
    let result = Tensor(uninitialized: shape)
    cut(images.pointer, at: windows, channels: image[2], into: result.pointer)
    return result
  }

  /// The classes of the windows' pixels, row by row, window by window.
  func cut(_ labels: LabelImages, of examples: [UInt32], at windows: [Window]) -> [UInt8] {
    let (pixels, whole) = (shape[0] * shape[1], image[0] * image[1])
    return [UInt8](unsafeUninitializedCapacity: windows.count * pixels) { target, count in
      labels.classes.withUnsafeBufferPointer(as: UInt8.self) { source in
        for (row, example) in examples.enumerated() {
          cut(
            source.baseAddress! + Int(example) * whole, at: [windows[row]], channels: 1,
            into: target.baseAddress! + row * pixels)
        }
      }
      count = windows.count * pixels
    }
  }

  private func cut<Number>(
    _ source: UnsafePointer<Number>, at windows: [Window], channels: Int, into target: UnsafeMutablePointer<Number>
  ) {
    var target = target
    for (index, window) in windows.enumerated() {
      for row in 0..<shape[0] {
        let line = source + ((index * image[0] + window.top + row) * image[1] + window.left) * channels
        if window.isMirrored {
          for column in 0..<shape[1] {
            (target + column * channels).initialize(from: line + (shape[1] - 1 - column) * channels, count: channels)
          }
        } else {
          target.initialize(from: line, count: shape[1] * channels)
        }
        target += shape[1] * channels
      }
    }
  }
}
