import Glibc

/// Where a warped image takes its pixels from. A pixel at (x, y) of the result, columns to the right and rows down from
/// the middle of the image, shows the point (xx · x + xy · y + x₀, yx · x + yy · y + y₀) of the source, in pixels.
public struct AffineMap: Sendable, Hashable {
  public var xx = 1.0
  public var xy = 0.0
  public var yx = 0.0
  public var yy = 1.0
  public var x = 0.0
  public var y = 0.0

  public static let identity = AffineMap()

  public init(xx: Double = 1, xy: Double = 0, yx: Double = 0, yy: Double = 1, x: Double = 0, y: Double = 0) {
    (self.xx, self.xy, self.yx, self.yy, self.x, self.y) = (xx, xy, yx, yy, x, y)
  }

  /// Turned by an angle in radians.
  public static func turned(_ angle: Double) -> AffineMap {
    AffineMap(xx: cos(angle), xy: -sin(angle), yx: sin(angle), yy: cos(angle))
  }

  /// The change that this map makes, and then another one: the point that `next` asks for is taken through this one.
  public func then(_ next: AffineMap) -> AffineMap {
    AffineMap(
      xx: xx * next.xx + xy * next.yx, xy: xx * next.xy + xy * next.yy, yx: yx * next.xx + yy * next.yx,
      yy: yx * next.xy + yy * next.yy, x: xx * next.x + xy * next.y + x, y: yx * next.x + yy * next.y + y)
  }
}

/// Each image seen through an affine map by bilinear interpolation, and the transpose: each number added to the four that
/// it was made of. Beyond its edges an image goes on mirrored (PyTorch's `reflection` with align_corners=False), so that
/// a warp brings in no color of its own. The map is linear in the image: its transpose is its derivative.
private struct Warp: Primitive {
  enum Function: UInt8 { case gather, spread }

  let function: Function
  let maps: [AffineMap]

  func callAsFunction(_ x: Tensor) -> Tensor {
    let channels = x.shape[3]
    let (source, result) = (x.pointer, function == .gather ? Tensor(uninitialized: x.shape) : .zeros(x.shape))
    let y = result.pointer
    switch function {
    case .gather:
      forEachPixel(x.shape) { pixel, corners, weights in
        for channel in 0..<channels {
          var sum: Float = 0
          for corner in 0..<4 { sum += weights[corner] * source[corners[corner] + channel] }
          y[pixel + channel] = sum
        }
      }
    case .spread:
      forEachPixel(x.shape) { pixel, corners, weights in
        for corner in 0..<4 {
          let place = y + corners[corner]
          for channel in 0..<channels { place[channel] += weights[corner] * source[pixel + channel] }
        }
      }
    }
    return recording(self, Inputs(x), result)
  }

  /// Calls `body` with the offset of each pixel of the results, those of the four of the sources around its point, and
  /// their weights.
  @inline(__always)
  private func forEachPixel(
    _ shape: Shape, _ body: (_ pixel: Int, _ corners: SIMD4<Int>, _ weights: SIMD4<Float>) -> Void
  ) {
    let (height, width, channels) = (shape[1], shape[2], shape[3])
    let (middleX, middleY) = (Float(width - 1) / 2, Float(height - 1) / 2)
    var pixel = 0
    for (image, map) in maps.enumerated() {
      let start = image * height * width
      let (stepX, stepY) = (Float(map.xx), Float(map.yx))
      for row in 0..<height {
        let down = Float(row) - middleY
        let (lineX, lineY) = (Float(map.xy) * down + Float(map.x), Float(map.yy) * down + Float(map.y))
        for column in 0..<width {
          let right = Float(column) - middleX
          let (x, y) = (stepX * right + lineX + middleX, stepY * right + lineY + middleY)
          let (left, top) = (x.rounded(.down), y.rounded(.down))
          let (a, b) = (Warp.mirrored(Int(left), width), Warp.mirrored(Int(left) + 1, width))
          let (upper, lower) = (
            start + Warp.mirrored(Int(top), height) * width, start + Warp.mirrored(Int(top) + 1, height) * width
          )
          let (shareX, shareY) = (x - left, y - top)
          body(
            pixel, SIMD4(upper + a, upper + b, lower + a, lower + b) &* channels,
            SIMD4(
              (1 - shareY) * (1 - shareX), (1 - shareY) * shareX, shareY * (1 - shareX), shareY * shareX))
          pixel += channels
        }
      }
    }
  }

  /// The place within an extent that an index is the mirror image of, the edges' pixels repeated.
  @inline(__always)
  private static func mirrored(_ index: Int, _ extent: Int) -> Int {
    if index >= 0 && index < extent { return index }
    let rest = index % (2 * extent)
    let place = rest < 0 ? rest + 2 * extent : rest
    return place < extent ? place : 2 * extent - 1 - place
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    sink.add(Warp(function: function == .gather ? .spread : .gather, maps: maps)(dy), to: 0)
  }
}

extension Tensor {
  /// Images [n, h, w, c], each seen through its map by bilinear interpolation, mirrored beyond its edges.
  public func warped(_ maps: [AffineMap]) -> Tensor {
    precondition(shape.rank == 4 && maps.count == shape[0], "\(maps.count) maps of images of shape \(shape)")
    return Warp(function: .gather, maps: maps)(self)
  }
}
