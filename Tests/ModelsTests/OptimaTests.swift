import Datasets
import Foundation
import ReferenceSupport
import Tensors
import Testing
import Training

private let golden = Golden("optima")

/// What default settings reach on real tables beside scikit-learn's best of 60 starts. `scripts/reference/optima.py` made the
/// table.
@Suite struct OptimaTests {
  private static let sets = golden["sets"].list.indices

  private func rows(_ set: Golden) -> [Double] {
    RealData.rows(set["path"].string, skipping: set["skipped"].int, columns: set["columns"].int).flatMap { $0 }
  }

  private func predictions(
    _ model: String, _ set: Golden, _ overrides: [String]
  ) async throws -> [String: [Double]] {
    let array = ExampleArray(rows(set), shape: [set["columns"].int])
    #expect(array.count == set["rows"].int)
    let learner = try learner(
      model, Dataset(name: set["name"].string, train: ExampleSet(inputs: array)), overrides)
    let moment = try await train(learner, steps: 10_000, lanes: 2)
    #expect(moment.converged)
    let columns = try #require(learner.offers.closedFormPrediction).predict(array, with: Crew(lanes: 2))
    return Dictionary(uniqueKeysWithValues: columns.map { ($0.name, $0.values) })
  }

  @Test(
    "A Gaussian mixture comes within 0.1 nat of scikit-learn's best of 60 starts",
    .enabled(if: RealData.folder != nil, "there is no folder of real data"), arguments: sets)
  func mixtures(index: Int) async throws {
    let set = golden["sets"].list[index]
    let found = try await predictions("gmm", set, ["network.components=\(set["components"].int)"])
    let logLikelihood = found["log_density"]!.reduce(0, +)
    // A tenth of a nat: scikit-learn adds 1e-6 to every variance.
    #expect(logLikelihood > set["logLikelihood"].double - 0.1, "\(set["name"].string): \(logLikelihood)")
  }

  @Test(
    "K-means reaches the inertia of scikit-learn's best of 60 starts",
    .enabled(if: RealData.folder != nil, "there is no folder of real data"), arguments: sets)
  func clusters(index: Int) async throws {
    let set = golden["sets"].list[index]
    let k = set["clusters"].int
    let found = try await predictions("kmeans", set, ["network.clusters=\(k)"])
    let distances = found["distances"]!
    let inertia = stride(from: 0, to: distances.count, by: k).reduce(0) { sum, start in
      let nearest = distances[start..<start + k].min()!
      return sum + nearest * nearest
    }
    #expect(inertia < set["inertia"].double * (1 + 1e-9), "\(set["name"].string): \(inertia)")
  }
}
