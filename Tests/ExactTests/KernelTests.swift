import CExact
import Foundation
import LinearAlgebra
import ReferenceSupport
import Testing

/// Every instruction set that this processor has, against loops that need no explanation.
@Suite struct KernelTests {
  static let levels: [Int] = Array(0..<8).prefix { cexact_at(Int32($0)) != nil }
  static let dimensions = [1, 2, 7, 8, 9, 16, 17, 24, 33, 40]

  private func kernels(_ level: Int) -> cexact_kernels { cexact_at(Int32(level)).pointee }

  private func random(_ count: Int, _ generator: inout SplitMix64) -> [Double] {
    (0..<count).map { _ in .random(in: -2...2, using: &generator) }
  }

  /// Rows in panels, and a way to read them back.
  private struct Block {
    let dimension: Int, capacity: Int
    var panels: Int { (dimension + 7) / 8 }
    var elements: [Double]

    init(_ rows: [Double], dimension: Int, capacity: Int, _ kernels: cexact_kernels, pivot: [Double]? = nil) {
      (self.dimension, self.capacity) = (dimension, capacity)
      elements = Array(repeating: .nan, count: (dimension + 7) / 8 * 8 * capacity)
      let padded = (pivot ?? Array(repeating: 0, count: dimension)) + Array(repeating: 0, count: 8)
      let spoilt = kernels.gather_double(
        rows, rows.count / dimension, dimension, dimension, padded, capacity, &elements)
      precondition(spoilt == -1)
    }

    subscript(row: Int, column: Int) -> Double { elements[((column / 8) * capacity + row) * 8 + column % 8] }
  }

  @Test(arguments: levels, dimensions)
  func gathersRowsMinusThePivot(level: Int, dimension: Int) {
    var generator = SplitMix64(seed: 1)
    let (rows, pivot) = (random(30 * dimension, &generator), random(dimension, &generator))
    let block = Block(rows, dimension: dimension, capacity: 48, kernels(level), pivot: pivot)
    for row in 0..<48 {
      for column in 0..<(8 * block.panels) {
        let inside = row < 30 && column < dimension
        #expect(block[row, column] == (inside ? rows[row * dimension + column] - pivot[column] : 0))
      }
    }
    let floats = rows.map(Float.init)
    var panels = [Double](repeating: .nan, count: block.elements.count)
    let zero = [Double](repeating: 0, count: dimension + 8)
    #expect(kernels(level).gather_float(floats, 10, dimension, 3 * dimension, zero, 48, &panels) == -1)
    #expect(panels[9 * 8] == Double(floats[27 * dimension]))
  }

  @Test(arguments: levels, [Double.nan, .infinity, -.infinity])
  func findsTheRowThatIsNotFinite(level: Int, value: Double) {
    for (dimension, column) in [(3, 2), (16, 9), (19, 18)] {
      var rows = [Double](repeating: 1e308, count: 20 * dimension)
      rows[7 * dimension + column] = value
      rows[11 * dimension] = value
      var panels = [Double](repeating: 0, count: 24 * 24)
      let zero = [Double](repeating: 0, count: 24)
      #expect(kernels(level).gather_double(rows, 20, dimension, dimension, zero, 24, &panels) == 7)
      #expect(kernels(level).gather_float(rows.map(Float.init), 20, dimension, dimension, zero, 24, &panels) == 0)
    }
  }

  @Test(arguments: levels, dimensions)
  func whitenedSquares(level: Int, dimension: Int) {
    var generator = SplitMix64(seed: 2)
    let rows = random(48 * dimension, &generator)
    let lower = random(dimension * dimension, &generator)
    let block = Block(rows, dimension: dimension, capacity: 48, kernels(level))
    var packed = [Double](repeating: 0, count: 32 * block.panels * (block.panels + 1))
    cexact_pack_lower(lower, dimension, &packed)
    var (lanes, squares) = ([Double](repeating: 0, count: 8 * 48), [Double](repeating: 0, count: 48))
    kernels(level).whitened_squares(block.elements, packed, 48, 48, block.panels, &lanes, &squares)
    let expected = (0..<48).map { row -> Double in
      (0..<dimension).reduce(0) { sum, i in
        let y = (0...i).reduce(0.0) { $0 + lower[i * dimension + $1] * rows[row * dimension + $1] }
        return sum + y * y
      }
    }
    #expect(relativeDifference(squares, expected) < 1e-14)
  }

