import Datasets
import Foundation
import Testing

/// Requests for the committed files of other programs (scripts/reference/foreign_files.py).
private func request(_ name: String, _ change: (inout DataRequest) -> Void = { _ in }) -> DataRequest {
  DataRequest("\(golden)/\(name)") {
    $0.targetKind = .classes
    change(&$0)
  }
}

private let table = request("foreign.csv") { $0.target = "y" }

@Suite struct ForeignFileTests {
  @Test(arguments: ["foreign.h5", "matlab5.mat", "matlab73.mat"])
  func theSameNumbersAreTheSameData(_ name: String) throws {
    let data = try DataSource.open(request(name))
    #expect(try data.fingerprint == DataSource.open(table).fingerprint)
    #expect(data.train.inputs.shape == [3] && data.train.count == 12 && data.train.labels?.count == 3)
  }

  @Test func aDatabaseIsATable() throws {
    let expected = try DataSource.open(table).fingerprint
    let path = "\(golden)/foreign.sqlite"
    for source in [path, "sqlite:\(path)", "sqlite:\(path)?SELECT * FROM numbers"] {
      let data = try DataSource.open(DataRequest(source) { ($0.target, $0.targetKind) = ("y", .classes) })
      #expect(data.fingerprint == expected && data.columns == ["a", "b", "c"])
    }
  }

  @Test func aQueryChooses() throws {
    let query = "SELECT \"the, \"\"age\"\"\" AS age, shade, id FROM people ORDER BY id DESC LIMIT 5;"
    let data = try DataSource.open(
      DataRequest("sqlite:\(golden)/several.sqlite?\(query)") {
        ($0.target, $0.oneHot, $0.missing) = ("id", ["shade"], .keep)
      })
    #expect(data.columns == ["age", "shade=dark", "shade=größe\n2", "shade=light, \"very\""])
    #expect(data.train.inputs.elements[0..<8] == [1.25, 0, 1, 0, 1, 0, 0, 1])
    #expect(data.train.inputs.elements[8].isNaN && data.train.targets?.elements == [5, 4, 3, 2, 1])
  }

  @Test(arguments: [
    ("", "the query is empty"), ("DELETE FROM people", "the query does more than read"),
    ("SELECT 1; SELECT 2", "there is more than one statement"), ("PRAGMA table_info(people)", "does more than read"),
    ("ATTACH 'other.db' AS x", "does more than read"), ("SELECT load_extension('x')", "not authorized"),
    ("EXPLAIN SELECT 1", "the query is no SELECT"), ("SELECT nowhere FROM people", "no such column"),
    ("SELECT note FROM people", "a blob"), ("SELECT id FROM people WHERE id > 100", "finds no rows"),
    ("SELECT", "incomplete"), ("SELECT id FROM people UNION ALL VALUES (zeroblob(100000000))", "too big"),
  ])
  func queriesAreRefused(_ query: String, _ problem: String) {
    let error = failure(DataRequest(source: "sqlite:\(golden)/several.sqlite?\(query)"))
    #expect(error?.problem.contains(problem) ?? false, "\(error.map { "\($0)" } ?? "")")
  }

  @Test func databasesAreRefused() throws {
    let several = failure(DataRequest(source: "sqlite:\(golden)/several.sqlite"))
    #expect(several?.problem == "holds 2 tables: 'other', 'people'")
    let other = failure(DataRequest(source: "sqlite:\(golden)/foreign.csv"))
    #expect(other?.problem == "is no SQLite database")
    let missing = failure(DataRequest(source: "sqlite:\(golden)/nothing.sqlite?SELECT 1"))
    #expect(missing?.code == .notFound)

    let folder = try TemporaryFolder()
    let path = try folder.write("a?b #%.sqlite", contents("\(golden)/foreign.sqlite"))
    let data = try DataSource.open(DataRequest(path) { ($0.target, $0.targetKind) = ("y", .classes) })
    #expect(try data.fingerprint == DataSource.open(table).fingerprint)
    _ = try folder.write("a?b #%.sqlite-wal", [1])
    #expect(failure(DataRequest(source: path))?.problem.contains("changes that are not in it yet") ?? false)
  }

