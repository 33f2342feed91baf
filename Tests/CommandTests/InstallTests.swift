import Foundation
import Subprocess
import SystemPackage
import Testing

/// `scripts/install`, up to where it would install.
@Suite struct InstallTests {
  @Test("A swift that does not run is named, with what it says", arguments: ["no library of this name", ""])
  func brokenSwift(words: String) async throws {
    let workspace = try Workspace()
    try FileManager.default.createDirectory(atPath: workspace["bin"], withIntermediateDirectories: true)
    try workspace.write("bin/swift", "#!/bin/sh\necho '\(words)' >&2\nexit 127\n")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: workspace["bin/swift"])
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
      "../../scripts/install")
    let result = try await Subprocess.run(
      .path("/bin/bash"), arguments: [script.path],
      environment: .inherit.updating(["PATH": "\(workspace["bin"]):/usr/bin:/bin"]), output: .discarded,
      error: .string(limit: 1 << 16))
    #expect(!result.terminationStatus.isSuccess)
    let lines = result.standardError.split(separator: "\n")
    #expect(lines.count == 1 && lines[0].hasPrefix("install: `swift --version` ends with status 127"), "\(lines)")
    #expect(lines[0].contains(words.isEmpty ? "127; correct" : "127: \(words); correct"))
  }
}
