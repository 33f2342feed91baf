import Files
import Foundation
import Reports

extension Page {
  /// Bytes of pictures that a file holds at most.
  private static let mostPictures = 64 << 20

  /// A run as one HTML file with everything that the page shows inside: a report, and a card of the model. Nil: there is no
  /// such run.
  package func document(of name: String) -> String? {
    guard let list = list(), let run = run(name), let metrics = metrics(of: name, after: 0) else { return nil }
    var (pictures, size, missing) = ([(key: String, value: String)](), 0, 0)
    for file in figureNames(of: name) {
      guard let (type, bytes) = figure(file, of: name), type != "application/pdf",
        size + bytes.count <= Page.mostPictures
      else {
        missing += 1
        continue
      }
      size += bytes.count
      pictures.append((file, JSONText.string("data:\(type);base64," + Data(bytes).base64EncodedString())))
    }
    return PageDocument.file(
      data: JSONText.object([
        ("name", JSONText.string(name)), ("runs", list), ("run", run), ("metrics", metrics),
        ("pictures", JSONText.object(pictures)), ("missing", "\(missing)"), ("written", "\(Int(Clock.now))"),
      ]))
  }
}
