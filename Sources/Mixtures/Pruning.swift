/// Whether and how a mixture's densities are bounded before they are computed. It decides about time alone: with and
/// without, responsibilities have the same bits.
struct Pruning {
  /// Panels of eight columns that bounds are made of, the first for all rows and components, the others for what the
  /// one before lets through: 3/8, 1/2 and 3/4 of all, an even number. They cost 14, 25 and 56 % of a density, since the
  /// whitening matrix is triangular. None when there are too few panels for a bound to be worth its cost.
  let stages: [Int]
  /// Blocks to go until the next try.
  private var pause = 0

  /// - Parameter panelCount: of a whole row.
  init(panelCount: Int) { stages = panelCount >= 8 ? [3, 4, 6].map { panelCount * $0 / 16 * 2 } : [] }

  /// Whether the next block should be pruned.
  mutating func isWorthTrying() -> Bool {
    guard !stages.isEmpty else { return false }
    pause -= 1
    return pause < 0
  }

  /// Takes note of the share of densities that had to be computed in full after all.
  mutating func record(share: Double) { pause = share > 0.7 ? 31 : 0 }
}
