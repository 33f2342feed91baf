import Foundation

/// How near sentences come to those that people wrote: BLEU of the whole corpus (Papineni et al. 2002) and CIDEr-D
/// (Vedantam, Zitnick and Parikh 2015), as the evaluation of MSCOCO computes them.
public struct CaptionScores: Sendable {
  /// BLEU of n-grams up to 1, 2, 3 and 4 words.
  public let bleu: [Double]
  /// The mean over the sentences, at most 10. The weights of n-grams are those of the references of all items, so that a
  /// single item has the score 0.
  public let cider: Double

  /// A sentence and what people wrote, as words.
  public struct Item: Sendable {
    public let guess: [String]
    /// At least one.
    public let references: [[String]]

    public init(guess: [String], references: [[String]]) {
      precondition(!references.isEmpty, "something to compare with")
      (self.guess, self.references) = (guess, references)
    }
  }

  private static let longest = 4

  /// - Parameter items: at least one.
  public init(_ items: [Item]) {
    precondition(!items.isEmpty, "sentences to score")
    let counts = items.map { item in (guess: Counts(item.guess), references: item.references.map(Counts.init)) }
    bleu = CaptionScores.bleu(items, counts)
    cider = CaptionScores.cider(counts)
  }

  /// How often a sentence has each n-gram.
  private struct Counts {
    /// By the number of words less one.
    var ofLength: [[ArraySlice<String>: Int]] = Array(repeating: [:], count: longest)

    init(_ words: [String]) {
      for length in 1...longest where words.count >= length {
        for start in 0...words.count - length { ofLength[length - 1][words[start..<start + length], default: 0] += 1 }
      }
    }
  }

  private static func bleu(_ items: [Item], _ counts: [(guess: Counts, references: [Counts])]) -> [Double] {
    var (hits, guesses) = ([Int](repeating: 0, count: longest), [Int](repeating: 0, count: longest))
    for (item, counts) in zip(items, counts) {
      for length in 0..<longest {
        guesses[length] += max(item.guess.count - length, 0)
        for (gram, count) in counts.guess.ofLength[length] {
          hits[length] += min(count, counts.references.map { $0.ofLength[length][gram] ?? 0 }.max() ?? 0)
        }
      }
    }
    let length = items.reduce(0) { $0 + $1.guess.count }
    let wanted = items.reduce(0) { sum, item in
      // The closest length, the shorter of two.
      sum + item.references.map(\.count).min { (abs($0 - item.guess.count), $0) < (abs($1 - item.guess.count), $1) }!
    }
    let brevity = length >= wanted ? 1 : length == 0 ? 0 : exp(1 - Double(wanted) / Double(length))
    var logs = 0.0
    return (0..<longest).map { n in
      logs += hits[n] > 0 ? log(Double(hits[n]) / Double(guesses[n])) : -.infinity
      return brevity * exp(logs / Double(n + 1))
    }
  }

  private static func cider(_ counts: [(guess: Counts, references: [Counts])]) -> Double {
    var documents: [ArraySlice<String>: Int] = [:]
    for item in counts {
      for gram in Set(item.references.flatMap { $0.ofLength.flatMap(\.keys) }) { documents[gram, default: 0] += 1 }
    }
    let all = log(Double(counts.count))
    /// The n-grams' counts, weighted by how seldom they are. In the order of the n-grams, so that sums are the same at
    /// every run.
    func weighted(_ counts: [ArraySlice<String>: Int]) -> [(gram: ArraySlice<String>, weight: Double)] {
      counts.map { ($0, Double($1) * (all - log(Double(max(documents[$0] ?? 0, 1))))) }
        .sorted { $0.0.lexicographicallyPrecedes($1.0) }
    }
    func norm(_ vector: [(gram: ArraySlice<String>, weight: Double)]) -> Double {
      vector.reduce(0) { $0 + $1.weight * $1.weight }.squareRoot()
    }
    let sum = counts.reduce(0.0) { sum, item in
      let scores = item.references.map { reference in
        // Lengths are those of the bigrams, as in the reference implementation; its σ is 6.
        let lengths = [item.guess, reference].map { Double($0.ofLength[1].values.reduce(0, +)) }
        let penalty = exp(-(lengths[0] - lengths[1]) * (lengths[0] - lengths[1]) / 72)
        return (0..<longest).reduce(0.0) { sum, n in
          let (guess, wanted) = (weighted(item.guess.ofLength[n]), weighted(reference.ofLength[n]))
          let weights = Dictionary(uniqueKeysWithValues: wanted.map { ($0.gram, $0.weight) })
          let norms = norm(guess) * norm(wanted)
          guard norms > 0 else { return sum }
          let product = guess.reduce(0.0) { sum, part in
            let other = weights[part.gram] ?? 0
            return sum + min(part.weight, other) * other
          }
          return sum + product / norms * penalty
        } / Double(longest)
      }
      return sum + 10 * scores.reduce(0, +) / Double(scores.count)
    }
    return sum / Double(counts.count)
  }
}
