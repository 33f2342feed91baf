import LinearAlgebra
import Metrics
import ReferenceSupport
import Testing

/// Pieces of the levels of Laplacian pyramids: values of scripts/reference/sliced_wasserstein.py.
@Suite struct SlicedWassersteinTests {
  private func stack(_ golden: Golden, _ name: String) -> ImageStack {
    ImageStack(
      golden[name].doubles.map { Float($0) }, height: golden["height"].int, width: golden["width"].int,
      channels: golden["channels"].int)
  }

  private func corners(_ golden: Golden) -> [(row: Int, column: Int)] {
    let numbers = golden.doubles.map { Int($0) }
    return (0..<numbers.count / 2).map { (numbers[2 * $0], numbers[2 * $0 + 1]) }
  }

  @Test func equalsNumPyAndSciPy() {
    let cases = Golden("sliced_wasserstein")["cases"].list
    #expect(cases.count == 3)
    for golden in cases {
      let (real, generated) = (stack(golden, "real").laplacianPyramid(), stack(golden, "generated").laplacianPyramid())
      let levels = golden["levels"].list
      #expect(real.count == levels.count && real.map(\.height) == levels.map { $0["height"].int })
      for (level, images) in zip(levels, zip(real, generated)) {
        for (ours, wanted) in zip(images.0.images(0..<1).values, level["sample"].doubles) {
          #expect(abs(Double(ours) - wanted) < 1e-3)
        }
        let (ours, theirs) = (
          PatchSet(of: images.0, corners: corners(level["real_corners"])),
          PatchSet(of: images.1, corners: corners(level["generated_corners"]))
        )
        let directions = Matrix(
          rows: level["distances"].list.count, columns: ours.width, elements: level["directions"].doubles)
        let distances = SlicedWasserstein.distances(directions, ours, theirs)
        for (distance, wanted) in zip(distances, level["distances"].doubles) {
          #expect(abs(distance - wanted) < 1e-5, "\(golden["name"].string)")
        }
      }
    }
  }

  @Test func aSetIsItsOwnEqual() {
    let images = ImageStack((0..<2 * 16 * 16).map { Float($0 * $0 % 251) }, height: 16, width: 16, channels: 1)
    let pieces = PatchSet(of: images, corners: [(0, 0), (9, 3), (4, 4), (2, 9)])
    let directions = Matrix(rows: 2, columns: 49, elements: (0..<98).map { Double($0 % 5) - 2 })
    #expect(SlicedWasserstein.distances(directions, pieces, pieces) == [0, 0])
  }

  /// Blank pictures have no deviation to divide by.
  @Test func onePictureOfOneGray() {
    let blank = ImageStack([Float](repeating: 3, count: 2 * 64), height: 8, width: 8, channels: 1)
    let pieces = PatchSet(of: blank, corners: [(0, 0), (1, 1)])
    let directions = Matrix(rows: 1, columns: 49, repeating: 1 / 7)
    #expect(SlicedWasserstein.distances(directions, pieces, pieces) == [0])
  }

  /// Adding up the levels, each doubled, gives the picture back: what a pyramid is.
  @Test func sidesAreHalvedWhileTheyCanBe() {
    func heights(_ height: Int, _ width: Int) -> [Int] {
      ImageStack([Float](repeating: 1, count: height * width), height: height, width: width, channels: 1)
        .laplacianPyramid().map(\.height)
    }
    #expect(heights(64, 64) == [64, 32, 16] && heights(28, 28) == [28] && heights(33, 64) == [33])
    #expect(heights(96, 64) == [96, 48, 24] && heights(7, 7) == [7])
  }

  /// A blank picture has no detail, at the edges either.
  @Test func detailOfNothingIsNothing() {
    let blank = ImageStack([Float](repeating: 5, count: 32 * 32), height: 32, width: 32, channels: 1)
    let levels = blank.laplacianPyramid()
    #expect(levels[0].values.allSatisfy { abs($0) < 1e-5 } && levels[1].values.allSatisfy { abs($0 - 5) < 1e-5 })
  }

  @Test func theFloorIsOfHalves() throws {
    let rows = (0..<9).map { [Double($0), Double($0 * $0 % 7)] }
    let comparison = FeatureComparison(real: Matrix(rows), generated: Matrix(rows))
    let floor = comparison.floor()
    #expect(floor.real == Matrix([0, 2, 4, 6].map { rows[$0] }))
    #expect(floor.generated == Matrix([1, 3, 5, 7].map { rows[$0] }))
  }
}
