import Synchronization

/// A model under its name, in the version that is there now.
final class ServedModel: Sendable {
  let name: String
  let path: String
  private let open: @Sendable (String) throws -> ServedVersion
  private let current: Mutex<ServedVersion>
  /// Of what was looked at last, whether it could be opened or not.
  private let seen: Mutex<FileSignature>

  /// - Parameter open: opens what lies under the path.
  init(name: String, path: String, open: @escaping @Sendable (String) throws -> ServedVersion) throws {
    (self.name, self.path, self.open) = (name, path, open)
    seen = Mutex(FileSignature(path))
    current = Mutex(try open(path))
  }

  var version: ServedVersion { current.withLock { $0 } }

  /// What became of a look at the files.
  enum Look { case unchanged, reloaded, kept(any Error) }

  /// Opens the model anew where its files have changed; what cannot be opened leaves the version that is there.
  func look() -> Look {
    let signature = FileSignature(path)
    let isNew = seen.withLock { seen in
      defer { seen = signature }
      return seen != signature
    }
    guard isNew else { return .unchanged }
    do {
      let version = try open(path)
      current.withLock { $0 = version }
      return .reloaded
    } catch {
      return .kept(error)
    }
  }
}
