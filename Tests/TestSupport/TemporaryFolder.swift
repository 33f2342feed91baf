import Foundation

/// A new, empty folder that is removed with all it holds when the test is done with it.
public struct TemporaryFolder: ~Copyable, Sendable {
  public let path: String

  public init() {
    var template = Array("/tmp/elbo-test-XXXXXX".utf8CString)
    path = template.withUnsafeMutableBufferPointer { buffer in
      guard let made = mkdtemp(buffer.baseAddress!) else { fatalError("no folder for the test: errno \(errno)") }
      return String(cString: made)
    }
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  /// What lies in the folder, sorted, hidden files too.
  public var names: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
  }
}