  @Test func groupsAndKinds() throws {
    let data = try DataSource.open(request("kinds.h5"))
    #expect(data.train.count == 12 && data.test?.count == 4 && data.train.labels?.count == 3)
    #expect(data.train.inputs.elements == (try DataSource.open(table).train.inputs.elements))
    #expect(data.test?.inputs.elements == Array(data.train.inputs.elements[..<12]))
    let half = try DataSource.open(DataRequest(source: "hdf5:\(golden)/kinds.h5#half"))
    #expect(half.train.inputs.kind == .float32 && half.train.inputs.shape == [3])
    let flags = try DataSource.open(DataRequest(source: "\(golden)/kinds.h5#flags"))
    #expect(flags.train.inputs.elements == (0..<12).map { $0 % 3 == 1 ? 1 : 0 })
    let single = try DataSource.open(request("matlab7.mat"))
    #expect(single.train.inputs.kind == .float32 && single.train.labels?.indices == (0..<12).map { UInt32($0 % 3) })
  }

  @Test(arguments: [
    ("text", "holds texts"), ("soft", "is a link"), ("external", "is a link to another file"),
    ("lzf", "is compressed by other means than gzip"), ("unwritten", "has a shape, but no numbers"),
    ("outside", "has its numbers in other files"), ("virtual", "has its numbers in other files"),
    ("none", "data.columns: no array 'none'"),
  ])
  func arraysAreRefused(_ name: String, _ problem: String) {
    #expect(failure(request("kinds.h5#\(name)"))?.problem == problem)
  }

  @Test func refusedBeforeMemoryIsTaken() {
    let error = failure(request("refused_shape.h5"))
    #expect(error?.code == .damaged && error?.problem == "the file says shape [3221225472, 3], and has 2432 bytes")
    #expect(failure(request("matlab7.mat#note"))?.problem == "holds texts")
    #expect(failure(request("matlab7.mat#cell"))?.problem == "is a structure, a cell array or an object")
    #expect(failure(request("matlab73.mat#note"))?.problem == "holds texts")
    #expect(failure(DataRequest(source: "hdf5:\(golden)/foreign.csv"))?.problem == "is no HDF5 file")
  }

  @Test(arguments: ["foreign.h5", "kinds.h5", "matlab5.mat", "matlab7.mat", "matlab73.mat"])
  func damageIsReadOrRefused(_ name: String) throws {
    let bytes = try contents("\(golden)/\(name)")
    try expectNoTrap(name, bytes, count: 60) { try DataSource.interpret(guarded($0), request(name), path: name) }
  }

  @Test func damagedDatabasesAreReadOrRefused() throws {
    let folder = try TemporaryFolder()
    try expectNoTrap("foreign.sqlite", contents("\(golden)/foreign.sqlite"), count: 300) {
      try DataSource.open(DataRequest(source: "sqlite:\(folder.write("a.sqlite", $0))?SELECT * FROM numbers"))
    }
  }
}

/// Opens beginnings and variants of a file, which are errors or data, and nothing else. With ELBO_MUTATIONS more of them.
func expectNoTrap(
  _ name: String, _ bytes: [UInt8], count: Int, _ open: ([UInt8]) throws -> Dataset
) throws {
  let count = ProcessInfo.processInfo.environment["ELBO_MUTATIONS"].flatMap { Int($0) } ?? count
  var refused = 0
  func tryOut(_ variant: [UInt8]) {
    do {
      let data = try open(variant)
      _ = data.fingerprint
    } catch {
      #expect(error is DataError && !"\(error)".contains("\n"), "\(name): \(error)")
      refused += 1
    }
  }
  for length in stride(from: 0, to: bytes.count, by: max(1, bytes.count / min(count, 200))) {
    tryOut(Array(bytes[..<length]))
  }
  #expect(refused > min(count, 200) / 2, "beginnings of \(name) are taken for the whole")
  var generator = SeededGenerator(state: UInt64(bytes.count))
  for _ in 0..<count {
    var variant = bytes
    for _ in 0..<Int.random(in: 1...6, using: &generator) {
      let position = Int.random(in: 0..<variant.count, using: &generator)
      switch Int.random(in: 0..<4, using: &generator) {
      case 0: variant[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      case 1: variant[position] = UInt8.random(in: 0...255, using: &generator)
      case 2: for index in position..<min(position + 8, variant.count) { variant[index] = 0xff }
      default: variant[position] = bytes.randomElement(using: &generator)!
      }
    }
    tryOut(variant)
  }
}
