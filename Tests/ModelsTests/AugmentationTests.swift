import Adversarial
import Recipes
import Tensors
import Testing

@Suite struct AugmentationTests {
  private let examples = (0..<200).map { UInt32($0) }

  private func augmentation(_ policies: String, shape: [Int] = [16, 16]) throws -> Augmentation {
    try Augmentation(Recipe(yaml: "objective: {augmentation: \(policies)}", source: "r")["objective"], shape: shape)
  }

  private func images(_ pixel: (_ row: Int, _ column: Int) -> Float) -> Tensor {
    let image = (0..<256).map { pixel($0 / 16, $0 % 16) }
    return Tensor(examples.flatMap { _ in image }, [examples.count, 256])
  }

  /// The changed images, one array of 256 numbers each.
  private func changed(_ policies: String, _ x: Tensor) throws -> [[Float]] {
    let y = try augmentation(policies)(x, key: RandomKey(seed: 3), examples: examples)
    return examples.indices.map { Array(y.values[$0 * 256..<($0 + 1) * 256]) }
  }

  @Test func withoutPoliciesNothingChanges() throws {
    let x = images { Float($0 - $1) }
    #expect(try augmentation("[]")(x, key: RandomKey(seed: 3), examples: examples).values == x.values)
  }

  /// So that no result depends on shards.
  @Test func anExamplesChangesAreItsOwn() throws {
    let change = try augmentation("[mirror, colour, translation, cutout]", shape: [8, 8, 3])
    let x = Tensor.normal(RandomKey(seed: 1), rows: [7, 2, 9], columns: 192)
    let together = change(x, key: RandomKey(seed: 3), examples: [7, 2, 9])
    let alone = change(x.rows(1..<2), key: RandomKey(seed: 3), examples: [2])
    #expect(together.rows(1..<2).values == alone.values)
    #expect(alone.values != change(x.rows(1..<2), key: RandomKey(seed: 3), examples: [3]).values)
  }

  @Test func halfOfTheImagesAreMirrored() throws {
    let plain = (0..<256).map { Float($0 % 16) }
    let changed = try changed("mirror", images { _, column in Float(column) })
    let mirrored = changed.count { $0 == plain.map { 15 - $0 } }
    #expect(mirrored + changed.count { $0 == plain } == 200)
    #expect((70...130).contains(mirrored))
  }

  /// An eighth of 16 is 2: 14 × 14 pixels stay at least.
  @Test func translationsAreByUpToAnEighth() throws {
    let kept = try changed("translation", images { _, _ in 1 }).map { $0.count { $0 == 1 } }
    #expect(Set(kept) == [256, 240, 224, 225, 210, 196])
    let alike = try changed("translation", images { row, column in row == 7 && column == 7 ? 1 : 0 })
    let places = Set(alike.map { $0.firstIndex(of: 1)! })
    #expect(places == Set((5...9).flatMap { row in (5...9).map { 16 * row + $0 } }))
  }

  /// Of a rectangle of 8 × 8, a quarter lies inside at least.
  @Test func cutoutsAreOfHalfOfEachSide() throws {
    let lost = try changed("cutout", images { _, _ in 1 }).map { $0.count { $0 == 0 } }
    #expect(lost.allSatisfy { (16...64).contains($0) } && lost.contains(64) && lost.contains { $0 < 32 })
  }

  /// y = c (x − m) + m + b with c in 0.5…1.5 and b in −0.5…0.5.
  @Test func coloursAreBrightnessAndContrast() throws {
    let x = images { row, _ in row < 8 ? -0.25 : 0.75 }
    let (low, high) = (try changed("colour", x).map { $0[0] }, try changed("colour", x).map { $0[255] })
    let (contrasts, means) = (zip(low, high).map { $1 - $0 }, zip(low, high).map { 0.5 * ($0 + $1) })
    #expect(contrasts.allSatisfy { (0.4999...1.5001).contains($0) } && contrasts.max()! - contrasts.min()! > 0.9)
    #expect(means.allSatisfy { (-0.2501...0.7501).contains($0) } && means.max()! - means.min()! > 0.9)
  }

  /// A pixel's colours go to their mean, at 0, and to twice as far; the mean of a grey image of colours stays.
  @Test func coloursAreSaturation() throws {
    let x = Tensor(
      examples.flatMap { _ in [1, 0, -1, 1, 0, -1, 1, 0, -1, 1, 0, -1] as [Float] }, [examples.count, 12])
    let y = try augmentation("colour", shape: [2, 2, 3])(x, key: RandomKey(seed: 3), examples: examples)
    let spreads = examples.indices.map { y.values[12 * $0] - y.values[12 * $0 + 1] }
    #expect(spreads.allSatisfy { (0...3).contains($0) } && spreads.min()! < 0.2 && spreads.max()! > 2)
  }

  @Test(arguments: [("colours", [16, 16]), ("[cutout, 5]", [16, 16]), ("cutout", [7])])
  func whatCannotBeIsRefused(policies: String, shape: [Int]) {
    #expect(throws: RecipeError.self) { try augmentation(policies, shape: shape) }
  }
}
