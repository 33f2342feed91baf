import Dispatch
import Figures
import Files
import Foundation
import Images
import Metrics
import Reports
import Synchronization
import Tensors
import Training

/// What a training says to TensorBoard: an event file in the run folder beside metrics.jsonl.
///
/// A queue of its own writes, so a slow disk does not hold the training up. Where one takes nothing more the file ends, and
/// leaves what room there is to the run: `elbo export RUN --tensorboard DIR` makes it anew.
package final class TensorBoardLog: Sendable {
  private let queue = DispatchQueue(label: "elbo.tensorboard", qos: .utility)
  private let file: Mutex<TensorBoardFile?>
  private let folder: String
  /// Bytes that wait to be written.
  private let waiting = Mutex(0)
  /// What could not be written, and why; nil: nothing.
  private let lost = Mutex<String?>(nil)
  private let say: @Sendable (String) -> Void

  /// More bytes than these do not wait.
  private static let mostWaiting = 64 << 20

  /// - Parameters:
  ///   - folder: where the file goes, made of metrics.jsonl whatever is there; nil: in the run folder.
  ///   - recipe: what is trained, as YAML.
  ///   - hyperparameters: keys of the recipe that differ from what is taken where a recipe says nothing.
  ///   - step: where a training goes on from; nil: it begins. What was written beyond it is written again.
  ///   - say: hears once that something cannot be written.
  package init(
    _ run: RunFolder, in folder: String? = nil, recipe: String, hyperparameters: [(key: String, value: String)],
    from step: Int?, say: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    self.folder = folder ?? run.path
    self.say = say
    file = Mutex(nil)
    let group = run.path.split(separator: "/").last.map(String.init) ?? run.path
    queue.async { [self] in
      let now = Date().timeIntervalSince1970
      let head = [
        TensorBoardEvent(time: now, step: 0, [.start]),
        TensorBoardEvent(time: now, step: 0, [.text("recipe", "```yaml\n\(recipe)```")]),
        TensorBoardEvent(time: now, step: 0, [.hyperparameters(hyperparameters, group: group)]),
      ]
      let written = folder == nil ? TensorBoardFile.records(in: run.path) : []
      let before = step.map { TensorBoardLog.records(written, of: run, upTo: $0, now: now) } ?? []
      attempt {
        let records = head.map(\.bytes) + before
        try file.withLock { $0 = try TensorBoardFile(anewIn: self.folder, records: records, time: now) }
      }
    }
  }

  /// What an earlier start wrote, or the lines of metrics.jsonl where it wrote nothing.
  private static func records(_ written: [[UInt8]], of run: RunFolder, upTo step: Int, now: Double) -> [[UInt8]] {
    let written = written.filter { (1...max(step, 1)).contains(TensorBoardFile.step(of: $0)) }
    guard written.isEmpty, let lines = try? MetricsReader.records(of: run.metrics) else { return written }
    let end = lines.last?.seconds ?? 0
    return lines.filter { $0.step <= step }.map { line in
      TensorBoardEvent(time: now - end + line.seconds, step: line.step, scalars(line.metrics)).bytes
    }
  }

  /// Those of one class by itself would hide the others.
  private static func scalars(_ metrics: [String: Double]) -> [TensorBoardEvent.Content] {
    metrics.filter { $0.value.isFinite && !ClassMetric.isOne($0.key) }.sorted { $0.key < $1.key }
      .map { .scalar($0.key, $0.value) }
  }

  /// Adds metrics after a step.
  package func add(_ metrics: [String: Double], at step: Int) { add(TensorBoardLog.scalars(metrics), at: step) }

  /// Adds how the numbers of each tensor are distributed: of a posterior its means and its standard deviations.
  package func add(_ parameters: FlatBuffer, at step: Int) {
    guard parameters.precision == .float32 else { return }
    let numbers = parameters.float32
    add(
      parameters.layout.slots.compactMap { slot in
        let values = UnsafeBufferPointer(rebasing: numbers[slot.range])
        if slot.name.hasSuffix("_rho") {
          // σ = log(1 + exp ρ).
          let histogram = TensorBoardHistogram(values) { log1p(exp(Double($0))) }
          return histogram.map { .histogram("posterior deviations/" + slot.name.dropLast(4), $0) }
        }
        let isMean = slot.name.hasSuffix("_mu")
        let tag = isMean ? "posterior means/" + slot.name.dropLast(3) : "parameters/" + slot.name
        return TensorBoardHistogram(values).map { .histogram(tag, $0) }
      }, at: step)
  }

  /// Adds pictures that were written, PNG files all of them.
  /// - Parameter paths: what a name says behind `-step-` is its step.
  package func add(pictures paths: [String], at step: Int) {
    for path in paths where path.hasSuffix(".png") {
      let stem = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
      let parts = stem.components(separatedBy: "-step-")
      guard let bytes = try? InputFile.read(path, limit: 1 << 26), let size = PNG.size(of: bytes) else { continue }
      let place = parts.count == 2 ? Int(parts[1]) : nil
      add([.image("figures/" + parts[0], width: size.width, height: size.height, png: bytes)], at: place ?? step)
    }
  }

  /// The training has come to its end.
  package func end() {
    add([.end], at: 0)
    flush()
  }

  /// What could not be written, in one line; nil: nothing.
  package var trouble: String? { lost.withLock { $0 } }

  /// Waits until all is written, or for ten seconds.
  package func flush() {
    let done = DispatchSemaphore(value: 0)
    queue.async { done.signal() }
    if done.wait(timeout: .now() + 10) == .timedOut { note("it takes too long") }
  }

  private func add(_ contents: [TensorBoardEvent.Content], at step: Int) {
    guard !contents.isEmpty else { return }
    let record = TensorBoardEvent(time: Date().timeIntervalSince1970, step: step, contents).bytes
    let fits = waiting.withLock { waiting in
      guard waiting + record.count <= TensorBoardLog.mostWaiting else { return false }
      waiting += record.count
      return true
    }
    guard fits else { return note("the disk is too slow") }
    queue.async { [self] in
      attempt { try file.withLock { try $0?.append([record]) } }
      waiting.withLock { $0 -= record.count }
    }
  }

  private func attempt(_ write: () throws -> Void) {
    do { try write() } catch {
      // Closed: nothing fills a gap, and a user who removes it has its room back.
      file.withLock { $0 = nil }
      note((error as? FileError)?.reason ?? "\(error)")
    }
  }

  private func note(_ reason: String) {
    let text = "TensorBoard's file in \(folder) is not whole: \(reason)"
    let isFirst = lost.withLock { lost in
      defer { lost = lost ?? text }
      return lost == nil
    }
    if isFirst { say("warning: \(text); the training goes on") }
  }
}
