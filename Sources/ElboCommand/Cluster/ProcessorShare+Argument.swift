import ArgumentParser
import Training

/// As `2/3`, the third of three.
extension ProcessorShare: ExpressibleByArgument {
  public init?(argument: String) {
    let parts = argument.split(separator: "/").map { Int($0) }
    guard parts.count == 2, let index = parts[0], let count = parts[1] else { return nil }
    self.init(index: index, count: count)
  }
}
