import ArgumentParser
import Recipes
import Runs
import Training

/// Which latent vectors samples are made of.
struct LatentOptions: ParsableArguments {
  @Option(
    name: .customLong("class"),
    help: ArgumentHelp(
      "The class of all samples, of a run with network.conditional (default: a row for each class).",
      valueName: "name|index"))
  var className: String?

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
    help: ArgumentHelp(
      "Less variety, more typical samples. With styles: 1 is none, 0 the mean style; without: cut the noise off at so many standard deviations.",
      valueName: "t"))
  var truncation: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "With --truncation or --sweep: truncate the first styles alone, of the smallest sizes (default: all).",
      valueName: "layers"))
  var truncationCutoff: Int?

  @Flag(help: "A grid of the samples of --rows with some styles of the samples of --columns.")
  var mix = false

  @Option(
    parsing: .unconditional, help: ArgumentHelp("With --mix: the seeds of the rows.", valueName: "85,100"),
    transform: SeedList.parse)
  var rows: [UInt64]?

  @Option(
    parsing: .unconditional, help: ArgumentHelp("With --mix: the seeds of the columns.", valueName: "55,821"),
    transform: SeedList.parse)
  var columns: [UInt64]?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "With --mix: the styles that columns give, from 0, the smallest size, on (default: 0-3).", valueName: "0-3"),
    transform: LatentOptions.range)
  var layers: ClosedRange<Int>?

  @Option(
    help: ArgumentHelp(
      "The noise of a generator of styles: constant (default), random by seed, or none.",
      valueName: "constant|random|none"),
    transform: { text in
      guard let noise = LatentRequest.Noise(rawValue: text) else {
        throw RecipeError("it must be constant, random or none")
      }
      return noise
    })
  var noise: LatentRequest.Noise?

  /// - Throws: `RecipeError` for options that exclude each other.
  func choice(count: Int?, seed: UInt64?) throws -> LatentRequest.Choice? {
    let kinds = [
      ("--interpolate", interpolate), ("--walk", walk != nil), ("--sweep", sweep != nil),
      ("--mix", mix), ("--seeds", seeds != nil && sweep == nil),
    ].filter(\.1).map(\.0)
    guard kinds.count < 2 else { throw RecipeError("\(kinds[0]) and \(kinds[1]) exclude each other: leave one out") }
    guard frames == nil || walk != nil else {
      throw RecipeError("--frames is of --walk: name its seeds, or leave it out")
    }
    guard mix || rows == nil && columns == nil && layers == nil else {
      throw RecipeError("--rows, --columns and --layers are of --mix: name it too, or leave them out")
    }
    guard walk == nil || noise != .random else {
      throw RecipeError("the noise of a film stays: choose --noise constant or none")
    }
    guard let kind = kinds.first else { return nil }
    if interpolate { return .paths(count ?? 64) }
    guard count == nil, seed == nil else {
      throw RecipeError("\(kind) says which samples: leave \(count == nil ? "--seed" : "--count") out")
    }
    if let walk { return .walk(walk, frames: frames ?? 60) }
    if let sweep { return .sweep(seeds ?? Array(0...4), truncations: sweep) }
    if mix {
      guard let rows, let columns else {
        throw RecipeError("--mix needs --rows and --columns, as in --rows 85,100 --columns 55,821")
      }
      return .mix(rows: rows, columns: columns, layers: layers ?? 0...3)
    }
    return seeds.map { .seeds($0) }
  }

  /// Reads a range of small numbers, or one.
  private static func range(_ text: String) throws -> ClosedRange<Int> {
    let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1],
      (0...last).contains(first), last < 1000
    else { throw RecipeError("it must be a number from 0 on or a range, such as 0-3") }
    return first...last
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
