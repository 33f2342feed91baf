import Foundation

/// How near a picture is to the true one: gray values from 0 to 255, row by row, of pictures of one size.
public struct ImageQuality: Sendable, Hashable {
  /// Peak signal-to-noise ratio in decibels, 10 log₁₀(255² / mean squared error); infinite for equal pictures.
  public let psnr: Double
  /// Mean structural similarity (Wang, Bovik, Sheikh and Simoncelli 2004), by Gaussian windows of 11 × 11 with standard
  /// deviation 1.5 that lie within the picture; 1 for equal pictures. NaN where no window fits.
  public let ssim: Double

  /// - Parameters:
  ///   - picture: height × width gray values.
  ///   - truth: as many.
  ///   - border: pixels at each edge that do not count.
  public init(_ picture: [Float], truth: [Float], height: Int, width: Int, border: Int = 0) {
    precondition(picture.count == height * width && truth.count == height * width, "pictures of one size")
    precondition(border >= 0 && 2 * border < min(height, width), "a picture has pixels within its border")
    let (rows, columns) = (height - 2 * border, width - 2 * border)
    func inner(_ values: [Float]) -> [Double] {
      (border..<border + rows).flatMap { row in
        values[row * width + border..<row * width + border + columns].map { Double($0) }
      }
    }
    let (a, b) = (inner(picture), inner(truth))
    let error = zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Double(a.count)
    psnr = 10 * log10(255 * 255 / error)
    ssim = ImageQuality.similarity(a, b, rows: rows, columns: columns)
  }

  private static let window: [Double] = {
    let weights = (-5...5).map { exp(-Double($0 * $0) / (2 * 1.5 * 1.5)) }
    return weights.map { $0 / weights.reduce(0, +) }
  }()

  private static func similarity(_ a: [Double], _ b: [Double], rows: Int, columns: Int) -> Double {
    let size = window.count
    guard rows >= size, columns >= size else { return .nan }
    func smooth(_ values: [Double]) -> [Double] {
      let (height, width) = (rows - size + 1, columns - size + 1)
      var across = [Double](repeating: 0, count: rows * width)
      for row in 0..<rows {
        for column in 0..<width {
          var sum = 0.0
          for (offset, weight) in window.enumerated() { sum += weight * values[row * columns + column + offset] }
          across[row * width + column] = sum
        }
      }
      var result = [Double](repeating: 0, count: height * width)
      for row in 0..<height {
        for (offset, weight) in window.enumerated() {
          for column in 0..<width { result[row * width + column] += weight * across[(row + offset) * width + column] }
        }
      }
      return result
    }
    func products(_ a: [Double], _ b: [Double]) -> [Double] { zip(a, b).map { $0 * $1 } }
    let (meanA, meanB) = (smooth(a), smooth(b))
    let (squaresA, squaresB, crossed) = (smooth(products(a, a)), smooth(products(b, b)), smooth(products(a, b)))
    let (c1, c2) = (0.01 * 0.01 * 255 * 255, 0.03 * 0.03 * 255 * 255)
    var sum = 0.0
    for place in meanA.indices {
      let (x, y) = (meanA[place], meanB[place])
      let (varianceA, varianceB) = (squaresA[place] - x * x, squaresB[place] - y * y)
      let covariance = crossed[place] - x * y
      sum +=
        (2 * x * y + c1) * (2 * covariance + c2) / ((x * x + y * y + c1) * (varianceA + varianceB + c2))
    }
    return sum / Double(meanA.count)
  }
}
