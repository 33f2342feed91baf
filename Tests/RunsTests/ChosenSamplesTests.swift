import Datasets
import Files
import Foundation
import Images
import Recipes
import Runs
import Testing
import Training

/// Samples of seeds, films and sweeps as users ask for them.
@Suite("Chosen samples", .timeLimit(.minutes(5))) struct ChosenSamplesTests {
  private func run(_ files: borrowing Files) async throws -> Run {
    let recipe = try Recipe.named("gan")
    recipe.set("data.source", text: try files.pictures())
    for (key, value) in [
      ("network.generator", "[6]"), ("network.discriminator", "[7]"), ("network.latent", "3"), ("train.batch", "20"),
      ("train.steps", "2"),
    ] { try recipe.set(key, to: value) }
    try await Run.train(recipe, out: files["run"])
    return try Run(opening: files["run"], lanes: 1)
  }

  private func read(_ path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) }

  @Test("A seed's picture alone is its picture in a grid, and a film's frame") func pictures() async throws {
    let files = Files()
    let run = try await run(files)
    try await run.writeSamples(SampleOptions(choice: .seeds([5])), to: files["one.png"])
    try await run.writeSamples(SampleOptions(choice: .seeds(Array(0..<12))), to: files["grid.png"])
    let (one, grid) = (try PNG.decode(read(files["one.png"])), try PNG.decode(read(files["grid.png"])))
    // Pictures of 4 × 4, two pixels between them, each pixel four times a side.
    let (side, place) = (16, (x: (2 + 5 * 6) * 4, y: 2 * 4))
    for y in 0..<side {
      for x in 0..<side {
        #expect(one.samples[(8 + y) * one.width + 8 + x] == grid.samples[(place.y + y) * grid.width + place.x + x])
      }
    }
    try await run.writeSamples(SampleOptions(choice: .walk([5, 6], frames: 4)), to: files["walk.png"])
    let (film, frame) = (try read(files["walk.png"]), try PNG.decode(read(files["walk.png"])))
    #expect(String(decoding: film, as: UTF8.self).contains("acTL"))
    #expect((frame.width, frame.height) == (side, side))
    for y in 0..<side {
      #expect(
        frame.samples[y * side..<(y + 1) * side] == one.samples[(8 + y) * one.width + 8..<(8 + y) * one.width + 24])
    }
    // The same film as numbers.
    try await run.writeSamples(SampleOptions(choice: .walk([5, 6], frames: 4)), to: files["walk.npz"])
    #expect(FileManager.default.fileExists(atPath: files["walk.npz"]))
  }

  @Test("What cannot be asked for") func mistakes() async throws {
    let files = Files()
    let run = try await run(files)
    for options in [
      SampleOptions(choice: .walk([1], frames: 5)), SampleOptions(choice: .walk([1, 2, 3], frames: 2)),
      SampleOptions(choice: .walk([1, 2, 3], frames: 1_000_000)), SampleOptions(choice: .seeds([])),
      SampleOptions(choice: .sweep([1], truncations: [])), SampleOptions(choice: .sweep([1], truncations: [1, 0])),
      SampleOptions(choice: .sweep([1], truncations: [1]), truncation: 1), SampleOptions(truncation: -1),
      SampleOptions(choice: .sweep(Array(0..<10_000), truncations: Array(repeating: 1, count: 11))),
    ] {
      await #expect(throws: RecipeError.self, "\(options)") { try await run.writeSamples(options, to: files["no.png"]) }
    }
    #expect(!FileManager.default.fileExists(atPath: files["no.png"]))
  }

  @Test("Classes are named or numbered, and a grid has a row for each") func classes() async throws {
    let files = Files()
    var writer = try NPZWriter(files["pictures.npz"])
    try writer.add("x", (0..<60 * 64).map { UInt8($0 * $0 % 251) }, shape: [60, 8, 8])
    try writer.add("y", (0..<60).map { ["bag", "coat", "1"][$0 % 3] })
    try writer.finish()
    let recipe = try Recipe.named("stylegan")
    recipe.set("data.source", text: files["pictures.npz"])
    for (key, value) in [
      ("network.channel_base", "16"), ("network.latent", "4"), ("network.style_width", "4"), ("train.batch", "10"),
      ("train.steps", "2"), ("evaluate.examples", "0"), ("network.conditional", "true"),
    ] { try recipe.set(key, to: value) }
    try await Run.train(recipe, out: files["run"])
    let run = try Run(opening: files["run"], lanes: 1)
    func bytes(_ options: SampleOptions) async throws -> [UInt8] {
      try await run.writeSamples(options, to: files["samples.npy"])
      return try read(files["samples.npy"])
    }
    let seeds = SampleOptions(choice: .seeds([5, 6]))
    guard case .images(let grid) = try run.sample(seeds).content, case .images(let all) = try run.sample().content,
      case .images(let usual) = try run.sample(SampleOptions()).content
    else {
      Issue.record("no pictures")
      return
    }
    #expect((grid.rows, grid.columns, all.count) == (3, 2, 64))
    #expect((usual.rows, usual.columns) == (3, 10))
    let names = grid.rowLabels
    #expect(Set(names) == ["bag", "coat", "1"])
    // A name comes before a number.
    for (index, name) in names.enumerated() {
      let named = try await bytes(SampleOptions(choice: .seeds([5]), className: name))
      guard name != "1", index != 1 else { continue }
      #expect(try await bytes(SampleOptions(choice: .seeds([5]), className: "\(index)")) == named, "\(name)")
    }
    let first = try await bytes(SampleOptions(choice: .seeds([5]), className: names[0]))
    #expect(try await bytes(SampleOptions(choice: .seeds([5]), className: names[2])) != first)
    for name in ["cout", "3", "-1", ""] {
      await #expect(throws: RecipeError.self) { _ = try await bytes(SampleOptions(className: name)) }
    }
    await #expect(throws: RecipeError.self) {
      _ = try await bytes(SampleOptions(className: "bag", truncation: 0.5, truncationCutoff: 9))
    }
    let others = Files()
    let plain = try await self.run(others)
    #expect(throws: RecipeError.self) { try plain.sample(SampleOptions(className: "0")) }
  }

  @Test(
    "Lists of seeds",
    arguments: [
      ("85,265,600-605", [85, 265, 600, 601, 602, 603, 604, 605] as [UInt64]?), ("0", [0]), ("7-7,7", [7, 7]),
      ("9223372036854775807", [9_223_372_036_854_775_807]), ("0-9999", Array(0...9999)), ("", nil), (",", nil),
      ("1,,2", nil), ("-5", nil), ("5-", nil), ("605-600", nil), ("1-2-3", nil), ("0-10000", nil), ("0-9999,1", nil),
      ("0-9223372036854775807", nil), ("9223372036854775808", nil), ("99999999999999999999", nil), ("1 2", nil),
      ("+1", nil), ("1.5", nil), ("०", nil), ("a", nil),
    ])
  func lists(_ text: String, _ seeds: [UInt64]?) {
    #expect((try? SeedList.parse(text)) == seeds)
  }
}
