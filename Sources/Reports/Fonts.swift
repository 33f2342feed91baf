import Foundation
import Subprocess
import SystemPackage

/// The installed fonts, as fontconfig knows them.
package enum Fonts {
  /// Whether a font has Hangul; nil where `fc-list` is missing or fails.
  ///
  /// Without one gnuplot draws letters of Hangul larger than the picture, and a PNG cannot be read.
  package static func haveHangul() async -> Bool? {
    guard let program = Program.path(of: "fc-list"),
      let result = try? await Subprocess.run(
        .path(FilePath(program)), arguments: [":lang=ko", "family"], output: .string(limit: 1 << 20), error: .discarded),
      result.terminationStatus.isSuccess
    else { return nil }
    return result.standardOutput.contains { !$0.isWhitespace }
  }
}
