import Metrics
import Testing

@Suite("Confusion matrices")
struct ConfusionMatrixTests {
  /// Truth and guess of each of some pixels.
  private func matrix(_ pairs: [(Int, Int)], classes: Int = 4) -> ConfusionMatrix {
    pairs.reduce(into: ConfusionMatrix(classes: classes)) { $0.add(truth: $1.0, guess: $1.1) }
  }

  @Test("Means are over the classes that are there")
  func values() {
    // Class 0: 2 of 3 right; class 1: 1 of 2; class 2 has no pixel, though one was taken for it; class 3: 1 of 1.
    let matrix = matrix([(0, 0), (0, 0), (0, 1), (1, 1), (1, 2), (3, 3)])
    #expect(matrix.total == 6 && matrix.present == [0, 1, 3])
    #expect(matrix.accuracy == 4.0 / 6)
    #expect(abs(matrix.meanAccuracy - (2.0 / 3 + 0.5 + 1) / 3) < 1e-15)
    #expect(matrix.intersectionOverUnion(0) == 2.0 / 3)
    #expect(matrix.intersectionOverUnion(1) == 1.0 / 3)
    #expect(abs(matrix.meanIntersectionOverUnion - (2.0 / 3 + 1.0 / 3 + 1) / 3) < 1e-15)
  }

  @Test("Matrices of parts add up to that of the whole")
  func sums() {
    let pairs = (0..<100).map { ($0 * 7 % 4, $0 * $0 % 4) }
    var sum = matrix(Array(pairs[..<37]))
    sum += matrix(Array(pairs[37...]))
    #expect(sum == matrix(pairs))
  }

  @Test("Without pixels nothing is infinite")
  func empty() {
    let matrix = matrix([])
    #expect(matrix.accuracy == 0 && matrix.meanAccuracy == 0 && matrix.meanIntersectionOverUnion == 0)
  }

  @Test("Reliabilities of parts add up to that of the whole")
  func reliability() {
    let rows = (0..<30).map { Double($0 % 7 + 1) / 8 }
    let values = rows.flatMap { [$0, 1 - $0] }
    let labels = (0..<30).map { $0 % 2 }
    var sum = Reliability(ClassProbabilities(Array(values[..<20]), classes: 2), labels: Array(labels[..<10]))
    sum += Reliability(ClassProbabilities(Array(values[20...]), classes: 2), labels: Array(labels[10...]))
    let whole = Reliability(ClassProbabilities(values, classes: 2), labels: labels)
    #expect(sum.bins.map(\.count) == whole.bins.map(\.count))
    #expect(abs(sum.expectedError - whole.expectedError) < 1e-12)
  }
}
