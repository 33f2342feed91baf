import Reports
import Training

extension ProgressReporter.State {
  init(_ report: TrainingReport) {
    self.init(step: report.step, text: "\(report.step)/\(report.steps) epoch \(report.epoch) \(report.examplesPerSecond) ex/s \(report.metrics)")
  }
}
/// What a training or an evaluation came to, on standard output.
enum Results {
  static func print(_ summary: Summary, json: Bool, run: RunFolder) throws {
    Swift.print(try summary.json())
  }
}
