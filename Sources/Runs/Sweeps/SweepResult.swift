import Files
import Foundation
import Synchronization
import Training

/// What a training of a sweep came to after some steps.
package struct SweepResult: Codable, Sendable {
  /// The training's name.
  package let training: String
  /// How far it was to go.
  package let steps: Int
  /// How far it went: less where it converged.
  package let trained: Int
  @NullableNumbers package private(set) var metrics: [String: Double]
  /// Of a training that is finished.
  package let parameters_sha256: String?
  /// Why there are no metrics.
  package let failure: String?

  package init(json: some Sequence<UInt8>) throws {
    let decoder = JSONDecoder()
    // Earlier versions wrote these texts where null stands now.
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    self = try decoder.decode(Self.self, from: Data(json))
  }

  init(
    training: String, steps: Int, trained: Int, metrics: [String: Double] = [:], parametersSHA256: String? = nil,
    failure: String? = nil
  ) {
    (self.training, self.steps, self.trained) = (training, steps, trained)
    // As its line says them, so that a sweep that goes on ranks as one without a break.
    self.metrics = metrics.mapValues { $0.isFinite ? $0 : .nan }
    (parameters_sha256, self.failure) = (parametersSHA256, failure)
  }

  /// One line.
  package var json: String {
    get throws {
      try JSONDocument.line(of: self, allowsNonFinite: true)
    }
  }
}

/// The results of a sweep as they come in: a line each of `results.jsonl`. What is there is not computed again.
package final class SweepJournal: Sendable {
  private struct Key: Hashable {
    let training: String
    let steps: Int
  }

  private let known: Mutex<[Key: SweepResult]>
  private let path: String
  /// Held while this is there; nil: the file system cannot lock.
  private let lock: FileLock?

  /// Reads what is there. A line that was not written to its end is none.
  /// - Throws: `TrainingError` when another process writes to it; `FileError`.
  package init(of folder: String) throws {
    path = folder + "/results.jsonl"
    switch try FileLock.take(folder + "/.lock", saying: "elbo sweep\n") {
    case .held(let held): lock = consume held
    case .unsupported: lock = nil
    case .busy:
      throw TrainingError(
        .isWritten, "another process writes to \(folder)", advice: "wait for it, or name another folder with --out")
    }
    var (known, whole) = ([Key: SweepResult](), [UInt8]())
    let bytes = FileManager.default.fileExists(atPath: path) ? try InputFile.read(path, limit: 1 << 30) : []
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      guard let result = try? SweepResult(json: line) else { continue }
      known[Key(training: result.training, steps: result.steps)] = result
      whole += line + [UInt8(ascii: "\n")]
    }
    if whole != bytes { try AtomicFile.write(path, whole) }
    self.known = Mutex(known)
  }

  package subscript(training: String, steps: Int) -> SweepResult? {
    known.withLock { $0[Key(training: training, steps: steps)] }
  }

  package func add(_ result: SweepResult) throws {
    let line = Array((try result.json + "\n").utf8)
    try known.withLock { known in
      let file = try OutputFile(path, .append)
      try file.append(line)
      try file.sync()
      known[Key(training: result.training, steps: result.steps)] = result
    }
  }
}
