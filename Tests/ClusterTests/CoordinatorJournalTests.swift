import Cluster
import Messages
import Testing

/// What is decided while the log cannot be written.
struct CoordinatorJournalTests {
  /// A disk that is full for a while.
  private final class Disk {
    struct Full: Error, CustomStringConvertible { let description = "the disk is full" }
    var isFull = false
    var records: [LogRecord] = []

    var journal: CoordinatorJournal {
      CoordinatorJournal { [self] new in
        if isFull { throw Full() }
        records += new
      }
    }
  }

  private static let record = LogRecord.dataFingerprinted(simulatedDigest)
  private static let heartbeat = ControlBody.heartbeatReply(
    HeartbeatReply(sequence: 1, view: ViewNumber(rawValue: 1)))
  private static let stop = ControlBody.stop(Stop(reason: .asked, explanation: ""))

  @Test func whatIsWrittenIsThere() throws {
    let disk = Disk()
    var journal = disk.journal
    try journal.begin([Self.record, Self.record])
    let (isWritten, note) = journal.write(.jobEnded(.asked), now: at(0))
    #expect(isWritten && note == nil && journal.trouble == nil)
    #expect(disk.records == [Self.record, Self.record, .jobEnded(.asked)])
    #expect(journal.isOpen)
    journal.close()
    #expect(!journal.isOpen)
  }

  @Test func troubleIsNotedWhenItBeginsAndWhenItEnds() {
    let disk = Disk()
    var journal = disk.journal
    disk.isFull = true
    let text = "the disk is full; until it is written, no node joins and no node is replaced"
    var outcome = journal.write(Self.record, now: at(0))
    #expect(!outcome.isWritten && outcome.note == "warning: \(text)")
    #expect(journal.trouble?.text == text)
    outcome = journal.write(Self.record, now: at(1))
    #expect(!outcome.isWritten && outcome.note == nil)
    disk.isFull = false
    outcome = journal.write(Self.record, now: at(3))
    #expect(outcome.isWritten && outcome.note == "the coordinator's log is written again")
    #expect(journal.trouble == nil)
    outcome = journal.write(Self.record, now: at(3))
    #expect(outcome.isWritten && outcome.note == nil)
  }

  /// Its nodes are gone: the next coordinator need not know.
  @Test func theEndCountsAsWritten() {
    let disk = Disk()
    var journal = disk.journal
    disk.isFull = true
    let outcome = journal.write(.jobEnded(.completed), now: at(0))
    #expect(outcome.isWritten && outcome.note == nil && journal.trouble == nil)
  }

  @Test func itIsTriedAgainLessAndLessOften() {
    let disk = Disk()
    var journal = disk.journal
    disk.isFull = true
    let directives: [Membership.Directive] = [.log(Self.record)]
    var (time, waits) = (0.0, [Double]())
    #expect(!journal.write(Self.record, now: at(0)).isWritten)
    journal.hold(directives[...])
    for _ in 0..<6 {
      let since = time
      while true {
        let waiting = journal.retry(now: at(time))
        if !waiting.isEmpty {
          #expect(waiting == directives)
          break
        }
        time += 0.5
      }
      waits.append(time - since)
      #expect(!journal.write(Self.record, now: at(time)).isWritten)
      journal.hold(directives[...])
    }
    #expect(waits == [1, 2, 4, 8, 10, 10])
  }

  @Test func whatIsDecidedLaterWaitsToo() {
    let disk = Disk()
    var journal = disk.journal
    let later: [Membership.Directive] = [
      .reply(Self.heartbeat), .send(Self.stop, to: node(1)), .reply(.recipeRequest(RecipeRequest(build: "b"))),
    ]
    #expect(journal.admit(later) == later)
    disk.isFull = true
    #expect(!journal.write(Self.record, now: at(0)).isWritten)
    journal.hold([.reply(Self.stop), .log(Self.record), .reply(Self.heartbeat)])
    // Heartbeats are answered; an answer that waited would come to another message.
    #expect(journal.admit(later) == [.reply(Self.heartbeat)])
    #expect(journal.retry(now: at(0.5)).isEmpty)
    #expect(journal.retry(now: at(2)) == [.log(Self.record), .send(Self.stop, to: node(1))])
    #expect(journal.retry(now: at(3)).isEmpty)
  }

  @Test func theEndWaitsForNothing() {
    let disk = Disk()
    var journal = disk.journal
    disk.isFull = true
    #expect(!journal.write(Self.record, now: at(0)).isWritten)
    journal.hold([.log(Self.record)])
    let end: [Membership.Directive] = [
      .send(Self.stop, to: node(1)), .ended(Stop(reason: .asked, explanation: "")),
    ]
    #expect(journal.admit(end) == end)
    #expect(journal.retry(now: at(60)).isEmpty)
  }
}
