/// The words of a progress line.
struct ProgressLine {
  let progress: TrainingProgress
  let examplesPerSecond: Double?
  let secondsLeft: Double?

  private var epoch: String? {
    progress.epoch.map { epoch in "epoch \(epoch)" + (progress.totalEpochs.map { "/\($0)" } ?? "") }
  }

  private var step: String {
    "step \(progress.step)" + (progress.totalSteps.map { "/\($0)" } ?? "")
  }

  private var metrics: [String] {
    progress.metrics.map { "\($0.name) \(NumberText.significant($0.value, digits: 4))" }
  }

  private var rate: String? { examplesPerSecond.map { NumberText.compact($0) + " examples/s" } }

  private var left: String? { secondsLeft.map { NumberText.duration(seconds: $0) + " left" } }

  /// All there is to say, for a log.
  var full: String {
    ([epoch, step] + metrics + [rate, left]).compactMap { $0 }.joined(separator: ", ")
  }

  /// What fits into so many columns, with a bar when there is room for one.
  func fitted(to width: Int) -> String {
    // Each part with its weight: the lightest goes first when the line is too long.
    var parts: [(text: String, weight: Int)] = []
    if let epoch { parts.append((epoch, 9)) }
    if let share { parts.append(("\(Int(share * 100))%", 5)) }
    parts.append((step, epoch == nil ? 9 : 3))
    for (index, metric) in metrics.enumerated() { parts.append((metric, index == 0 ? 8 : 2)) }
    if let rate { parts.append((rate, 6)) }
    if let left { parts.append((left, 7)) }
    func length() -> Int { parts.reduce(-2) { $0 + $1.text.count + 2 } }
    while length() > width, parts.count > 1 {
      let lightest = parts.indices.min { parts[$0].weight < parts[$1].weight }!
      parts.remove(at: lightest)
    }
    let room = width - length() - 4
    if let share, room >= 10 {
      let cells = min(room, 30)
      let full = Int(share * Double(cells))
      let bar = "[" + String(repeating: "#", count: full) + String(repeating: ".", count: cells - full) + "]"
      parts.insert((bar, 0), at: epoch == nil ? 0 : 1)
    }
    return String(parts.map(\.text).joined(separator: "  ").prefix(max(width, 0)))
  }

  /// The share of the steps that are done, in 0…1.
  private var share: Double? {
    progress.totalSteps.flatMap { $0 > 0 ? min(max(Double(progress.step) / Double($0), 0), 1) : nil }
  }
}
