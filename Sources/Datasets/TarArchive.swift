/// Reads tar archives: ustar and pax of POSIX.1-2017 (pax, "Extended Description"), GNU's long names, and the old form.
///
/// Only files and folders are read: links, devices, names that lead elsewhere and sparse files are refused. Members
/// share the archive's bytes.
struct TarArchive {
  private static let blockSize = 512
  /// An archive of more files is none of examples.
  private static let mostMembers = 1 << 22
  /// Longer names and extended headers are none.
  private static let longestHeader = 1 << 20

  private(set) var members: [String: ByteRegion] = [:]
  private var folders: Set<String> = []
  private let file: ByteRegion
  private let place: DataPlace

  /// Whether a file begins with a tar header: its checksum is right.
  static func isTar(_ prefix: [UInt8]) -> Bool {
    prefix.count >= blockSize && Header(Array(prefix[..<blockSize])) != nil
  }

  init(_ file: ByteRegion, place: DataPlace) throws(DataError) {
    self.file = file
    self.place = place
    try read()
    guard !members.isEmpty else {
      throw DataError(.empty, at: place, "holds no files", advice: "pack the folder again")
    }
  }

  /// One header block.
  private struct Header {
    let name: String?
    let size: Int
    let type: UInt8

    /// Nil unless the checksum is right and the size is a number.
    init?(_ block: [UInt8]) {
      let sum = block.enumerated().reduce(0) { $0 + ((148..<156).contains($1.offset) ? 32 : Int($1.element)) }
      guard Header.number(block[148..<156]) == sum, let size = Header.number(block[124..<136]) else { return nil }
      (self.size, type) = (size, block[156])
      // Other forms have other things where ustar has the first part of a long name.
      let isUSTAR = Array(block[257..<263]) == Array("ustar\0".utf8)
      let prefix = isUSTAR ? Header.text(block[345..<500]) : ""
      name = Header.text(block[0..<100]).flatMap { name in prefix.map { $0.isEmpty ? name : "\($0)/\(name)" } }
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String? {
      String(validating: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// Octal digits, or GNU's big-endian number after a byte 0x80.
    private static func number(_ bytes: ArraySlice<UInt8>) -> Int? {
      if bytes.first == 0x80 {
        let digits = bytes.dropFirst()
        guard digits.dropLast(7).allSatisfy({ $0 == 0 }) else { return nil }
        return digits.suffix(7).reduce(0) { $0 << 8 | Int($1) }
      }
      let digits = bytes.drop { $0 == 0x20 }.prefix { (0x30...0x37).contains($0) }
      guard bytes.drop(while: { $0 == 0x20 }).dropFirst(digits.count).allSatisfy({ $0 == 0x20 || $0 == 0 }) else {
        return nil
      }
      return digits.reduce(0) { $0 << 3 | Int($1 - 0x30) }
    }
  }

  /// What extended headers say of the next member.
  private struct Extension {
    var name: String?
    var size: Int?
  }

  private mutating func read() throws(DataError) {
    var position = 0
    var next = Extension()
    while true {
      let block = file.copy(from: position, count: Self.blockSize)
      guard block.count == Self.blockSize else { throw damaged(position, "ends too early (truncated)") }
      guard block.contains(where: { $0 != 0 }) else { break }
      guard let header = Header(block) else { throw damaged(position, "the header of a member is damaged") }
      let size = next.size ?? header.size
      let start = position + Self.blockSize
      guard size <= file.count - start else { throw damaged(position, "ends too early (truncated)") }
      let contents = file[start..<start + size]
      switch header.type {
      case UInt8(ascii: "x"): try extend(&next, contents, position)
      case UInt8(ascii: "L"): next.name = try longName(contents, position)
      case UInt8(ascii: "g"), UInt8(ascii: "K"): break
      default:
        try add(next.name ?? header.name, header.type, contents, position)
        next = Extension()
      }
      // The last block of a member is filled up, also that of the last member.
      position = start + (size + Self.blockSize - 1) / Self.blockSize * Self.blockSize
    }
    // Two blocks of zeros end an archive.
    guard file.copy(from: position, count: 2 * Self.blockSize) == [UInt8](repeating: 0, count: 2 * Self.blockSize)
    else { throw damaged(position, "ends too early (truncated)") }
  }

  private mutating func add(
    _ name: String?, _ type: UInt8, _ contents: ByteRegion, _ position: Int
  ) throws(DataError) {
    guard let name else { throw damaged(position, "the name of a member is not UTF-8") }
    var place = place
    place.byteOffset = position
    func refused(_ problem: String) -> DataError {
      DataError(
        .unsupported, at: place, "'\(name.shortened)' \(problem)",
        advice: "pack files and folders alone, as with: tar --create --dereference --gzip --file NEW.tar.gz FOLDER")
    }
    let parts = name.split(separator: "/", omittingEmptySubsequences: true).map(String.init).filter { $0 != "." }
    guard !name.hasPrefix("/"), !parts.contains(".."), !name.utf8.contains(0) else {
      throw refused("leads out of the archive")
    }
    let path = parts.joined(separator: "/")
    switch type {
    case UInt8(ascii: "5"):
      if !path.isEmpty { folders.insert(path) }
      guard members[path] == nil else { throw refused("is a file and a folder") }
    case UInt8(ascii: "0"), UInt8(ascii: "7"), 0:
      // The old form has no other sign of a folder.
      if name.hasSuffix("/"), contents.count == 0 { return }
      guard !path.isEmpty else { throw refused("is no name of a file") }
      guard !folders.contains(path) else { throw refused("is a file and a folder") }
      for count in 1..<max(parts.count, 1) {
        let folder = parts.prefix(count).joined(separator: "/")
        guard members[folder] == nil else { throw refused("lies in a file") }
        folders.insert(folder)
      }
      guard members.updateValue(contents, forKey: path) == nil else { throw refused("is there twice") }
      guard members.count <= Self.mostMembers else { throw refused("is one file too many") }
    case UInt8(ascii: "1"), UInt8(ascii: "2"): throw refused("is a link")
    case UInt8(ascii: "S"): throw refused("is a sparse file")
    default: throw refused("is a device or something else that is no file")
    }
  }

  private func longName(_ contents: ByteRegion, _ position: Int) throws(DataError) -> String {
    let bytes = try header(contents, position).prefix { $0 != 0 }
    guard let name = String(validating: bytes, as: UTF8.self) else {
      throw damaged(position, "the name of a member is not UTF-8")
    }
    return name
  }

  /// Reads the records of an extended header, `LENGTH KEY=VALUE` and a new line each.
  private func extend(_ next: inout Extension, _ contents: ByteRegion, _ position: Int) throws(DataError) {
    var rest = try header(contents, position)[...]
    while !rest.isEmpty {
      let digits = rest.prefix { $0 != 0x20 }
      guard let length = Int(String(decoding: digits, as: UTF8.self)), length > digits.count + 2, length <= rest.count,
        rest[rest.startIndex + length - 1] == 0x0a
      else { throw damaged(position, "an extended header is damaged") }
      let record = rest.prefix(length - 1).dropFirst(digits.count + 1)
      let key = String(decoding: record.prefix { $0 != UInt8(ascii: "=") }, as: UTF8.self)
      guard let value = String(validating: record.dropFirst(key.utf8.count + 1), as: UTF8.self) else {
        throw damaged(position, "an extended header is not UTF-8")
      }
      if key.hasPrefix("GNU.sparse") { throw damaged(position, "holds a sparse file, which is not read") }
      if key == "path" { next.name = value }
      if key == "size" {
        guard let size = Int(value), size >= 0 else { throw damaged(position, "an extended header is damaged") }
        next.size = size
      }
      rest = rest.dropFirst(length)
    }
  }

  private func header(_ contents: ByteRegion, _ position: Int) throws(DataError) -> [UInt8] {
    guard contents.count <= Self.longestHeader else { throw damaged(position, "an extended header is too long") }
    return contents.copy(from: 0, count: contents.count)
  }

  private func damaged(_ offset: Int, _ problem: String) -> DataError {
    var place = place
    place.byteOffset = offset
    return DataError(.damaged, at: place, problem, advice: "fetch or pack the archive again")
  }
}
