import ArgumentParser
import Recipes
import Runs
import Training

/// Which latent vectors samples are made of.
struct LatentOptions: ParsableArguments {
  @Flag(help: "Each row of ten leads from one sample to another.")
  var interpolate = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("One sample of each seed, which no other seed changes.", valueName: "85,265,600-605"),
    transform: SeedList.parse)
  var seeds: [UInt64]?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "A film, as an animated PNG, that passes the samples of these seeds and ends where it began.", valueName: "1,5,9"),
    transform: SeedList.parse)
  var walk: [UInt64]?

  @Option(parsing: .unconditional, help: "With --walk: pictures of the film (default: 60).")
  var frames: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "A column for each truncation, a row for each of --seeds (default: 0-4).", valueName: "0.5,1,2"),
    transform: LatentOptions.numbers)
  var sweep: [Double]?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Cut the noise off at so many standard deviations: less variety.", valueName: "t"))
  var truncation: Double?

  /// - Throws: `RecipeError` for options that exclude each other.
  func choice(count: Int?, seed: UInt64?) throws -> LatentRequest.Choice? {
    let kinds = [
      ("--interpolate", interpolate), ("--walk", walk != nil), ("--sweep", sweep != nil),
      ("--seeds", seeds != nil && sweep == nil),
    ].filter(\.1).map(\.0)
    guard kinds.count < 2 else { throw RecipeError("\(kinds[0]) and \(kinds[1]) exclude each other: leave one out") }
    guard frames == nil || walk != nil else {
      throw RecipeError("--frames is of --walk: name its seeds, or leave it out")
    }
    guard let kind = kinds.first else { return nil }
    if interpolate { return .paths(count ?? 64) }
    guard count == nil, seed == nil else {
      throw RecipeError("\(kind) says which samples: leave \(count == nil ? "--seed" : "--count") out")
    }
    if let walk { return .walk(walk, frames: frames ?? 60) }
    if let sweep { return .sweep(seeds ?? Array(0...4), truncations: sweep) }
    return seeds.map { .seeds($0) }
  }

  /// Reads a list of numbers.
  private static func numbers(_ text: String) throws -> [Double] {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    let known = parts.compactMap { Double($0) }.filter(\.isFinite)
    guard parts.count <= 100, known.count == parts.count else {
      throw RecipeError("it must be up to 100 numbers with commas between them, such as 0.5,1,2")
    }
    return known
  }
}
