import Glibc

extension CurveKeyPair {
  /// Writes the pair to a new file that only its owner may read (mode 0600). An existing file is never overwritten:
  /// it may be somebody's only copy.
  public func save(to path: String) throws(ZeroMQError) {
    let doing = "writing the key file \(path)"
    let text = """
      # Elbo key pair (CURVE). Keep this file to yourself; the public key may go anywhere.
      public \(publicKey)
      secret \(secretHexadecimal)

      """
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw ZeroMQError(
        .badKey, doing: doing, reason: String(cString: strerror(errno)),
        advice: errno == EEXIST ? "move the old one away, or choose another name" : "check the folder")
    }
    var failure: Int32?
    // The mode of open() is narrowed by the umask, never widened; say it again for an umask that takes too much.
    if fchmod(descriptor, 0o600) != 0 { failure = errno }
    var rest = Array(text.utf8)[...]
    while failure == nil, !rest.isEmpty {
      let written = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if written > 0 {
        rest = rest.dropFirst(written)
      } else if errno != EINTR {
        failure = errno
      }
    }
    if failure == nil, fsync(descriptor) != 0 { failure = errno }
    close(descriptor)
    if let failure {
      unlink(path)
      throw ZeroMQError(.badKey, doing: doing, reason: String(cString: strerror(failure)))
    }
  }

  /// Reads a file that `save` wrote. A file that others can read is refused: its secret is none.
  public init(contentsOf path: String) throws(ZeroMQError) {
    let doing = "reading the key file \(path)"
    let (text, mode) = try KeyFile.content(path, doing: doing)
    guard mode & 0o077 == 0 else {
      throw ZeroMQError(
        .badKey, doing: doing,
        reason: "others on this machine may read or change it (mode \(String(mode & 0o777, radix: 8)))",
        advice: "chmod 600 \(path), and make a new pair if somebody may have read it")
    }
    var values: [Substring: Substring] = [:]
    for line in KeyFile.lines(text) {
      let words = line.split(separator: " ")
      if words.count == 2 { values[words[0]] = words[1] }
    }
    guard let secret = values["secret"], let pair = try CurveKeyPair(secretHexadecimal: secret) else {
      throw ZeroMQError(
        .badKey, doing: doing, reason: "no line 'secret' with 64 hexadecimal digits", advice: "make one: elbo keys")
    }
    guard let publicKey = values["public"].flatMap({ CurvePublicKey(hexadecimal: $0) }), publicKey == pair.publicKey
    else {
      throw ZeroMQError(
        .badKey, doing: doing, reason: "its public key does not belong to its secret one", advice: "make a new pair")
    }
    self = pair
  }
}

enum KeyFile {
  /// Content and mode. Key files are small; larger ones are mistakes.
  static func content(_ path: String, doing: String) throws(ZeroMQError) -> (text: String, mode: mode_t) {
    let limit = 1 << 20
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw ZeroMQError(
        .badKey, doing: doing, reason: String(cString: strerror(errno)), advice: "make a pair of keys: elbo keys")
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw ZeroMQError(.badKey, doing: doing, reason: "not a file")
    }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while bytes.count <= limit {
      let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw ZeroMQError(.badKey, doing: doing, reason: String(cString: strerror(errno))) }
      if count == 0 { break }
      bytes += buffer[..<count]
    }
    guard bytes.count <= limit, let text = String(validating: bytes, as: UTF8.self) else {
      throw ZeroMQError(.badKey, doing: doing, reason: "not a text file of keys")
    }
    return (text, status.st_mode)
  }

  /// Lines with content, counted from 1; `#` begins a comment.
  static func numberedLines(_ text: String) -> [(Int, Substring)] {
    text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated().compactMap { index, line in
      let content = line.prefix { $0 != "#" }
      return content.contains { $0 != " " } ? (index + 1, content) : nil
    }
  }

  static func lines(_ text: String) -> [Substring] { numberedLines(text).map(\.1) }
}
