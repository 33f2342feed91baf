import Files
import Foundation
import Reports
import TestSupport
import Testing

private func record(_ step: Int, _ metrics: [String: Double] = ["train/elbo": -241.5]) -> MetricsRecord {
  MetricsRecord(step: step, epoch: Double(step) / 600, seconds: 1.5, examplesPerSecond: 81_234.5, metrics: metrics)
}

private func lines(_ path: String) throws -> [String] {
  String(decoding: try InputFile.read(path), as: UTF8.self).split(separator: "\n").map(String.init)
}

@Suite struct MetricsWriterTests {
  @Test func keysStandInTheirOrder() throws {
    let folder = TemporaryFolder()
    let path = folder.path + "/metrics.jsonl"
    var writer = try MetricsWriter(path)
    try writer.append(
      record(300, ["train/kl": 1e-7, "cls/Acc": 1, "train/elbo": .nan, "a\"\\\n": -.infinity, "big": 1e300]))
    #expect(
      String(decoding: try InputFile.read(path), as: UTF8.self)
        == #"{"step":300,"epoch":0.5,"seconds":1.5,"examples_per_second":81234.5,"a\"\\\n":null,"big":1e+300,"#
        + #""cls/Acc":1,"train/elbo":null,"train/kl":1e-07}"# + "\n")
    #expect(try JSONSerialization.jsonObject(with: Data(InputFile.read(path))) is [String: Any])
  }

  @Test func aNewTrainingStartsEmpty() throws {
    let folder = TemporaryFolder()
    let path = folder.path + "/metrics.jsonl"
    try AtomicFile.write(path, "{\"step\":1}\n")
    var writer = try MetricsWriter(path)
    try writer.append(record(5))
    #expect(try lines(path).count == 1)
  }

  /// 2N lines = N lines + resumption + N lines, bytes for bytes, wherever the first process died.
  @Test func resumptionGoesOnWhereTheCheckpointWas() throws {
    let folder = TemporaryFolder()
    let (whole, broken) = (folder.path + "/whole.jsonl", folder.path + "/broken.jsonl")
    var writer = try MetricsWriter(whole)
    for step in 1...12 { try writer.append(record(step * 10)) }
    let bytes = try InputFile.read(whole)
    let checkpoint = try lines(whole).prefix(8).reduce(0) { $0 + $1.utf8.count + 1 }
    for cut in stride(from: checkpoint, through: bytes.count, by: 5) {
      let file = try OutputFile(broken, .append)
      try file.truncate(to: 0)
      try file.append(Array(bytes.prefix(cut)))
      var writer = try MetricsWriter(broken, resumingFrom: 80)
      #expect(try InputFile.read(broken).count == checkpoint)
      for step in 9...12 { try writer.append(record(step * 10)) }
      #expect(try InputFile.read(broken) == bytes)
    }
  }

  @Test(arguments: [
    ("", 0), ("{\"step\":1}", 0), ("garbage\n", 0), ("{\"step\":1,\"a\":2}\ngarbage\n{\"step\":2}\n", 17),
    ("{\"step\":1,\"a\":2}\n{\"step\":2,\"a\"\n{\"step\":3}\n", 17), ("{\"step\":99999999999999999999,}\n", 0),
    ("{\"step\":-1,\"a\":2}\n", 18), ("\n\n", 0), ("\u{0}\u{0}\n", 0),
  ])
  func damagedFilesAreCutToWholeLines(text: String, kept: Int) throws {
    let folder = TemporaryFolder()
    let path = folder.path + "/metrics.jsonl"
    try AtomicFile.write(path, text)
    _ = try MetricsWriter(path, resumingFrom: 1000)
    #expect(try InputFile.read(path) == Array(text.utf8.prefix(kept)))
  }

  @Test func fullDiskNamesTheFile() throws {
    var writer = try MetricsWriter("/dev/full")
    var found: FileError?
    do { try writer.append(record(1)) } catch { found = error }
    #expect(found?.code == .outOfSpace)
    #expect(found?.description.contains("/dev/full") == true)
  }

  @Test func missingFolderNamesTheFile() {
    let error = #expect(throws: FileError.self) { _ = try MetricsWriter("/nowhere/metrics.jsonl") }
    #expect(error?.code == .notFound && error?.path == "/nowhere/metrics.jsonl")
  }
}
