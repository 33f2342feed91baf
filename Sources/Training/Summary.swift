import Files
import Foundation

/// What a run came to: `summary.json`, a contract with scripts.
public struct Summary: Codable, Sendable {
  public enum Status: String, Codable, Sendable { case finished, interrupted, failed }

  public var status: Status
  public var model: String
  public var steps: Int
  public var epochs: Double
  public var seconds: Double
  public var examples_per_second: Double
  /// How many numbers were learnt.
  public var parameters: Int
  public var parameters_sha256: String
  @NullableNumbers public var metrics: [String: Double]
  /// What became of the examples.
  public var examples: Examples?
  /// Paths of the pictures, relative to the run folder.
  public var figures: [String]
  /// The steps before which the training went on where numbers come out otherwise, as `--accept-numerics` lets it: the
  /// parameters are not those of an undisturbed training. `nil`: nowhere.
  public var numerics_changes: [Int]?
  /// Which parameters were selected, where the training selects; `parameters_sha256` is theirs.
  public var selection: Selection?

  /// How many examples were read, what they were used for, and which the metrics after the training are of.
  public struct Examples: Codable, Sendable, Equatable {
    public enum Part: String, Codable, Sendable { case train, test }

    public var read: Int
    /// Left out of all parts, since a cell of theirs is empty.
    public var dropped: Int
    public var train: Int
    public var validation: Int
    public var test: Int
    /// How many of a part the metrics are of that speak of the finished model; 0: there are none.
    public var scored = 0
    /// The training part only where nothing was held out: its metrics are too optimistic.
    public var scored_part: Part = .test

    public init(read: Int, train: Int, validation: Int, test: Int) {
      (self.read, self.train, self.validation, self.test) = (read, train, validation, test)
      dropped = max(read - train - validation - test, 0)
    }
  }

  public init(
    status: Status, model: String, steps: Int, epochs: Double, seconds: Double, examplesPerSecond: Double,
    parameters: Int, parametersSHA256: String, metrics: [String: Double], figures: [String]
  ) {
    self.status = status
    self.model = model
    self.steps = steps
    self.epochs = epochs
    self.seconds = seconds
    examples_per_second = examplesPerSecond
    self.parameters = parameters
    parameters_sha256 = parametersSHA256
    self.metrics = metrics
    self.figures = figures
  }

  /// Of a run that came to its end; `nil` when there is none, or it cannot be read.
  public init?(of run: RunFolder) {
    let decoder = JSONDecoder()
    // Earlier versions wrote these texts where null stands now.
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    guard let bytes = try? InputFile.read(run.summary, limit: 1 << 24),
      let summary = try? decoder.decode(Summary.self, from: Data(bytes))
    else { return nil }
    self = summary
  }

  /// Whether a run has come to an end.
  public static func exists(in run: RunFolder) -> Bool { FileManager.default.fileExists(atPath: run.summary) }

  public func json() throws -> String {
    try JSONDocument.text(of: self, allowsNonFinite: true)
  }

  public func write(to run: RunFolder) throws { try AtomicFile.write(run.summary, try json()) }
}

/// On what a run was computed: `environment.json`.
public struct Environment: Codable, Sendable {
  public var elbo: String
  public var oneDNN: String
  public var kernels: String
  /// `Numerics.fingerprint`.
  public var numerics: String
  public var processor: String
  public var processors: Int
  public var lanes: Int
  public var commandLine: [String]
  public var started: String

  public init(lanes: Int, commandLine: [String]) {
    elbo = Version.elbo
    oneDNN = Version.oneDNN
    kernels = Version.kernels
    numerics = Numerics.fingerprint
    processor = Environment.processorName()
    processors = ProcessInfo.processInfo.activeProcessorCount
    self.lanes = lanes
    self.commandLine = commandLine
    started = Date().formatted(.iso8601)
  }

  public func write(to run: RunFolder) throws {
    try AtomicFile.write(run.environment, try JSONDocument.bytes(of: self))
  }

  /// The processor's name as Linux gives it; empty where it does not.
  public static func processorName() -> String {
    let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
    return line?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) } ?? ""
  }
}
