import Datasets
import Files
import Foundation
import Tensors

extension Checkpoint {
  /// What `state.json` says.
  public struct State: Codable, Sendable, Equatable {
    /// The version of this format.
    public var format = State.newestFormat
    /// The version of Elbo that wrote it; nil in format 1.
    public var elbo: String? = Version.elbo
    public var model: String
    /// The number of the next step.
    public var step: Int
    public var epoch: Int
    /// Seconds of training until now, those of earlier starts counted in.
    public var seconds: Double
    public var converged: Bool
    /// SHA-256 of the recipe, the parts left out that may change from start to start.
    public var recipe: String
    public var data: String
    public var parameters_sha256: String
    public var optimizer_sha256: String
    /// Of what the training data fixed; none where they fix nothing.
    public var statistics_sha256: String?
    /// Of the bytes of `schema.json`; none where there is no such file.
    public var schema_sha256: String?
    /// `Numerics.fingerprint` where the checkpoint was written; nil in format 1.
    public var numerics: String? = Numerics.fingerprint
    /// The steps before which a training went on where `numerics` was another; none: nowhere.
    public var numerics_changes: [Int]?
    /// Further files in the folder with the SHA-256 of their bytes, such as samples of a posterior.
    public var extras: [String: String]? = [:]

    /// Whether it was written where numbers come out otherwise than here; a file of format 1 does not record that.
    public var isOfOtherNumerics: Bool { numerics.map { $0 != Numerics.fingerprint } ?? false }

    /// `numerics_changes` of a training that goes on from here.
    public var numericsChangesFromHere: [Int]? {
      let all = (numerics_changes ?? []) + (isOfOtherNumerics ? [step] : [])
      return all.isEmpty ? nil : all
    }

    /// Formats that are read: 1 is that of 0.1.
    static let newestFormat = 2

    /// The state of a learner whose next step is the moment's.
    public init(_ learner: any Learner, at moment: Trainer.Moment, model: String, recipe: String, data: String) {
      self.model = model
      self.recipe = recipe
      self.data = data
      step = moment.step
      epoch = moment.epoch
      seconds = moment.seconds
      converged = moment.converged
      parameters_sha256 = learner.parameters.sha256
      optimizer_sha256 = learner.auxiliary.sha256
      statistics_sha256 = learner.dataStatistics.isEmpty ? nil : learner.dataStatistics.sha256
    }

    /// The contents of `state.json`. Its second line says the SHA-256 of all others: of bytes, so that no two readers
    /// differ in how a number is written.
    var text: [UInt8] {
      get throws {
        let fields = try JSONDocument.bytes(of: self)
        let digest = State.prefix + SHA256.hexDigest(of: fields) + State.suffix
        return State.start + Array(digest.utf8) + fields.dropFirst(State.start.count)
      }
    }

    private static let start = Array("{\n".utf8)
    private static let prefix = "  \"sha256\" : \""
    private static let suffix = "\",\n"

    /// Whether the second line says the SHA-256 of the others.
    static func isWhole(_ text: [UInt8]) -> Bool {
      let line = text.dropFirst(start.count).prefix { $0 != UInt8(ascii: "\n") }.count + 1
      guard text.starts(with: start), text.count > start.count + line else { return false }
      let digest = SHA256.hexDigest(of: start + text.dropFirst(start.count + line))
      return text[start.count..<start.count + line].elementsEqual((prefix + digest + suffix).utf8)
    }

    /// Reads the contents of `state.json`.
    init(_ text: [UInt8], path: String) throws(TrainingError) {
      struct Writer: Decodable {
        var format: Int
        var elbo: String?
      }
      let decoder = JSONDecoder()
      let writer = try? decoder.decode(Writer.self, from: Data(text))
      if let writer, !(1...State.newestFormat).contains(writer.format) {
        let origin = writer.elbo.map { ", written by elbo \($0.prefix(20))" } ?? ""
        throw TrainingError(
          .otherFormat,
          "\(path) is of format \(writer.format)\(origin); this is elbo \(Version.elbo), which reads formats 1 to "
            + "\(State.newestFormat)",
          advice: "use elbo \(writer.elbo.map { "\($0.prefix(20)) or a newer one" } ?? "that wrote it")")
      }
      guard let writer, writer.format == 1 || State.isWhole(text),
        let state = try? decoder.decode(State.self, from: Data(text)), state.step >= 0,
        (state.extras ?? [:]).keys.allSatisfy({ !$0.hasPrefix(".") && !$0.contains("/") })
      else { throw TrainingError(.damagedFile, "\(path) is damaged", advice: "use another checkpoint") }
      self = state
    }
  }
}
