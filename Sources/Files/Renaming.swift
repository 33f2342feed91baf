import CFiles
import Glibc

/// Renames files and folders.
public enum Renaming {
  /// Gives a file or a folder another name. A file or an empty folder of that name is replaced.
  public static func move(_ path: String, to target: String) throws(FileError) {
    guard rename(path, target) == 0 else { throw FileError("write", target, systemError: errno) }
  }

  /// Exchanges two files or folders in one step, so that each name is there at every moment.
  /// - Returns: false, and nothing changed, on a file system that cannot do that.
  public static func exchange(_ path: String, _ other: String) throws(FileError) -> Bool {
    if elbo_files_exchange(path, other) == 0 { return true }
    switch errno {
    case EINVAL, ENOSYS, ENOTSUP, EOPNOTSUPP: return false
    default: throw FileError("write", other, systemError: errno)
    }
  }
}
