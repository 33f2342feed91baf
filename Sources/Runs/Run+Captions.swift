import BayesianNetworks
import Datasets
import Files
import Foundation
import Recipes
import Reports
import Training

extension Run {
  /// Whether the model says in a sentence what a picture shows.
  public var predictsCaptions: Bool { job.learner.offers.captioning != nil }

  /// Says what pictures show, with how sure the model is.
  ///
  /// ```swift
  /// let run = try Run(opening: "runs/captions")
  /// print(run.captions(of: "frog.png").rows[0].prediction.text)
  /// ```
  ///
  /// - Parameters:
  ///   - path: a PNG or JPEG file, or a folder of them; pictures are made as large as those of the training.
  ///   - samples: how many Monte Carlo samples to take; `.automatic` is not offered.
  ///   - seed: of the samples.
  /// - Returns: a row for each picture and each language of the training, by the pictures' names.
  /// - Throws: `TrainingError` when the model makes no captions; `DataError` when a file is no picture.
  public func captions(
    of path: String, samples: SampleCount = .count(16), seed: UInt64 = 0
  ) throws -> PictureCaptions {
    try samples.validate()
    guard let learner = job.learner.offers.captioning else {
      throw TrainingError(.unsuitable, "a \(model) makes no captions", advice: "name a run of captions")
    }
    let count = try samples.number(for: "captions need")
    let (names, pictures) = try ExampleArray.pictures(
      at: path, like: schema, background: job.dataRequest.background)
    if let mismatch = learner.mismatch(pictures) {
      throw TrainingError(.unsuitable, "\(path): \(mismatch)", advice: "give pictures like the training data's")
    }
    let languages = learner.languages
    let columns = try languages.indices.map {
      try learner.captions(
        of: pictures, language: $0, samples: count, key: Prediction.key(seed: seed), with: crew())
    }
    return PictureCaptions(
      rows: names.indices.flatMap { picture in
        languages.indices.map {
          PictureCaptions.Row(picture: names[picture], language: languages[$0], prediction: columns[$0][picture])
        }
      })
  }
}

/// What pictures show, in sentences.
public struct PictureCaptions: Sendable {
  public struct Row: Sendable {
    /// The file's name.
    public let picture: String
    /// The name of the column of captions that the model was trained on.
    public let language: String
    public let prediction: CaptionPrediction
  }

  public let rows: [Row]

  /// Writes a table or JSON lines, by the extension: `.csv` or `.jsonl`.
  /// - Throws: `RecipeError` for another extension, `FileError` when the file cannot be written.
  public func write(to path: String) throws {
    var text = ""
    switch try PictureCaptions.format(of: path) {
    case .csv:
      text = "picture,language,caption,log_probability,entropy,mutual_information,samples\n"
      for row in rows {
        let numbers = [row.prediction.logProbability, row.prediction.entropy, row.prediction.mutualInformation]
        text += [row.picture, row.language, row.prediction.text].map(CSV.field).joined(separator: ",")
        text += "," + numbers.map { "\($0)" }.joined(separator: ",") + ",\(row.prediction.samples)\n"
      }
    default:
      for row in rows {
        let prediction = row.prediction
        text += JSONText.object([
          ("picture", JSONText.string(row.picture)), ("language", JSONText.string(row.language)),
          ("caption", JSONText.string(prediction.text)), ("log_probability", "\(prediction.logProbability)"),
          ("entropy", "\(prediction.entropy)"), ("mutual_information", "\(prediction.mutualInformation)"),
          ("samples", "\(prediction.samples)"),
        ])
        text += "\n"
      }
    }
    try AtomicFile.write(path, Array(text.utf8))
  }

  private static func format(of path: String) throws(RecipeError) -> PredictionFormat {
    let format = try PredictionFormat(path: path)
    guard format == .csv || format == .jsonl else { throw RecipeError("captions are text: name a .csv or .jsonl file") }
    return format
  }

  /// Finds out whether captions can be written to a place, before they are computed.
  package static func checkWritable(_ path: String) throws {
    _ = try format(of: path)
    try Predictions.checkWritable(path)
  }
}