  @Test(
    "Sums, squares and second moments of weighted rows agree with plain loops at every level",
    arguments: levels, dimensions)
  func moments(level: Int, dimension: Int) {
    var generator = SplitMix64(seed: 3)
    let rows = random(30 * dimension, &generator)
    let centre = random(dimension, &generator) + [Double](repeating: 0, count: 8)
    let weights = random(30, &generator).map(abs) + [Double](repeating: 0, count: 18)
    let block = Block(rows, dimension: dimension, capacity: 48, kernels(level))
    var (centred, scaled) = (block.elements, block.elements)
    var sums = [Double](repeating: 1, count: 8 * block.panels)
    var tiles = [Double](repeating: 0, count: 32 * block.panels * (block.panels + 1))
    var squares = [Double](repeating: 0, count: 8 * block.panels)
    kernels(level).weigh(
      block.elements, centre, weights, Array(0..<48), 48, 48, block.panels, &centred, &scaled, &sums)
    kernels(level).second_moments(scaled, centred, 48, 48, block.panels, &tiles)
    kernels(level).second_moments(scaled, centred, 48, 48, block.panels, &tiles)
    kernels(level).column_squares(centred, weights, 48, block.panels, &squares)
    var plain = [Double](repeating: 2, count: 8 * block.panels)
    kernels(level).column_sums(block.elements, 48, block.panels, &plain)
    let columns = (0..<dimension).map { j in (0..<30).reduce(2) { $0 + rows[$1 * dimension + j] } }
    #expect(relativeDifference(Array(plain.prefix(dimension)), columns) < 1e-14)
    var lower = [Double](repeating: 0, count: dimension * (dimension + 1) / 2)
    cexact_add_tiles(tiles, dimension, &lower)

    func d(_ row: Int, _ column: Int) -> Double { rows[row * dimension + column] - centre[column] }
    let first = (0..<dimension).map { j in (0..<30).reduce(1) { $0 + weights[$1] * d($1, j) } }
    let second = (0..<dimension).flatMap { i in
      (0...i).map { j in (0..<30).reduce(0) { $0 + 2 * weights[$1] * d($1, i) * d($1, j) } }
    }
    let diagonal = (0..<dimension).map { j in (0..<30).reduce(0) { $0 + weights[$1] * d($1, j) * d($1, j) } }
    #expect(relativeDifference(Array(sums.prefix(dimension)), first) < 1e-14)
    #expect(relativeDifference(lower, second) < 1e-14)
    #expect(relativeDifference(Array(squares.prefix(dimension)), diagonal) < 1e-14)
  }

