import Datasets
import Foundation
import Testing

@Suite struct ArchiveTests {
  /// The folder that the archives were packed from, unpacked by the system's tar.
  private func unpacked(_ name: String) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["tar", "-xf", "\(golden)/\(name)", "-C", folder.path]
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return folder
  }

  @Test(arguments: ["faces_pax.tar.gz", "faces_gnu.tar"])
  func picturesOfAnArchiveAreThoseOfItsFolder(_ name: String) throws {
    let folder = try unpacked(name)
    let expected = try DataSource.open(DataRequest(source: "\(folder.path)/faces"))
    let data = try DataSource.open(DataRequest(source: "\(golden)/\(name)"))
    #expect(data.fingerprint == expected.fingerprint && data.notes == expected.notes && data.name == "faces")
    #expect(data.train.labels?.names == ["cat", "dog", "größe"] && data.test?.count == 2 && data.train.count == 5)
    // As pictures to predict from: those of the one folder that an archive has.
    let bytes = try contents("\(golden)/\(name)")
    let other = try folder.write("other.bin.dat", bytes)
    #expect(try DataSource.open(DataRequest(source: other)).fingerprint == expected.fingerprint)
  }

  @Test(arguments: [
    ("parent", "leads out of the archive"), ("absolute", "leads out of the archive"), ("link", "is a link"),
    ("hard_link", "is a link"), ("device", "is a device or something else that is no file"),
    ("twice", "is there twice"),
  ])
  func membersAreRefused(_ name: String, _ problem: String) {
    let error = failure(DataRequest(source: "\(golden)/refused_\(name).tar.gz"))
    #expect(error?.problem.hasSuffix(problem) ?? false, "\(error.map { "\($0)" } ?? "")")
  }

  @Test func damageSaysWhichPicture() throws {
    let folder = try TemporaryFolder()
    var bytes = try contents("\(golden)/faces_gnu.tar")
    let picture = try #require(bytes.indices.first { bytes[$0...].starts(with: [0x89, 0x50, 0x4e, 0x47]) })
    bytes[picture + 20] ^= 0xff
    let path = try folder.write("a.tar", bytes)
    let error = failure(DataRequest(source: path))
    #expect(error?.place?.file.hasPrefix("\(path)/faces/train/") ?? false)
    let data = try DataSource.open(DataRequest(path) { $0.strict = false })
    #expect(data.train.count == 4 && data.notes.first?.hasPrefix("left out \(path)/faces/") ?? false)
  }

  @Test(arguments: ["faces_pax.tar.gz", "faces_gnu.tar"])
  func damageIsReadOrRefused(_ name: String) throws {
    try expectNoTrap(name, contents("\(golden)/\(name)"), count: 400) {
      try DataSource.interpret(guarded($0), DataRequest(source: name), path: name)
    }
  }

  @Test func everyTruncationIsRefused() throws {
    let bytes = try contents("\(golden)/faces_gnu.tar")
    let end = bytes.lastIndex { $0 != 0 }! / 512 * 512 + 512
    for length in stride(from: 1, to: end + 1024, by: 61) {
      #expect(throws: DataError.self, "\(length) bytes") {
        try DataSource.interpret(guarded(Array(bytes[..<length])), DataRequest(source: "a.tar"), path: "a.tar")
      }
    }
    _ = try DataSource.interpret(
      guarded(Array(bytes[..<(end + 1024)])), DataRequest(source: "a.tar"), path: "a.tar")
  }
}

@Suite struct CIFARTests {
  /// A record whose pixels say where they lie: channel, row and column.
  private static func record(_ labels: [UInt8], _ seed: Int) -> [UInt8] {
    labels + (0..<3 * 1024).map { UInt8(truncatingIfNeeded: $0 * 7 + $0 / 1024 * 100 + seed) }
  }

  private func folder() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    _ = try folder.write("data_batch_1.bin", Self.record([3], 0) + Self.record([9], 1))
    _ = try folder.write("data_batch_2.bin", Self.record([0], 2))
    _ = try folder.write("test_batch.bin", Self.record([1], 3))
    let names = "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n"
    _ = try folder.write("batches.meta.txt", names)
    return folder
  }

  @Test func tenClasses() throws {
    let folder = try folder()
    let data = try DataSource.open(DataRequest(source: folder.path))
    #expect(data.train.labels?.indices == [3, 9, 0] && data.test?.labels?.indices == [1])
    #expect(data.train.labels?.names[3] == "cat" && data.train.inputs.shape == [32, 32, 3])
    // Row 2, column 5 of the second example: pixel 69 of each plane.
    let pixel = (0..<3).map { Double(UInt8(truncatingIfNeeded: ($0 * 1024 + 69) * 7 + $0 * 100 + 1)) }
    #expect(Array(data.train.inputs.elements[3072 + 3 * 69..<3072 + 3 * 70]) == pixel)
  }

  @Test func hundredClasses() throws {
    let folder = try TemporaryFolder()
    _ = try folder.write("train.bin", Self.record([19, 99], 0) + Self.record([4, 0], 1))
    _ = try folder.write("test.bin", Self.record([0, 7], 2))
    _ = try folder.write("fine_label_names.txt", (0..<100).map { "fine \($0)\n" }.joined())
    _ = try folder.write("coarse_label_names.txt", (0..<20).map { "coarse \($0)\n" }.joined())
    let fine = try DataSource.open(DataRequest(source: folder.path))
    #expect(fine.train.labels?.indices == [99, 0] && fine.train.labels?.names[99] == "fine 99")
    let coarse = try DataSource.open(DataRequest(folder.path) { $0.target = "coarse" })
    #expect(coarse.train.labels?.indices == [19, 4] && coarse.train.labels?.count == 20)
    #expect(failure(DataRequest(folder.path) { $0.target = "other" })?.code == .badRequest)
  }

  @Test func oneBatchAndFaults() throws {
    let folder = try folder()
    let one = try DataSource.open(DataRequest("\(folder.path)/data_batch_1.bin") { $0.testFraction = 0.5 })
    #expect(one.train.count == 1 && one.test?.count == 1 && one.train.labels?.count == 10)
    _ = try folder.write("data_batch_2.bin", Array(Self.record([0], 2).dropLast()))
    #expect(failure(DataRequest(source: folder.path))?.code == .damaged)
    _ = try folder.write("data_batch_2.bin", Self.record([10], 2))
    #expect(failure(DataRequest(source: folder.path))?.problem == "class 10 of 10")
    try FileManager.default.removeItem(atPath: "\(folder.path)/test_batch.bin")
    #expect(failure(DataRequest(source: folder.path))?.problem == "no test_batch.bin")
    #expect(failure(DataRequest(source: "\(folder.path)/data_batch_2.bin"))?.problem == "class 10 of 10")
    _ = try folder.write("a.bin", [1, 2, 3])
    let advice = failure(DataRequest(source: "\(folder.path)/a.bin"))?.advice
    #expect(advice?.hasSuffix(DataSource.readable) ?? false)
  }
}
