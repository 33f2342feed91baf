import Foundation
import Pages
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5)))
struct MetricsTests {
  @Test func whatIsNewIsTold() async throws {
    let folder = Folder()
    try folder.run("vae")
    let served = try await Served(folder.path)
    let first = try await served.object("/api/run/vae/metrics")
    #expect(Served.values(first, "train/elbo") == [1, 2, 3] && first["isNew"] as? Bool == true)
    let end = try #require(first["end"] as? Int)

    let file = try #require(FileHandle(forWritingAtPath: folder["vae/metrics.jsonl"]))
    try file.seekToEnd()
    // The last line is not written to its end.
    try file.write(contentsOf: Data((Folder.line(4, 4) + "{\"step\":5,\"train/el").utf8))
    let more = try await served.object("/api/run/vae/metrics?after=\(end)")
    #expect(Served.values(more, "train/elbo", "step") == [4] && more["isNew"] as? Bool == false)
    let nothing = try await served.object("/api/run/vae/metrics?after=\(more["end"]!)")
    #expect(Served.values(nothing, "train/elbo").isEmpty && nothing["end"] as? Int == more["end"] as? Int)

    // A resumed training cuts off what it writes again.
    try file.truncate(atOffset: UInt64(Folder.line(1, 1).utf8.count))
    let again = try await served.object("/api/run/vae/metrics?after=\(more["end"]!)")
    #expect(Served.values(again, "train/elbo") == [1] && again["isNew"] as? Bool == true)
    for after in ["-1", "x", "99999999999999999999"] {
      #expect(Served.values(try await served.object("/api/run/vae/metrics?after=\(after)"), "train/elbo") == [1])
    }
    await served.server.end()
  }

  @Test func aThousandPointsKeepTheSpikes() async throws {
    let folder = Folder()
    try folder.run("vae")
    var lines = (0..<100_000).map { Folder.line($0, Double($0 % 10)) }
    lines[12_345] = Folder.line(12_345, 1e6)
    lines[54_321] = Folder.line(54_321, -1e6)
    lines[77_777] = "{\"step\":77777,\"train/elbo\":null}\n"
    try folder.write("vae/metrics.jsonl", lines.joined())
    let served = try await Served(folder.path)
    let told = try await served.object("/api/run/vae/metrics")
    let (steps, values) = (Served.values(told, "train/elbo", "step"), Served.values(told, "train/elbo"))
    #expect(steps.count <= 1000 && steps.count > 500 && steps.count == values.count)
    #expect(steps.first == 0 && steps.last == 99_999)
    #expect(values.contains(1e6) && values.contains(-1e6) && values.contains(nil))
    #expect(zip(steps, values).contains { $0 == 12_345 && $1 == 1e6 })
    await served.server.end()
  }

  @Test(arguments: [
    ("", 0, ""), ("\u{0}\u{1}\u{2}\n", 0, "1 lines that are none"),
    ("[1,2]\n{}\n{\"step\":1.5}\n", 0, "3 lines that are none"),
    ("{\"step\":1,\"a\":1e999}\n", 0, "1 lines"), ("{\"step\":1,\"a\":\"<b>\"}\n", 0, "1 lines"),
    ("\n\n{ \"step\" : 7 , \"train/elbo\" : -2.5e-3 }\r\n", 1, ""),
    ("{\"step\":1,\"train/elbo\":{\"x\":1}}\n", 0, "1 lines"),
  ])
  func linesThatAreNoneAreCounted(text: String, count: Int, note: String) async throws {
    let folder = Folder()
    try folder.run("vae")
    try folder.write("vae/metrics.jsonl", text)
    let served = try await Served(folder.path)
    let told = try await served.object("/api/run/vae/metrics")
    #expect(Served.values(told, "train/elbo").count == count)
    #expect(note.isEmpty ? told["note"] as? String == "" : (told["note"] as? String)?.contains(note) == true)
    await served.server.end()
  }

  @Test func aVeryLongFileIsSampled() async throws {
    let folder = Folder()
    try folder.run("vae")
    let file = try #require(FileHandle(forWritingAtPath: folder["vae/metrics.jsonl"]))
    let size: UInt64 = 5_000_000_000
    // Most of it is a hole.
    try file.truncate(atOffset: size)
    try file.seek(toOffset: size - 200)
    try file.write(contentsOf: Data(("\n" + Folder.line(9, 9)).utf8))
    try file.truncate(atOffset: try file.offset())
    let served = try await Served(folder.path)
    let told = try await served.object("/api/run/vae/metrics")
    #expect(Served.values(told, "train/elbo") == [1, 2, 3, 9])
    #expect((told["note"] as? String)?.hasPrefix("metrics.jsonl has 5.0 GB") == true)
    #expect(told["end"] as? Int == Int(try file.seekToEnd()))
    await served.server.end()
  }
}
