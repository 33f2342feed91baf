import Figures
import Files
import Reports
import TestSupport
import Testing

@Suite("Learning curves") struct LearningCurvesTests {
  @Test("Axes have units, shares are in per cent, what never changes is left out, the end stands beside the training")
  func figure() throws {
    let folder = TemporaryFolder()
    let path = folder.path + "/metrics.jsonl"
    var writer = try MetricsWriter(path)
    for step in 1...3 {
      let metrics = [
        "train/elbo": -Double(step), "train/real_accuracy": 0.1 * Double(step), "train/alarm": 0,
        "train/other": 1.5 * Double(step),
      ]
      try writer.append(
        MetricsRecord(step: step, epoch: Double(step), seconds: 1, examplesPerSecond: 1, metrics: metrics))
    }
    let figure = try #require(try LearningCurves.figure(from: path, end: ["test/elbo": -2.5, "test/cls/Acc": 0.5]))
    guard case .plot(let plot) = figure.content else { throw CancellationError() }
    #expect(plot.panels.map(\.y.label) == ["elbo (nats per example)", "other", "real_accuracy (%)"])
    guard case .line(let share) = plot.panels[2].marks[0], case .points(let end) = plot.panels[0].marks[1] else {
      throw CancellationError()
    }
    let percent: [Double] = [10, 20, 30]
    #expect(zip(share.y, percent).allSatisfy { abs($0 - $1) < 1e-9 })
    let (x, y): ([Double], [Double]) = ([3], [-2.5])
    #expect(end.x == x)
    #expect(end.y == y)
    #expect(end.label == "test, at the end")
  }
}
