import Foundation
import Metrics
import Testing

@Suite("Scores of captions") struct CaptionScoresTests {
  private func item(_ guess: String, _ references: String...) -> CaptionScores.Item {
    func words(_ text: String) -> [String] { text.split(separator: " ").map(String.init) }
    return CaptionScores.Item(guess: words(guess), references: references.map(words))
  }

  private func isNear(_ value: Double, _ wanted: Double) -> Bool { abs(value - wanted) < 1e-7 }

  /// Values of pycocoevalcap 1.2: Bleu(4) and Cider() of the same sentences.
  @Test("BLEU and CIDEr are those of MSCOCO's evaluation")
  func golden() {
    let scores = CaptionScores([
      item("a red flower", "a red flower on a table", "the flower is red"),
      item("a dog on the green grass", "a dog runs on the grass"),
      item("two birds in a tree", "two birds in a tree", "a tree with two small birds"),
      item("the the the letter", "the sign for the letter u"),
    ])
    let bleu = [0.752428199819165, 0.6398800380442692, 0.5175570560235684, 0.44472624364440294]
    #expect(zip(scores.bleu, bleu).allSatisfy { isNear($0, $1) }, "\(scores.bleu)")
    #expect(isNear(scores.cider, 3.397640832877504), "\(scores.cider)")
    let short = CaptionScores([item("a b c d", "a b c d e"), item("f g h i", "f g h i")])
    #expect(short.bleu.allSatisfy { isNear($0, exp(1 - 9.0 / 8)) }, "all n-grams are there, a word is missing")
    #expect(isNear(short.cider, 9.048449195598348))
  }

  /// Sentence by sentence, four words without a common 4-gram would have 0; the corpus has one.
  @Test func bleuIsOfTheCorpus() {
    let scores = CaptionScores([item("a b", "a b"), item("c d e f", "c d e f")])
    #expect(scores.bleu == [1, 1, 1, 1])
  }

  @Test func whatMatchesNothing() {
    let scores = CaptionScores([item("", "a b"), item("x", "c")])
    #expect(scores.bleu == [0, 0, 0, 0] && scores.cider == 0)
    #expect(CaptionScores([item("a b", "a b")]).cider == 0, "one item's n-grams are in all items")
  }
}