  /// A choice of rows gives the sums, bit for bit, that all rows give when the others weigh nothing.
  @Test(arguments: levels, dimensions)
  func chosenRows(level: Int, dimension: Int) {
    var generator = SplitMix64(seed: 8)
    let block = Block(random(48 * dimension, &generator), dimension: dimension, capacity: 48, kernels(level))
    let centre = random(dimension, &generator) + [Double](repeating: 0, count: 8)
    let chosen = (0..<48).filter { _ in Bool.random(using: &generator) }.map(Int32.init)
    var weights = [Double](repeating: 0, count: 48)
    for row in chosen { weights[Int(row)] = .random(in: 0..<1, using: &generator) }
    func moments(_ rows: [Int32]) -> (tiles: [Double], sums: [Double], centred: [Double]) {
      var (centred, scaled) = (block.elements, block.elements)
      var sums = [Double](repeating: 0, count: 8 * block.panels)
      var tiles = [Double](repeating: 0, count: 32 * block.panels * (block.panels + 1))
      kernels(level).weigh(
        block.elements, centre, weights, rows, rows.count, 48, block.panels, &centred, &scaled, &sums)
      kernels(level).second_moments(scaled, centred, rows.count, 48, block.panels, &tiles)
      kernels(level).centre(block.elements, centre, rows, rows.count, 48, block.panels, &scaled)
      #expect(scaled.prefix(8 * rows.count) == centred.prefix(8 * rows.count))
      return (tiles, sums, centred)
    }
    let (few, all) = (moments(chosen), moments(Array(0..<48)))
    #expect(few.tiles == all.tiles)
    #expect(relativeDifference(few.sums, all.sums) < 1e-14)
    for (index, row) in chosen.enumerated() {
      for i in 0..<8 { #expect(few.centred[8 * index + i] == all.centred[8 * Int(row) + i]) }
    }
  }

  /// The squares of the first outputs are no larger than those of all, in rounded arithmetic.
  @Test(arguments: levels)
  func fewerPanelsBoundFromBelow(level: Int) {
    var generator = SplitMix64(seed: 9)
    let dimension = 64
    let block = Block(random(48 * dimension, &generator), dimension: dimension, capacity: 48, kernels(level))
    var packed = [Double](repeating: 0, count: 32 * 8 * 9)
    cexact_pack_lower(
      random(dimension * dimension, &generator).map { abs($0) > 1 ? $0 : 1e-9 * $0 }, dimension, &packed)
    var lanes = [Double](repeating: 0, count: 8 * 48)
    var before = [Double](repeating: 0, count: 48)
    for panels in stride(from: 2, through: 8, by: 2) {
      var squares = [Double](repeating: 0, count: 48)
      kernels(level).whitened_squares(block.elements, packed, 48, 48, panels, &lanes, &squares)
      #expect(zip(before, squares).allSatisfy { $0 <= $1 })
      before = squares
    }
  }

  @Test(arguments: levels, [1, 3, 8, 16, 21])
  func nearestCentre(level: Int, count: Int) {
    var generator = SplitMix64(seed: 4)
    let dimension = 10
    let rows = random(48 * dimension, &generator)
    let block = Block(rows, dimension: dimension, capacity: 48, kernels(level))
    var centres = [Double](repeating: 0, count: count * 16)
    for k in 0..<count { for j in 0..<dimension { centres[k * 16 + j] = .random(in: -2...2, using: &generator) } }
    // A centre that repeats: the first of equals counts.
    for j in 0..<16 { centres[(count - 1) * 16 + j] = centres[j] }
    let blocks = (count + 7) / 8
    var offsets = [Double](repeating: .infinity, count: 8 * blocks)
    for k in 0..<count { offsets[k] = centres[(16 * k)..<(16 * k + 16)].reduce(0) { $0 + $1 * $1 } }
    var packed = [Double](repeating: 0, count: 8 * blocks * 16)
    cexact_pack_centres(centres, count, 2, &packed)
    var scores = [Double](repeating: 0, count: 8 * blocks * 48)
    var labels = [Int32](repeating: -1, count: 48)
    kernels(level).nearest(block.elements, packed, offsets, count, 48, 2, &scores, &labels)
    for row in 0..<48 {
      let distances = (0..<count).map { k in
        (0..<dimension).reduce(0) { $0 + pow(rows[row * dimension + $1] - centres[k * 16 + $1], 2) }
      }
      #expect(Int(labels[row]) == distances.firstIndex(of: distances.min()!))
    }
  }

  @Test(arguments: levels)
  func responsibilitiesEqualTheirDefinition(level: Int) {
    var generator = SplitMix64(seed: 5)
    let (components, count, capacity) = (5, 19, 24)
    var densities = (0..<(components * capacity)).map { _ in Double.random(in: -900...10, using: &generator) }
    for row in 0..<capacity { densities[3 * capacity + row] = -.infinity }
    for k in 0..<4 { densities[k * capacity + 2] = -.infinity }
    let before = densities
    var (logLikelihood, entropy) = (100.0, 200.0)
    #expect(
      kernels(level).responsibilities(&densities, components, count, capacity, &logLikelihood, &entropy) == -1)
    var (expectedSum, expectedEntropy) = (100.0, 200.0)
    for row in 0..<capacity {
      let column = (0..<components).map { before[$0 * capacity + row] }
      let total = logSumExp(column)
      let sum = column.reduce(0) { $0 + exp($1 - column.max()!) }
      for k in 0..<components {
        let r = row < count ? exp(column[k] - column.max()!) / sum : 0
        #expect(abs(densities[k * capacity + row] - r) < 1e-15)
        if r > 0 { expectedEntropy -= r * log(r) }
      }
      if row < count { expectedSum += total }
    }
    #expect(relativeDifference(logLikelihood, expectedSum) < 1e-14)
    #expect(relativeDifference(entropy, expectedEntropy) < 1e-14)
    for k in 0..<components { densities[k * capacity + 4] = -.infinity }
    #expect(
      kernels(level).responsibilities(&densities, components, count, capacity, &logLikelihood, &entropy) == 4)
  }

  @Test(arguments: levels)
  func exponentialIsWithinTwoUnitsInTheLastPlace(level: Int) {
    var x = stride(from: -707.9, through: 705, by: 0.00713).map { $0 }
    x += [0, -0.0, 1e-300, -1e-20, 1]
    x += [Double](repeating: 0, count: (8 - x.count % 8) % 8)
    var result = [Double](repeating: 0, count: x.count)
    kernels(level).exponentials(x, x.count / 8, &result)
    #expect(zip(result, x).allSatisfy { abs($0 - exp($1)) <= 2 * exp($1).ulp })
    let far: [Double] = [-709, -745, -1e4, -1e300, -.infinity, -708.5, -800, -720]
    kernels(level).exponentials(far, 1, &result)
    #expect(result.prefix(8).allSatisfy { $0 == 0 })
  }

  @Test(arguments: levels)
  func squaredDistancesAreThoseOfPlainLoops(level: Int) {
    let (rows, count, columns) = (3, 21, 5)
    func numbers(_ count: Int, _ factor: Int) -> [Double] { (0..<count).map { Double($0 * factor % 97) / 7 - 5 } }
    let (a, b, weights) = (numbers(rows * columns, 31), numbers(columns * count, 17), numbers(rows * count, 13))
    var found = [Double](repeating: 0, count: rows * count)
    kernels(level).squared_distances(a, b, rows, count, columns, &found)
    var sums = [Double](repeating: 0, count: columns * count)
    kernels(level).weighted_distances(a, b, weights, rows, count, columns, &sums)
    var (wantedDistances, wantedSums) = (
      [Double](repeating: 0, count: found.count), [Double](repeating: 0, count: sums.count)
    )
    for i in 0..<rows {
      for column in 0..<columns {
        for j in 0..<count {
          let difference = a[i * columns + column] - b[column * count + j]
          wantedDistances[i * count + j] += difference * difference
          wantedSums[column * count + j] += weights[i * count + j] * (difference * difference)
        }
      }
    }
    // The same bits at every level.
    #expect(found == wantedDistances && sums == wantedSums)
  }

  /// What makes a result independent of how a range is cut: a row's numbers do not depend on its place in a block.
  @Test(arguments: levels)
  func aRowGivesTheSameBitsAnywhere(level: Int) {
    var generator = SplitMix64(seed: 6)
    let dimension = 21
    let row = random(dimension, &generator)
    let lower = random(dimension * dimension, &generator)
    let block = Block(
      Array((0..<48).map { _ in row }.joined()), dimension: dimension, capacity: 48, kernels(level))
    var packed = [Double](repeating: 0, count: 32 * 3 * 4)
    cexact_pack_lower(lower, dimension, &packed)
    var (lanes, squares) = ([Double](repeating: 0, count: 8 * 48), [Double](repeating: 0, count: 48))
    kernels(level).whitened_squares(block.elements, packed, 48, 48, 3, &lanes, &squares)
    #expect(Set(squares).count == 1)
    kernels(level).weighted_squares(block.elements, lower, 48, 3, &lanes, &squares)
    #expect(Set(squares).count == 1)
  }
}
