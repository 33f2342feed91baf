import Glibc

/// Distinguishes a file that was written anew from the one before, without reading it.
package struct FileStamp: Sendable, Hashable {
  private let device: UInt
  private let inode: UInt
  package let size: Int
  private let seconds: Int
  private let nanoseconds: Int

  /// The file's stamp, a symbolic link's that of what it leads to; nil: there is no such file.
  package init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    device = UInt(status.st_dev)
    inode = UInt(status.st_ino)
    size = Int(status.st_size)
    (seconds, nanoseconds) = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
  }
}
