import Recipes

/// Which of how many processes this one is, as whatever started them says.
package struct Placement: Equatable {
  package var rank: Int
  package var size: Int?
  /// Whose word it is.
  package var source: String

  /// The variables of a scheduler or launcher: rank, and size where it sets one.
  private static let sources: [(name: String, rank: String, size: String?)] = [
    ("Slurm", "SLURM_PROCID", "SLURM_NTASKS"),
    ("Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("PMI", "PMI_RANK", "PMI_SIZE"),
    ("torchrun", "RANK", "WORLD_SIZE"),
    ("Kubernetes", "JOB_COMPLETION_INDEX", nil),
  ]

  /// Nil when nothing says so.
  /// - Throws: `RecipeError` when two sources contradict each other, or a variable is no number.
  package static func detect(_ environment: [String: String]) throws -> Placement? {
    var found: Placement?
    for (name, rankName, sizeName) in sources {
      guard let rank = try number(environment, rankName) else { continue }
      let size = try sizeName.flatMap { try number(environment, $0) }
      if let size, rank >= size {
        throw RecipeError("\(rankName)=\(rank) and \(sizeName!)=\(size) contradict each other")
      }
      guard let before = found else {
        found = Placement(rank: rank, size: size, source: name)
        continue
      }
      guard before.rank == rank, before.size == nil || size == nil || before.size == size else {
        throw RecipeError(
          "\(before.source) says rank \(before.rank)\(before.size.map { " of \($0)" } ?? ""), \(name) says rank \(rank)\(size.map { " of \($0)" } ?? ""): unset the variables of one of them, or give --name"
        )
      }
      if before.size == nil { found!.size = size }
    }
    return found
  }

  private static func number(_ environment: [String: String], _ name: String) throws -> Int? {
    guard let text = environment[name], !text.isEmpty else { return nil }
    guard let number = Int(text), number >= 0 else { throw RecipeError("\(name)=\(text) is not a number") }
    return number
  }
}
