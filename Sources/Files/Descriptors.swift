import Glibc
import Synchronization

/// The open files and connections that the system lets this process have.
public enum Descriptors {
  /// More than this no training needs, and some systems have a limit of a thousand million.
  private static let most: rlim_t = 1 << 20

  /// How many there may be.
  public static var limit: Int {
    var limit = rlimit()
    return getrlimit(resource, &limit) == 0 ? Int(clamping: limit.rlim_cur) : 1024
  }

  /// Whether there may be too few for something, in a line that says what to do: with too few, libraries and the runtime trap.
  public static func shortage(of count: Int) -> String? {
    let limit = limit
    guard limit < count else { return nil }
    return "the limit on open files is \(limit), and \(count) are needed; raise it (ulimit -n)"
  }

  /// Raises the limit as far as the system lets: the usual one of 1024 is soon reached by connections of strangers.
  public static func raiseLimit() {
    var limit = rlimit()
    guard getrlimit(resource, &limit) == 0 else { return }
    let wanted = min(limit.rlim_max, most)
    guard limit.rlim_cur < wanted else { return }
    limit.rlim_cur = wanted
    setrlimit(resource, &limit)
  }

  private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
}

/// Descriptors that are kept open for nothing, so that a file can be written when all others are used up.
public final class SpareDescriptors: Sendable {
  /// A file, the folder that it lies in, and as much again.
  private static let count = 4

  private let spare = Mutex<[CInt]>([])

  public init() { keep() }

  deinit { release() }

  /// Does something that opens files.
  public func lend<Result>(_ body: () throws -> Result) rethrows -> Result {
    release()
    defer { keep() }
    return try body()
  }

  private func release() {
    for descriptor in spare.withLock({ spare in
      defer { spare = [] }
      return spare
    }) { close(descriptor) }
  }

  private func keep() {
    spare.withLock { spare in
      while spare.count < SpareDescriptors.count {
        let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        spare.append(descriptor)
      }
    }
  }
}
