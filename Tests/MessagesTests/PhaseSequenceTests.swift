import Messages
import Testing

@Suite("Which phases a step has") struct PhaseSequenceTests {
  @Test func oneAfterTheOther() {
    let sequence = PhaseSequence(periods: [1, 3, 2])
    var index = PhaseIndex.start
    var seen: [PhaseIndex] = []
    while index.step < 4 {
      seen.append(index)
      index = index.next(in: sequence)
    }
    #expect(
      seen == [phase(0, 0), phase(0, 1), phase(0, 2), phase(1, 0), phase(2, 0), phase(2, 2), phase(3, 0), phase(3, 1)])
    #expect(seen.allSatisfy(sequence.contains))
    for (before, after) in zip(seen, seen.dropFirst()) { #expect(after.previous(in: sequence) == before) }
    #expect(PhaseIndex.start.previous(in: sequence) == nil)
  }

  @Test func onesThatBeginLater() {
    let sequence = PhaseSequence(periods: [1, 3], offsets: [0, 2])
    let all = (0..<6).flatMap { step in (0..<2).map { phase(step, $0) } }
    #expect(all.filter(sequence.contains).filter { $0.phase == 1 } == [phase(2, 1), phase(5, 1)])
    #expect(phase(1, 0).next(in: sequence) == phase(2, 0) && phase(2, 0).next(in: sequence) == phase(2, 1))
    #expect(phase(3, 0).previous(in: sequence) == phase(2, 1))
  }

  @Test func othersAreNotContained() {
    let sequence = PhaseSequence(periods: [1, 3])
    #expect(!sequence.contains(phase(1, 1)) && !sequence.contains(phase(0, 2)) && !sequence.contains(phase(0, .max)))
  }
}
