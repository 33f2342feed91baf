import Glibc

/// Points from mixtures of Gaussians whose densities are known: what shows whether a generative model finds all modes.
/// Each point's label is its component. The same request gives the same points.
enum SyntheticData {
  static let names = ["gaussian-ring", "gaussian-grid", "gaussian-pair"]
  private static let trainCount = 20_000
  private static let testCount = 5_000

  private struct Mixture {
    let width: Int
    /// Row by row.
    let centres: [Double]
    let deviations: [Double]
    /// Whole numbers, so that shares are exact.
    let weights: [Int]

    init(width: Int, centres: [Double], deviations: [Double], weights: [Int]) {
      (self.width, self.centres, self.deviations, self.weights) = (width, centres, deviations, weights)
    }

    /// Components that are alike but for their centres.
    init(_ centres: [Double], width: Int, deviation: Double) {
      let count = centres.count / width
      self.init(
        width: width, centres: centres, deviations: Array(repeating: deviation, count: count),
        weights: Array(repeating: 1, count: count))
    }
  }

  private static func mixture(_ name: String) -> Mixture {
    var centres: [Double] = []
    switch name {
    case "gaussian-ring":  // eight on a circle of radius 2 (Metz, Poole, Pfau and Sohl-Dickstein 2017)
      for mode in 0..<8 {
        let angle = Double(mode) * Double.pi / 4
        centres += [2 * cos(angle), 2 * sin(angle)]
      }
      return Mixture(centres, width: 2, deviation: 0.02)
    case "gaussian-grid":  // twenty-five at −4, −2, 0, 2, 4 (Srivastava et al. 2017)
      for mode in 0..<25 { centres += [Double(2 * (mode % 5) - 4), Double(2 * (mode / 5) - 4)] }
      return Mixture(centres, width: 2, deviation: 0.05)
    default:  // ⅓ N(−1.5, 0.4²) + ⅔ N(1, 0.6²), in one dimension
      return Mixture(width: 1, centres: [-1.5, 1], deviations: [0.4, 0.6], weights: [1, 2])
    }
  }

  static func open(_ name: String, _ request: DataRequest) throws(DataError) -> Dataset {
    try request.refuseColumns(at: DataPlace(file: name))
    let mixture = mixture(name)
    var stream = SplitPermutation.Stream(seed: request.seed)
    func draw(_ count: Int) throws(DataError) -> ExampleSet {
      let total = mixture.weights.reduce(0, +)
      var (values, labels): ([Float], [UInt32]) = ([], [])
      for _ in 0..<count {
        var place = Int(stream.below(UInt64(total)))
        var component = 0
        while place >= mixture.weights[component] {
          place -= mixture.weights[component]
          component += 1
        }
        for axis in 0..<mixture.width {
          let mean = mixture.centres[component * mixture.width + axis]
          values.append(Float(mean + mixture.deviations[component] * stream.normal()))
        }
        labels.append(UInt32(component))
      }
      return try ExampleSet(
        inputs: ExampleArray(values, shape: [mixture.width]),
        labels: ClassLabels(indices: labels, count: mixture.weights.count))
    }
    let train = try draw(trainCount)
    return try Dataset(name: name, train: train, test: draw(testCount))
  }
}
