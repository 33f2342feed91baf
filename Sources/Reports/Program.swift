import Foundation

/// Programs of the system.
enum Program {
  /// The path of the first program of this name in the folders of `searchPath` (separated by colons), or nil. Only absolute
  /// folders are searched: what lies in the current folder is not run by chance.
  static func path(
    of name: String, searchPath: String = ProcessInfo.processInfo.environment["PATH"] ?? ""
  ) -> String? {
    let candidates = searchPath.split(separator: ":").filter { $0.hasPrefix("/") }.map { "\($0)/\(name)" }
    return candidates.first { path in
      var status = stat()
      return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }
  }
}
