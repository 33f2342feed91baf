import Cluster
import Foundation
import Messages
import Testing

@Suite struct DurableLogTests {
  private let records: [LogRecord] = [
    .coordinatorStarted(job: simulatedJob, epoch: Epoch(rawValue: 1), recipe: simulatedDigest, build: "b", shards: 4),
    .dataFingerprinted(simulatedDigest),
    .nodeNumbered(name: "a", node: NodeNumber(rawValue: 1)!, incarnation: Incarnation(rawValue: 5)!),
    .nodeNumbered(name: "b", node: NodeNumber(rawValue: 2)!, incarnation: Incarnation(rawValue: 6)!),
    .viewDecided(view(1)), .viewDecided(view(2)),
    .nodeNumbered(name: "a", node: NodeNumber(rawValue: 1)!, incarnation: Incarnation(rawValue: 9)!),
    .checkpointWritten(position: PhaseIndex(step: 7, phase: 0), chain: Chain(rawValue: 3)),
    .coordinatorStarted(job: simulatedJob, epoch: Epoch(rawValue: 2), recipe: simulatedDigest, build: "b", shards: 4),
  ]

  private static func view(_ number: UInt64) -> View {
    View(
      number: ViewNumber(rawValue: number),
      members: [
        Member(
          node: NodeNumber(rawValue: 1)!, incarnation: Incarnation(rawValue: 5)!, name: "a", lanes: 1,
          dataEndpoints: ["tcp://a:1"], publicKey: nil, shards: 0..<4)
      ], shards: 4, cause: "start")
  }

  private var bytes: [UInt8] { DurableLog.magic + records.flatMap { DurableLog.encode($0.encoded()) } }

  @Test func aTornTailIsDroppedAtEveryLength() throws {
    let bytes = bytes
    var whole = 0
    for length in 0...bytes.count {
      let content = try DurableLog.decode(Array(bytes[..<length]))
      #expect(content.wholeBytes <= length)
      #expect(content.records.count >= whole, "what was whole stays whole")
      whole = content.records.count
      let padded = try DurableLog.decode(Array(bytes[..<content.wholeBytes]) + [UInt8](repeating: 0, count: 50))
      #expect(padded.records.count == whole)
    }
    #expect(whole == records.count)
  }

  @Test func damageInTheMiddleIsAnError() throws {
    let bytes = bytes
    let lastStart = bytes.count - DurableLog.encode(records.last!.encoded()).count
    for position in 0..<bytes.count {
      var damaged = bytes
      damaged[position] ^= 0x10
      let content = try? DurableLog.decode(damaged)
      if let content {
        // In the last record it looks like a torn tail; in a length, like a record that has not arrived in full.
        #expect(position >= lastStart || content.records.count < records.count)
        #expect(content.records == Array(records.map { $0.encoded() }[..<content.records.count]))
      } else {
        // A length that no record has is damage wherever it stands.
        #expect(position < lastStart + 4)
      }
    }
    #expect(throws: DurableLog.Damage.self) { try DurableLog.decode(Array("something else entirely".utf8)) }
  }

  @Test func compactionKeepsWhatCounts() {
    let compacted = DurableLog.compacted(records)
    #expect(compacted == [records[8], records[1], records[6], records[3], records[5], records[7]])
    #expect(DurableLog.compacted(compacted) == compacted)
  }

  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "elbo-log-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }

  @Test func aFileKeepsWhatWasAppended() throws {
    try withFolder { folder in
      let path = "\(folder)/coordinator.log"
      do {
        let (file, found) = try DurableLogFile.open(path)
        #expect(found.isEmpty)
        try file.append(Array(records[..<3]))
        try file.append(Array(records[3...]))
      }
      // The last append was torn by a crash.
      let torn = DurableLog.encode(records[0].encoded()).dropLast(3)
      let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
      try handle.seekToEnd()
      try handle.write(contentsOf: Data(torn))
      try handle.close()
      do {
        let (file, found) = try DurableLogFile.open(path)
        #expect(found == records)
        try file.append([.jobEnded(.completed)])
      }
      do {
        let (file, found) = try DurableLogFile.open(path)
        #expect(found == records + [.jobEnded(.completed)])
        try file.replace(with: DurableLog.compacted(found))
        try file.append([.jobEnded(.asked)])
      }
      let (_, found) = try DurableLogFile.open(path)
      #expect(found == DurableLog.compacted(records + [.jobEnded(.completed)]) + [.jobEnded(.asked)])
    }
  }

  @Test func twoCoordinatorsDoNotShareALog() throws {
    try withFolder { folder in
      let path = "\(folder)/coordinator.log"
      let (file, _) = try DurableLogFile.open(path)
      func expectLocked() {
        let error = #expect(throws: DurableLogFile.Failure.self) { try DurableLogFile.open(path) }
        #expect(error?.reason == "another coordinator uses it")
      }
      expectLocked()
      try file.replace(with: [records[0]])
      expectLocked()
      try withExtendedLifetime(file) { try file.append([records[1]]) }
    }
  }

  @Test("A new job in the place of another: the same file, emptied by the first record and not before")
  func anew() throws {
    try withFolder { folder in
      let path = "\(folder)/coordinator.log"
      do {
        let (file, _) = try DurableLogFile.open(path)
        try file.append(records)
      }
      let (before, number) = (FileManager.default.contents(atPath: path), inode(path))
      do {
        let (file, found) = try DurableLogFile.open(path, anew: true)
        #expect(found.isEmpty)
        #expect(FileManager.default.contents(atPath: path) == before)
        #expect(throws: DurableLogFile.Failure.self) { try DurableLogFile.open(path) }
        try file.append([records[0]])
        try file.append([records[1]])
        #expect(inode(path) == number)
        #expect(throws: DurableLogFile.Failure.self) { try DurableLogFile.open(path) }
      }
      #expect(try DurableLogFile.open(path).records == Array(records[..<2]))
    }
  }

  private func inode(_ path: String) -> Int? {
    (try? FileManager.default.attributesOfItem(atPath: path))?[.systemFileNumber] as? Int
  }

  @Test func aFileThatIsNoLogIsLeftAlone() throws {
    try withFolder { folder in
      let path = "\(folder)/coordinator.log"
      try Data("my thesis, the only copy".utf8).write(to: URL(fileURLWithPath: path))
      #expect(throws: DurableLogFile.Failure.self) { try DurableLogFile.open(path) }
      #expect(try String(contentsOfFile: path, encoding: .utf8) == "my thesis, the only copy")
      #expect(throws: DurableLogFile.Failure.self) { try DurableLogFile.open("\(folder)/none/coordinator.log") }
    }
  }

  @Test func aFullDiskLeavesTheLogAsItWas() throws {
    // A device that is always full takes the magic's place in an append.
    guard FileManager.default.fileExists(atPath: "/dev/full") else { return }
    #expect(throws: DurableLogFile.Failure.self) { try DurableLogFile.open("/dev/full") }
  }
}
