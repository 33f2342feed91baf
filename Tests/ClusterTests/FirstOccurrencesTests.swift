import Cluster
import Testing

struct FirstOccurrencesTests {
  @Test func theFirstOfEachAndNoMoreThanFit() {
    var occurrences = FirstOccurrences<Int>(limit: 2)
    #expect(
      [1, 1, 2, 1, 2, 3, 4, 1].map { occurrences.isFirst($0) } == [true, false, true]
        + [Bool](repeating: false, count: 5))
  }
}
