import LinearAlgebra
import ReferenceSupport
import Sequences
import Statistics

/// Sequences back to back.
struct Series {
  var rows: Matrix
  var lengths: [Int]

  init(_ rows: [[Double]], lengths: [Int]? = nil) {
    (self.rows, self.lengths) = (Matrix(rows), lengths ?? [rows.count])
  }

  init(_ values: [Double], lengths: [Int]? = nil) { self.init(values.map { [$0] }, lengths: lengths) }

  /// Lends some sequences, whole.
  func lend<R>(_ sequences: Range<Int>, _ body: (Observations) throws(ExactError) -> R) throws(ExactError) -> R {
    let starts = lengths.reduce(into: [0]) { $0.append($0.last! + $1) }
    let first = starts[sequences.lowerBound]
    return try rows.withRows { (all) throws(ExactError) in
      var observations = Observations(inputs: all.rows(first..<starts[sequences.upperBound]))
      observations.starts = starts[sequences.lowerBound...sequences.upperBound].map { $0 - first }
      return try body(observations)
    }
  }

  func lend<R>(_ body: (Observations) throws(ExactError) -> R) throws(ExactError) -> R {
    try lend(0..<lengths.count, body)
  }
}

extension StatisticsModel {
  /// The statistics of whole sequences in so many shards, empty ones too, added as an exchange adds them.
  func statistics(of series: Series, _ parameters: Parameters, shards: Int) throws(ExactError) -> [Double] {
    var parts: [[Double]] = []
    for shard in 0..<shards {
      var part = [Double](repeating: 0, count: statisticsCount)
      let range = shardRange(shard, of: shards, count: series.lengths.count)
      let result: Result<Void, ExactError> = part.withUnsafeMutableBufferPointer { buffer in
        guard !range.isEmpty else { return .success(()) }
        do throws(ExactError) {
          return .success(
            try series.lend(range) { (observations) throws(ExactError) in
              try accumulate(
                observations, parameters: parameters, into: buffer.baseAddress!, scratch: makeScratch())
            })
        } catch {
          return .failure(error)
        }
      }
      try result.get()
      parts.append(part)
    }
    var distance = 1
    while distance < parts.count {
      for left in stride(from: 0, to: parts.count - distance, by: 2 * distance) {
        for i in parts[left].indices { parts[left][i] += parts[left + distance][i] }
      }
      distance *= 2
    }
    return parts[0]
  }

  /// Iterates; the objectives are those before each update.
  func iterate(
    _ series: Series, from start: Parameters, _ iterations: Int, shards: Int = 1
  ) throws(ExactError) -> (parameters: Parameters, objectives: [Double]) {
    var (parameters, objectives) = (start, [Double]())
    for _ in 0..<iterations {
      let step = try update(parameters, statistics: statistics(of: series, parameters, shards: shards))
      parameters = step.parameters
      objectives.append(step.objective)
    }
    return (parameters, objectives)
  }
}

/// Known series.
enum Problems {
  /// Earthquakes of magnitude 7 or more in the world, 1900 to 2006 (Zucchini and MacDonald 2009, table 1.1).
  static let earthquakes = Series(
    [
      13, 14, 8, 10, 16, 26, 32, 27, 18, 32, 36, 24, 22, 23, 22, 18, 25, 21, 21, 14, 8, 11, 14, 23, 18, 17, 19, 20, 22,
      19, 13, 26, 13, 14, 22, 24, 21, 22, 26, 21, 23, 24, 27, 41, 31, 27, 35, 26, 28, 36, 39, 21, 17, 22, 17, 19, 15,
      34,
      10, 15, 22, 18, 15, 20, 15, 22, 19, 16, 30, 27, 29, 23, 20, 16, 21, 21, 25, 16, 18, 15, 18, 14, 10, 15, 8, 15, 6,
      11, 8, 7, 18, 16, 13, 12, 13, 20, 15, 16, 12, 18, 15, 16, 13, 15, 16, 11, 11,
    ])

  /// The occasionally dishonest casino (Durbin et al. 1998, section 3.2): a fair die and one that shows a six half of the
  /// time, from a linear congruential generator; with the states.
  static let casino: (series: Series, states: [Int]) = {
    var state: UInt64 = 12345
    func uniform() -> Double {
      state = (1_103_515_245 * state + 12345) % (1 << 31)
      return Double(state) / Double(1 << 31)
    }
    var (symbols, states, die) = ([Double](), [Int](), 0)
    for _ in 0..<1500 {
      let (side, change) = (uniform(), uniform())
      let sides = die == 0 ? [Double](repeating: 1 / 6, count: 6) : [0.1, 0.1, 0.1, 0.1, 0.1, 0.5]
      var (symbol, sum) = (0, sides[0])
      while symbol < 5, side >= sum {
        symbol += 1
        sum += sides[symbol]
      }
      symbols.append(Double(symbol))
      states.append(die)
      die = change < (die == 0 ? 0.95 : 0.1) ? 0 : 1
    }
    return (Series(symbols, lengths: [500, 300, 700]), states)
  }()

  /// Ragged sequences of rows around two places that take turns, and of counts.
  static func ragged(dimension: Int, seed: UInt64 = 5) -> Series {
    var generator = SplitMix64(seed: seed)
    let lengths = [7, 1, 23, 12, 40, 3, 18]
    var rows: [[Double]] = []
    for length in lengths {
      var state = Int.random(in: 0...1, using: &generator)
      for _ in 0..<length {
        if Double.random(in: 0...1, using: &generator) < 0.2 { state = 1 - state }
        rows.append(
          (0..<dimension).map { column in
            let noise = (0..<6).reduce(-3.0) { sum, _ in sum + Double.random(in: 0...1, using: &generator) }
            return Double(state * (column + 2)) + noise
          })
      }
    }
    return Series(rows, lengths: lengths)
  }

  static func counts(seed: UInt64 = 6) -> Series {
    let rows = ragged(dimension: 2, seed: seed)
    return Series(
      (0..<rows.rows.rows).map { row in rows.rows.row(row).map { max(0, (2 * $0 + 2).rounded()) } },
      lengths: rows.lengths)
  }

  static func symbols(seed: UInt64 = 7) -> Series {
    let rows = ragged(dimension: 1, seed: seed)
    return Series(rows.rows.elements.map { min(max(($0 + 1).rounded(), 0), 4) }, lengths: rows.lengths)
  }
}

/// Whether two numbers agree to a relative difference.
func isClose(_ one: Double, _ other: Double, _ tolerance: Double) -> Bool {
  relativeDifference(one, other) <= tolerance
}

extension Series {
  /// What a system starts from.
  func moments(for model: LinearDynamicalSystem) throws(ExactError) -> SeriesMoments {
    var moments = SeriesMoments(
      dimension: model.dimension, lags: LinearDynamicalSystem.lags(model.form, dimension: model.dimension))
    try lend { (rows) throws(ExactError) in moments.addToMeans(rows) }
    try lend { (rows) throws(ExactError) in moments.addProducts(rows) }
    return moments
  }
}
