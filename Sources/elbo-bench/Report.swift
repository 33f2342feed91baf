import Foundation

/// Milliseconds of the turns, and the table that they make.
struct Report {
  private let kernels: [String]
  private let operations: Double
  private var step: [Double] = []
  private var update: [Double] = []
  private var products: [Double] = []
  private var kernelTimes: [[Double]] = []

  init(kernels: [String], operations: Double) {
    self.kernels = kernels
    self.operations = operations
    kernelTimes = kernels.map { _ in [] }
  }

  mutating func add(step: Double, update: Double, products: Double, kernels: [Double]) {
    self.step.append(step)
    self.update.append(update)
    self.products.append(products)
    for (index, time) in kernels.enumerated() { kernelTimes[index].append(time) }
  }

  func text(lanes: Int) -> String {
    let step = median(self.step)
    var rows = [("matrix products alone", products), ("sum of the shards, Adam", update)]
    rows += zip(kernels, kernelTimes)
    let shares = rows.map { $0.1.isEmpty ? 0 : median($0.1) }
    // Of each turn, so that it varies with the turn and not between turns.
    let productShare = zip(products, self.step).map { $0 / $1 }

    var lines = ["where a step's time goes, \(lanes) lane\(lanes == 1 ? "" : "s"); medians of \(self.step.count) turns"]
    lines.append(line("a step", step, of: step))
    for (row, time) in zip(rows, shares) { lines.append(line("  " + row.0, time, of: step)) }
    lines.append(line("  the rest: tape, memory, waiting", step - shares.reduce(0, +), of: step))
    lines.append(
      String(
        format: "products: %.0f GFLOP/s; share of the step %.1f %% (%.1f … %.1f)", operations / median(products) / 1e6,
        median(productShare) * 100, productShare.min()! * 100, productShare.max()! * 100))
    return lines.joined(separator: "\n")
  }

  private func line(_ name: String, _ time: Double, of step: Double) -> String {
    let padded = name.padding(toLength: 40, withPad: " ", startingAt: 0)
    return padded + String(format: "%8.4f ms %6.1f %%", time, time / step * 100)
  }
}

private func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  let middle = sorted.count / 2
  return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
