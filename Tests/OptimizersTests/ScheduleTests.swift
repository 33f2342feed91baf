import Foundation
import GradientChecks
import Optimizers
import Testing

@Suite("Schedules")
struct ScheduleTests {
  private struct Book: Decodable {
    struct Case: Decodable {
      let name: String
      let factors: [Double]
    }
    let total: Int
    let warmup: Int
    let cases: [Case]
  }

  private static let schedules: [String: Schedule] = [
    "constant": Schedule(),
    "cosine": Schedule(.cosine()),
    "cosine floor": Schedule(.cosine(floor: 0.1)),
    "linear floor": Schedule(.linear(floor: 0.1)),
    "steps": Schedule(.steps(every: 7, factor: 0.5)),
    "exponential": Schedule(.exponential(factor: 0.9)),
    "warm-up": Schedule(warmupSteps: 8),
    "warm-up cosine": Schedule(.cosine(floor: 0.1), warmupSteps: 8),
  ]

  @Test func followsPyTorch() throws {
    let book = try GoldenFile.read("schedules", as: Book.self)
    #expect(book.warmup == 8)
    #expect(Set(book.cases.map(\.name)) == Set(Self.schedules.keys))
    for golden in book.cases {
      let schedule = try #require(Self.schedules[golden.name])
      #expect(golden.factors.count == book.total)
      for (index, wanted) in golden.factors.enumerated() {
        let factor = schedule.value(at: index + 1, of: book.total)
        #expect(abs(factor - wanted) < 1e-11, "\(golden.name), step \(index + 1)")
      }
    }
  }

  @Test(arguments: schedules.keys.sorted())
  func staysBetweenFloorAndOne(_ name: String) throws {
    let schedule = try #require(Self.schedules[name])
    for total in [0, 1, 5, 8, 9, 1000] {
      for step in [1, 2, 7, 8, 9, 10, 999, 1000, 1001, 5000, Int.max] {
        let factor = schedule.value(at: step, of: total)
        #expect(factor >= 0 && factor <= 1, "\(name) at \(step) of \(total)")
      }
    }
  }

  @Test func pastItsTotalACosineStaysAtTheFloor() {
    #expect(abs(Schedule(.cosine(floor: 0.25)).value(at: 101, of: 100) - 0.25) < 1e-15)
    #expect(abs(Schedule(.cosine(floor: 0.25)).value(at: 900, of: 100) - 0.25) < 1e-15)
    #expect(Schedule(.linear(floor: 0.25)).value(at: 900, of: 100) == 0.25)
  }

  /// Each cycle begins at the whole rate and ends near the floor, at which a training stays that goes on.
  @Test func cyclesBeginAnew() {
    let schedule = Schedule(.cycles(4, floor: 0.1))
    for cycle in 0..<4 {
      #expect(abs(schedule.value(at: 25 * cycle + 1, of: 100) - 1) < 1e-12)
      #expect(abs(schedule.value(at: 25 * cycle + 6, of: 100) - (0.1 + 0.45 * (1 + cos(.pi / 5)))) < 1e-12)
      #expect(schedule.value(at: 25 * cycle + 25, of: 100) < 0.104)
    }
    #expect(schedule.value(at: 101, of: 100) == 0.1 && schedule.value(at: 900, of: 100) == 0.1)
  }

