import Datasets
import Foundation
import Networks
import Tensors
import Training

/// A learner whose weights have a posterior, so that they can be pruned by |μ| / σ (Blundell et al. 2015, section 5.1).
protocol PosteriorPrunable: Prunable {
  var posterior: VariationalPosterior { get }
}

extension VariationalLearner: PosteriorPrunable {}
extension PosteriorLearner: PosteriorPrunable {}

extension PosteriorPrunable {
  func sparse(keeping share: Double) -> [SparseTensor] {
    let start = parameters.float32.baseAddress!
    // log |μ| − log σ, made so that it is finite for every σ.
    let ratios = posterior.entries.map { entry -> [Float] in
      guard let rho = entry.rho else { return [] }
      return (0..<entry.weight.shape.count).map { element in
        let r = start[rho.offset + element]
        let deviation = max(r, 0) + log1p(exp(-abs(r)))
        return log(max(abs(start[entry.mean.offset + element]), 1e-38)) - (r < -80 ? r : log(deviation))
      }
    }
    let order = ratios.indices.flatMap { tensor in ratios[tensor].indices.map { (tensor, $0) } }
      .sorted { ratios[$0.0][$0.1] > ratios[$1.0][$1.1] }
    let kept = order.prefix(Int((share * Double(order.count)).rounded()))
    var places = [[Int]](repeating: [], count: ratios.count)
    for (tensor, element) in kept { places[tensor].append(element) }
    return posterior.entries.indices.compactMap { tensor in
      let entry = posterior.entries[tensor]
      guard let rho = entry.rho else { return nil }
      let own = places[tensor].sorted()
      return SparseTensor(
        name: entry.weight.name, count: entry.weight.shape.count, places: own.map { UInt32($0) },
        means: own.map { start[entry.mean.offset + $0] }, rhos: own.map { start[rho.offset + $0] })
    }
  }

  func load(_ tensors: [SparseTensor]) throws(TrainingError) {
    let start = parameters.float32.baseAddress!
    for entry in posterior.entries {
      guard let rho = entry.rho else { continue }
      let count = entry.weight.shape.count
      guard
        let tensor = tensors.first(where: { $0.name == entry.weight.name }), tensor.count == count,
        tensor.means.count == tensor.places.count, tensor.rhos.count == tensor.places.count,
        tensor.places.allSatisfy({ $0 < count }), (tensor.means + tensor.rhos).allSatisfy(\.isFinite)
      else {
        throw TrainingError(
          .damagedFile, "the pruned weights lack \(entry.weight.name), or have it in another shape",
          advice: "prune the same run again")
      }
      (start + entry.mean.offset).update(repeating: 0, count: count)
      (start + rho.offset).update(repeating: VariationalPosterior.removedRho, count: count)
      for (index, place) in tensor.places.enumerated() {
        start[entry.mean.offset + Int(place)] = tensor.means[index]
        start[rho.offset + Int(place)] = tensor.rhos[index]
      }
    }
  }
}

/// Pruned weights as an archive: for each tensor its `places` among `count` elements, and the `mu` and `rho` there.
public enum PrunedFile {
  public static func write(_ tensors: [SparseTensor], to path: String) throws(DataError) {
    var writer = try NPZWriter(path)
    for tensor in tensors {
      try writer.add(tensor.name + ".count", [Int32(tensor.count)], shape: [1])
      // numpy's arrays may be empty, the readers' examples not: an empty tensor is left out.
      guard !tensor.places.isEmpty else { continue }
      try writer.add(tensor.name + ".places", tensor.places.map { Int32($0) }, shape: [tensor.places.count])
      try writer.add(tensor.name + ".mu", tensor.means, shape: [tensor.means.count])
      try writer.add(tensor.name + ".rho", tensor.rhos, shape: [tensor.rhos.count])
    }
    try writer.finish()
  }

  public static func read(_ path: String) throws(DataError) -> [SparseTensor] {
    let archive = try NPZ(path)
    let keys = Set(archive.keys)
    return try archive.keys.filter { $0.hasSuffix(".count") }.map { (key) throws(DataError) in
      let name = String(key.dropLast(6))
      let count = try Int(archive.labels(key).first ?? 0)
      guard keys.contains(name + ".places") else {
        return SparseTensor(name: name, count: count, places: [], means: [], rhos: [])
      }
      func floats(_ suffix: String) throws(DataError) -> [Float] {
        let array = try archive.examples(name + suffix)
        guard array.kind == .float32 else { return [] }
        return array.withUnsafeBufferPointer(as: Float.self) { Array($0) }
      }
      return SparseTensor(
        name: name, count: count, places: try archive.labels(name + ".places"), means: try floats(".mu"),
        rhos: try floats(".rho"))
    }
  }
}
