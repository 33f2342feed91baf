/// A sentence about an example, as numbers of words in the data's vocabulary.
public struct Caption: Sendable, Hashable {
  /// Which of the languages it is written in.
  public let language: Int
  /// Its words in order, at least one, without `<eos>`.
  public let words: [UInt32]

  public init(language: Int = 0, words: [UInt32]) { (self.language, self.words) = (language, words) }
}

/// The captions of each example: one sentence or several, in one language or several.
public struct Captions: Sendable {
  /// At least one of each example; empty where only the schema of the data is known.
  public let ofExample: [[Caption]]
  /// The names of the languages, at least one.
  public let languages: [String]
  /// How many examples have captions.
  public let count: Int

  /// - Precondition: every example has a caption, every caption a word, and languages are counted from 0.
  public init(_ ofExample: [[Caption]], languages: [String]) {
    precondition(!languages.isEmpty, "captions are written in a language")
    precondition(
      ofExample.allSatisfy { captions in
        !captions.isEmpty && captions.allSatisfy { !$0.words.isEmpty && languages.indices.contains($0.language) }
      }, "each example has a caption, each caption a word and a language")
    (self.ofExample, self.languages, count) = (ofExample, languages, ofExample.count)
  }

  /// Of examples that are not there.
  init(absentOf count: Int, languages: [String]) {
    (ofExample, self.languages, self.count) = ([], languages, count)
  }

  func gathering(_ indices: [UInt32]) -> Captions {
    Captions(indices.map { ofExample[Int($0)] }, languages: languages)
  }

  subscript(range: Range<Int>) -> Captions { Captions(Array(ofExample[range]), languages: languages) }

  /// The examples that share a caption, directly or through others, in the order of their first: what a split must not
  /// part, or the test examples' sentences would have been learned by heart.
  var groups: [[UInt32]] {
    var leaders = Array(ofExample.indices)
    func leader(_ example: Int) -> Int {
      var example = example
      while leaders[example] != example {
        leaders[example] = leaders[leaders[example]]
        example = leaders[example]
      }
      return example
    }
    var first: [Caption: Int] = [:]
    for (example, captions) in ofExample.enumerated() {
      for caption in captions {
        guard let other = first[caption] else {
          first[caption] = example
          continue
        }
        let (a, b) = (leader(other), leader(example))
        leaders[max(a, b)] = min(a, b)
      }
    }
    var places: [Int: Int] = [:]
    var groups: [[UInt32]] = []
    for example in ofExample.indices {
      let leader = leader(example)
      if let place = places[leader] {
        groups[place].append(UInt32(example))
      } else {
        places[leader] = groups.count
        groups.append([UInt32(example)])
      }
    }
    return groups
  }
}

extension Captions: CustomStringConvertible {
  /// For example `captions in en, de`.
  public var description: String {
    languages.count == 1 ? "captions" : "captions in \(languages.joined(separator: ", "))"
  }
}
