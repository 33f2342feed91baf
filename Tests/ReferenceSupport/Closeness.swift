/// The largest difference of two lists relative to the largest magnitude of the second; infinity when their counts
/// differ or one holds a NaN that the other has not. Equal infinities are equal.
public func relativeDifference(_ a: [Double], _ b: [Double]) -> Double {
  guard a.count == b.count else { return .infinity }
  let scale = b.lazy.filter(\.isFinite).reduce(0) { max($0, abs($1)) }
  var largest = 0.0
  for (x, y) in zip(a, b) where x != y && !(x.isNaN && y.isNaN) {
    let difference = abs(x - y)
    guard difference.isFinite else { return .infinity }
    largest = max(largest, difference)
  }
  return largest == 0 ? 0 : largest / (scale > 0 ? scale : 1)
}

public func relativeDifference(_ a: Double, _ b: Double) -> Double { relativeDifference([a], [b]) }
