import Recipes

/// Seeds as a user lists them: numbers and ranges, such as `85,265,600-605`.
package enum SeedList {
  /// More than these are a slip of the keyboard.
  private static let most = 10_000

  /// - Throws: `RecipeError` for what is no such list; the message does not repeat the option.
  package static func parse(_ text: String) throws(RecipeError) -> [UInt64] {
    func number(_ text: Substring) throws(RecipeError) -> UInt64 {
      guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let seed = Int(text) else {
        throw RecipeError("it must be seeds from 0 to \(Int.max) and ranges of them, such as 85,265,600-605")
      }
      return UInt64(seed)
    }
    var seeds: [UInt64] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
      let (first, last) = (try number(ends[0]), try number(ends.last!))
      guard first <= last else { throw RecipeError("\(part) runs backwards: write \(last)-\(first)") }
      guard last - first < UInt64(most - seeds.count) else {
        throw RecipeError("it names more than \(most) seeds: name fewer, in several commands if need be")
      }
      seeds += first...last
    }
    return seeds
  }
}
