import Datasets
import LinearAlgebra
import Metrics
import Training

/// Features of real and generated examples, of whatever network: an NPZ file with the arrays `real` and `generated`.
struct FeatureFile {
  private let comparison: FeatureComparison

  /// - Throws: `DataError` or `TrainingError` when the file does not hold two such arrays.
  init(_ path: String) throws {
    let archive = try NPZ(path)
    func features(_ name: String) throws -> Matrix {
      let array = try archive.examples(name)
      guard array.count >= 2, array.elementsPerExample <= 4096 else {
        throw TrainingError(
          .unsuitable, "\(path): \(name) has \(array.count) rows of \(array.elementsPerExample) features",
          advice: "give at least 2 rows of at most 4096 features")
      }
      let values: [Double] =
        switch array.kind {
        case .uint8: array.withUnsafeBufferPointer(as: UInt8.self) { $0.map(Double.init) }
        case .float32: array.withUnsafeBufferPointer(as: Float.self) { $0.map(Double.init) }
        case .float64: array.withUnsafeBufferPointer(as: Double.self) { Array($0) }
        }
      guard values.allSatisfy(\.isFinite) else {
        throw TrainingError(
          .unsuitable, "\(path): \(name) holds numbers that are not finite", advice: "extract the features again")
      }
      return Matrix(rows: array.count, columns: array.elementsPerExample, elements: values)
    }
    let (real, generated) = (try features("real"), try features("generated"))
    guard real.columns == generated.columns else {
      throw TrainingError(
        .unsuitable, "\(path): real has \(real.columns) features and generated \(generated.columns)",
        advice: "extract both with the same network")
    }
    comparison = FeatureComparison(real: real, generated: generated)
  }

  func metrics() throws -> [String: Double] {
    let coverage = comparison.coverage()
    return [
      "test/gen/FID": try comparison.frechetDistance(), "test/gen/KID": comparison.kernelDistance(),
      "test/gen/Precision": coverage.precision, "test/gen/Recall": coverage.recall,
      "test/gen/RealExamples": Double(comparison.real.rows),
      "test/gen/Examples": Double(comparison.generated.rows),
    ]
  }
}
