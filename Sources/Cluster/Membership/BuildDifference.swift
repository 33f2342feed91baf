/// In what two programs differ that should be the same. A build is a list of `NAME VALUE`, with semicolons between them.
enum BuildDifference {
  /// As `this coordinator has kernels avx512, the node kernels avx2: …`.
  static func text(_ own: String, _ other: String, _ who: String = "this coordinator") -> String {
    let (here, there) = (parts(own), parts(other))
    let differing = here.filter { there[$0.name] != $0.value }
    guard there.count == here.count, !differing.isEmpty, differing.allSatisfy({ there[$0.name] != nil }) else {
      return "\(who) is \(own), the node is \(other)"
    }
    let mine = differing.map { "\($0.name) \($0.value)" }.joined(separator: ", ")
    let others = differing.map { "\($0.name) \(there[$0.name]!)" }.joined(separator: ", ")
    // Another program may compute anything; the same one rounds otherwise.
    let cause =
      differing.contains { $0.name == "elbo" }
      ? "" : ": it rounds otherwise; use processors of one kind, and the same libraries and settings of them everywhere"
    return "\(who) has \(mine), the node \(others)\(cause)"
  }

  private static func parts(_ build: String) -> [(name: String, value: String)] {
    build.split(separator: ";").map { part in
      let words = part.split(separator: " ", maxSplits: 1)
      return (String(words.first ?? ""), words.count > 1 ? String(words[1]) : "")
    }
  }
}

extension [(name: String, value: String)] {
  fileprivate subscript(name: String) -> String? { first { $0.name == name }?.value }
}
