import Files
import Foundation

/// The `state.json` of a checkpoint.
public enum StateFile {
  /// Changes what it says, and its second line, which has the digest of the others.
  public static func change(in folder: String, _ body: (String) throws -> String) throws {
    let path = folder + "/state.json"
    var lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    lines.remove(at: 1)
    let text = try body(lines.joined(separator: "\n") + "\n")
    let second = "{\n  \"sha256\" : \"\(SHA256.hexDigest(of: text.utf8))\",\n"
    try (second + text.dropFirst(2)).write(toFile: path, atomically: true, encoding: .utf8)
  }
}
