import Glibc

/// The process's standard error.
public enum StandardError {
  /// Writes lines, in the process's format. What cannot be written is lost: there is no other place to report it.
  public static func write(_ text: String) { writeAsIs(format == .json ? messages(text) : text) }

  static func writeAsIs(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      var rest = UnsafeRawBufferPointer(bytes)
      while !rest.isEmpty {
        let count = systemWrite(STDERR_FILENO, rest.baseAddress, rest.count)
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { return }
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
      }
    }
  }

  /// Whether it is a terminal that can draw a line again.
  public static var isTerminal: Bool {
    guard isatty(STDERR_FILENO) == 1, let kind = getenv("TERM") else { return false }
    let name = String(cString: kind)
    return !name.isEmpty && name != "dumb"
  }

  /// The terminal's columns; 80 when it does not say.
  public static var width: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }
}

/// The C function, under a name that `StandardError.write` does not hide.
private func systemWrite(_ descriptor: CInt, _ start: UnsafeRawPointer?, _ count: Int) -> Int {
  write(descriptor, start, count)
}
