import Foundation

/// The time axis of a series: how long it is, and how long a season lasts.
struct FitSeries: Sendable, Equatable {
  let start: Double
  let end: Double
  /// Of a season, in the units of time; nil: the series shows none.
  let period: Double?

  /// Rows beyond these say nothing new about a season.
  private static let mostRows = 4000
  /// A season comes back so often at least.
  private static let fewestCycles = 3
  /// Frequencies for each cycle over the whole time, so that a start is within a tenth of a cycle.
  private static let oversampling = 10
  private static let mostFrequencies = 20_000
  /// What chance alone reaches in one of so many series.
  private static let falseAlarm = 0.001

  /// - Parameters:
  ///   - times: of all rows, ascending.
  ///   - values: of the target. The first half decides about the season: it is neither validated on nor scored.
  init(times: [Double], values: [Double]) {
    (start, end) = (times.first ?? 0, times.last ?? 0)
    let count = min(times.count / 2, FitSeries.mostRows)
    period = FitSeries.period(Array(times.prefix(count)), Array(values.prefix(count)))
  }

  private init(start: Double, end: Double, period: Double?) {
    (self.start, self.end, self.period) = (start, end, period)
  }

  /// The period of the largest peak of a least-squares periodogram (Lomb 1976, Scargle 1982), of what a parabola leaves; nil
  /// where chance reaches as much.
  private static func period(_ times: [Double], _ values: [Double]) -> Double? {
    let count = times.count
    guard count >= 16, let first = times.first, let last = times.last, last > first else { return nil }
    // Time from −1 to 1, in which a parabola and the frequencies are well-scaled.
    let time = times.map { 2 * ($0 - first) / (last - first) - 1 }
    let rest = residuals(of: values, overParabolasOf: time)
    let total = rest.reduce(0) { $0 + $1 * $1 }
    guard total > 1e-12 * values.reduce(0, { $0 + $1 * $1 }) else { return nil }
    // In cycles over the whole time; at most one in two rows.
    let frequencies = stride(
      from: Double(fewestCycles), through: Double(count) / 2, by: 1 / Double(oversampling)
    ).prefix(mostFrequencies)
    var best = (power: 0.0, frequency: 0.0)
    for frequency in frequencies {
      let power = share(rest, time, frequency) / total
      if power > best.power { best = (power, frequency) }
    }
    // Of noise a frequency's share p has P(p > z) = (1 − z)^((n − 3) / 2) (Zechmeister and Kürster 2009, section 2.3).
    let independent = Double(count) / 2
    let chance = independent * pow(1 - min(best.power, 1), Double(count - 3) / 2)
    return chance < falseAlarm ? (last - first) / best.frequency : nil
  }

  /// What a sine and a cosine of a frequency explain of the sum of squares.
  private static func share(_ rest: [Double], _ time: [Double], _ frequency: Double) -> Double {
    var (cc, ss, cs, yc, ys) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for (value, time) in zip(rest, time) {
      let (c, s) = (cos(.pi * frequency * time), sin(.pi * frequency * time))
      (cc, ss, cs, yc, ys) = (cc + c * c, ss + s * s, cs + c * s, yc + value * c, ys + value * s)
    }
    let determinant = cc * ss - cs * cs
    guard determinant > 1e-9 * cc * ss else { return 0 }
    return (ss * yc * yc - 2 * cs * yc * ys + cc * ys * ys) / determinant
  }

  /// What the parabola of least squares leaves, by orthogonal polynomials.
  private static func residuals(of values: [Double], overParabolasOf time: [Double]) -> [Double] {
    var (rest, basis) = (values, [[Double]]())
    for degree in 0...2 {
      var column = time.map { pow($0, Double(degree)) }
      func remove(_ other: [Double], from numbers: inout [Double]) {
        let norm = other.reduce(0) { $0 + $1 * $1 }
        guard norm > 0 else { return }
        let part = zip(other, numbers).reduce(0) { $0 + $1.0 * $1.1 } / norm
        for index in numbers.indices { numbers[index] -= part * other[index] }
      }
      for other in basis { remove(other, from: &column) }
      remove(column, from: &rest)
      basis.append(column)
    }
    return rest
  }
}

extension FitSeries {
  /// A series whose families have the names of all: of plans that are read.
  static let unknown = FitSeries(start: 0, end: 1, period: 1)

  /// What is tried: trends, trends with a season, and Gaussian processes whose kernels add a trend, a season and what lies between
  /// (Rasmussen and Williams 2006, section 5.4.3).
  var families: [FitFamily] {
    let span = end - start
    func text(_ number: Double) -> String { String(format: "%.6g", number) }
    let place = ["network.centre=\(text(start + span / 2))", "network.scale=\(text(span / 2))"]
    let degrees = FitFamily.Axis(key: "network.degree", usual: "2", range: "1,2,3")
    let trend = "rbf(variance=10,length=\(text(span)))"
    let wander = "rational-quadratic(variance=0.01,length=\(text(period ?? span / 40)))"
    var kernels = ["matern32(length=\(text(span / 4)))", "\(trend) + \(wander)", trend]
    var families: [FitFamily] = [
      .exact(FitFamily.linear, "bayesian-linear-regression", ["network.basis=polynomial"] + place, [degrees])
    ]
    if let period {
      let season = "rbf(variance=0.1,length=\(text(span)))*periodic(period=\(text(period)))"
      kernels += ["\(trend) + \(season) + \(wander)", "\(trend) + \(season)"]
      families.append(
        .exact(
          "seasonal", "bayesian-linear-regression",
          ["network.basis=seasonal", "network.period=\(text(period))"] + place,
          [degrees, FitFamily.Axis(key: "network.harmonics", usual: "2", range: "1,2,4")]))
    }
    families.append(
      .exact(
        FitFamily.process, "gaussian-process",
        ["data.normalisation=none", "network.noise_variance=0.01", "objective.search_iterations=30"],
        [FitFamily.Axis(key: "network.kernel", usual: kernels.last!, range: kernels.joined(separator: ","))], factor: 2)
    )
    return families
  }
}
