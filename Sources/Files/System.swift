import Glibc

/// The result of a system call, made again while a signal interrupts it.
func retryingInterrupts<Result: SignedInteger>(_ call: () -> Result) -> Result {
  while true {
    let result = call()
    if result != -1 || errno != EINTR { return result }
  }
}

/// Refuses what the system would silently read as another path: nothing, and everything behind a zero byte.
func checkPath(_ path: String, operation: String) throws(FileError) {
  guard !path.isEmpty else {
    throw FileError(operation, path, code: .invalidPath, reason: "the path is empty")
  }
  guard !path.utf8.contains(0) else {
    throw FileError(operation, path, code: .invalidPath, reason: "the path holds a zero byte")
  }
}

/// The folder a path lies in, and its last component.
func splitPath(_ path: String) -> (folder: String, name: String) {
  guard let slash = path.lastIndex(of: "/") else { return (".", path) }
  let folder = path[..<slash]
  return (folder.isEmpty ? "/" : String(folder), String(path[path.index(after: slash)...]))
}