  /// Maddox et al. 2019: the whole rate to half of the start, the average's rate from nine tenths of it on.
  @Test func averagingComesDownBeforeItsStart() {
    let schedule = Schedule(.averaging(start: 0.5, floor: 0.2))
    let factors = [1, 26, 36, 46, 51, 100, 900].map { schedule.value(at: $0, of: 100) }
    for (factor, wanted) in zip(factors, [1, 1, 0.6, 0.2, 0.2, 0.2, 0.2]) { #expect(abs(factor - wanted) < 1e-12) }
  }

  /// Of 13 epochs Zaremba et al. 2014 train 4 at the rate 1, and halve it before every further one.
  @Test func afterTheSteadyEpochsTheRateFallsBeforeEach() {
    let schedule = Schedule(.epochs(steady: 4, factor: 0.5))
    let factors = (0..<7).map { schedule.value(at: 1 + 10 * $0, of: 130, epoch: $0) }
    #expect(factors == [1, 1, 1, 1, 0.5, 0.25, 0.125])
    #expect(schedule.value(at: 40, of: 130, epoch: 3) == 1)
    #expect(Schedule(.epochs(steady: 0, factor: 0.5)).value(at: 1, of: 1, epoch: 0) == 0.5)
    #expect(Schedule(.epochs(steady: 1, factor: 0.5), warmupSteps: 4).value(at: 2, of: 9, epoch: 1) == 0.25)
  }

  @Test func mistakesStop() async {
    await #expect(processExitsWith: .failure) {
      dieQuietly()
      _ = Schedule().value(at: 0, of: 10)
    }
    await #expect(processExitsWith: .failure) {
      dieQuietly()
      _ = Schedule(.steps(every: 0, factor: 0.5))
    }
  }
}

@Suite("Clipping")
struct ClippingTests {
  private let gradient: [Float] = [3, -4, 0.5, 0, -12]

  @Test func byNorm() {
    let squares = Clipping.sumOfSquares(0..<5, of: gradient)
    #expect(squares == 169.25)
    let norm = squares.squareRoot()
    for limit in [0.5, 5, 13] {
      let scale = Clipping.norm(limit).gradientScale(sumsOfSquares: [squares])
      #expect(abs(Double(scale) - limit / (norm + 1e-6)) < 1e-7)
    }
    #expect(Clipping.norm(14).gradientScale(sumsOfSquares: [squares]) == 1)
    // The limit is for the gradient as it is used: one that is averaged first may be short enough.
    #expect(Clipping.norm(2).gradientScale(0.125, sumsOfSquares: [squares]) == 0.125)
    let scale = Clipping.norm(1).gradientScale(0.125, sumsOfSquares: [squares])
    #expect(abs(Double(scale) * norm - 1) < 1e-5)
    #expect(Clipping.norm(1).gradientScale(sumsOfSquares: [0]) == 1)
    #expect(Clipping.norm(1).gradientScale(sumsOfSquares: [Double]()) == 1)
  }

  @Test func sumsOfBlocksAreTheSumOfAll() {
    let parts = [0..<2, 2..<3, 3..<3, 3..<5].map { Clipping.sumOfSquares($0, of: gradient) }
    #expect(parts == [25, 0.25, 0, 144])
    #expect(
      Clipping.norm(1).gradientScale(sumsOfSquares: parts) == Clipping.norm(1).gradientScale(sumsOfSquares: [169.25]))
  }

  @Test(arguments: [Double.infinity, .nan])
  func aGradientThatIsNotFiniteIsNotMadeSmall(_ sum: Double) {
    #expect(Clipping.norm(1).gradientScale(sumsOfSquares: [1, sum]).isNaN)
  }

  @Test func byValue() {
    var clipped = gradient
    Clipping.value(2).clampValues(1..<4, of: &clipped)
    #expect(clipped == [3, -2, 0.5, 0, -12])
    Clipping.value(2).clampValues(0..<5, of: &clipped, scale: 0.25)
    #expect(clipped == [3, -2, 0.5, 0, -8])
  }

  @Test func othersDoNothing() {
    var untouched = gradient
    for clipping in [Clipping.none, .norm(1)] { clipping.clampValues(0..<5, of: &untouched) }
    #expect(untouched == gradient)
    #expect(Clipping.none.gradientScale(0.5, sumsOfSquares: [1e9]) == 0.5)
    #expect(Clipping.value(1).gradientScale(0.5, sumsOfSquares: [1e9]) == 0.5)
  }
}
