import Datasets
import HTTPServer
import Recipes
import Training

/// Why a request is not answered: a status and one sentence for the client.
struct Refusal: Error {
  let status: Int
  let sentence: String

  init(_ status: Int, _ sentence: String) { (self.status, self.sentence) = (status, sentence) }

  /// What an error of the inputs or of a prediction means for the client.
  init(_ error: any Error) {
    switch error {
    case let error as Refusal: self = error
    case let error as DataError: self.init(400, Refusal.sentence(error))
    case let error as TrainingError where error.code != .unsuitable: self.init(500, error.message)
    case let error as TrainingError: self.init(400, error.message)
    case let error as RecipeError: self.init(400, error.description)
    default: self.init(500, "The prediction failed: \(error)")
    }
  }

  var response: Response {
    .error(status, sentence, headers: [429, 503].contains(status) ? [("Retry-After", "1")] : [])
  }

  /// Lines of the table in memory, whose first has the names, are rows to a client; advice of keys is for others.
  private static func sentence(_ error: DataError) -> String {
    var words: [String] = []
    if let line = error.place?.line { words.append("row \(line - 2)") }
    if let column = error.place?.column { words.append("column '\(column)'") }
    return (words.isEmpty ? "the inputs" : words.joined(separator: ", ")) + ": " + error.problem
  }
}
