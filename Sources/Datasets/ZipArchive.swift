import CZlib

/// Reads zip archives (PKWARE APPNOTE.TXT 6.3): stored and deflated members, sizes of 32 and 64 bits. The central
/// directory is believed, after every offset and size in it has been checked against the file.
struct ZipArchive {
  struct Member {
    let name: String
    let isDeflated: Bool
    let checksum: UInt32
    let compressedSize: Int
    let size: Int
    let headerOffset: Int
  }

  let members: [Member]
  private let file: ByteRegion
  private let place: DataPlace
  /// Where the central directory begins: members lie before it.
  private let directoryOffset: Int

  /// A larger directory, of some million members, is none of an array archive's.
  private static let maximumDirectorySize = 64 << 20

  static func isZip(_ prefix: [UInt8]) -> Bool {
    prefix.starts(with: [0x50, 0x4b, 3, 4]) || prefix.starts(with: [0x50, 0x4b, 5, 6])
  }

  init(_ file: ByteRegion, place: DataPlace) throws(DataError) {
    self.file = file
    self.place = place
    let end = try Self.findEnd(file, place)
    guard end.size <= file.count, end.offset <= file.count - end.size else {
      throw Self.damaged("the zip directory lies beyond the end", place)
    }
    directoryOffset = end.offset
    let directory = file.copy(from: end.offset, count: end.size)
    var members: [Member] = []
    var names: Set<String> = []
    var position = 0
    for _ in 0..<end.memberCount {
      let (member, length) = try Self.member(directory, at: position, place)
      guard names.insert(member.name).inserted else {
        throw Self.damaged("two members are named '\(member.name.shortened)'", place)
      }
      members.append(member)
      position += length
    }
    self.members = members
  }

  /// A member's bytes, decompressed, with their checksum verified; a copy, aligned for every number type.
  func contents(of member: Member) throws(DataError) -> ByteRegion {
    var place = place
    place.member = member.name
    let local = file.copy(from: member.headerOffset, count: 30)
    guard local.littleEndian(at: 0, size: 4) == 0x0403_4b50, let nameSize = local.littleEndian(at: 26, size: 2),
      let extraSize = local.littleEndian(at: 28, size: 2)
    else {
      throw Self.damaged("its header is not where the zip directory says", place)
    }
    let start = member.headerOffset + 30 + Int(nameSize) + Int(extraSize)
    guard start <= directoryOffset, member.compressedSize <= directoryOffset - start else {
      throw Self.damaged("its \(member.compressedSize) bytes do not fit into the file", place)
    }
    let stored = file[start..<start + member.compressedSize]
    let contents: ByteRegion
    if member.isDeflated {
      guard member.size / Inflater.maximumRatio <= member.compressedSize else {
        throw Self.damaged(
          "\(member.compressedSize) compressed bytes cannot hold the \(member.size) bytes the directory says", place)
      }
      contents = try stored.inflated(.raw, size: member.size, place: place)
    } else {
      guard member.size == member.compressedSize else {
        throw Self.damaged("a stored member with two different sizes", place)
      }
      contents = ByteRegion(
        try ByteStorage.allocate(byteCount: member.size, for: place) { (target) throws(DataError) in
          stored.withUnsafeBytes { target.copyMemory(from: $0) }
        })
    }
    guard contents.checksum() == member.checksum else {
      throw Self.damaged("its checksum (CRC-32) differs", place)
    }
    return contents
  }

  /// One entry of the central directory and the bytes it takes (APPNOTE 4.3.12).
  private static func member(_ directory: [UInt8], at start: Int, _ place: DataPlace) throws(DataError) -> (Member, Int)
  {
    func field(_ offset: Int, _ size: Int) throws(DataError) -> UInt64 {
      guard let value = directory.littleEndian(at: start + offset, size: size) else {
        throw damaged("the zip directory ends too early", place)
      }
      return value
    }
    guard try field(0, 4) == 0x0201_4b50 else { throw damaged("the zip directory is damaged", place) }
    let flags = try field(8, 2)
    let method = try field(10, 2)
    let checksum = UInt32(try field(16, 4))
    let nameSize = Int(try field(28, 2))
    let extraSize = Int(try field(30, 2))
    let length = 46 + nameSize + extraSize + Int(try field(32, 2))
    guard start + length <= directory.count else { throw damaged("the zip directory ends too early", place) }
    let name = String(decoding: directory[start + 46..<start + 46 + nameSize], as: UTF8.self)
    var place = place
    place.member = name
    guard flags & 1 == 0 else {
      throw DataError(.unsupported, at: place, "is encrypted", advice: "store it without a password")
    }
    guard method == 0 || method == 8 else {
      throw DataError(
        .unsupported, at: place, "compression method \(method) is not read",
        advice: "write the archive with numpy.savez or numpy.savez_compressed")
    }
    var sizes = [try field(24, 4), try field(20, 4), try field(42, 4)]
    let extra = Array(directory[start + 46 + nameSize..<start + 46 + nameSize + extraSize])
    try widen(&sizes, extra, place)
    guard let size = Int(exactly: sizes[0]), let compressed = Int(exactly: sizes[1]),
      let offset = Int(exactly: sizes[2]), offset <= Int.max - (1 << 20)
    else {
      throw damaged("sizes that cannot be", place)
    }
    return (
      Member(
        name: name, isDeflated: method == 8, checksum: checksum, compressedSize: compressed, size: size,
        headerOffset: offset), length
    )
  }

  /// Replaces those of size, compressed size and offset that are all ones by their 64-bit values, which stand in this
  /// order, and only these, in the extra field 1 (APPNOTE 4.5.3).
  private static func widen(_ sizes: inout [UInt64], _ extra: [UInt8], _ place: DataPlace) throws(DataError) {
    guard sizes.contains(0xffff_ffff) else { return }
    var position = 0
    while let tag = extra.littleEndian(at: position, size: 2), let size = extra.littleEndian(at: position + 2, size: 2)
    {
      position += 4
      if tag == 1 {
        let end = position + Int(size)
        for index in sizes.indices where sizes[index] == 0xffff_ffff {
          guard position + 8 <= end, let value = extra.littleEndian(at: position, size: 8) else {
            throw damaged("its 64-bit sizes are missing", place)
          }
          sizes[index] = value
          position += 8
        }
        return
      }
      position += Int(size)
    }
    // Without the extra field, all ones are meant as they stand.
  }

  private struct End {
    let offset: Int
    let size: Int
    let memberCount: Int
  }

  /// Finds the end-of-directory record, which only a comment may follow (APPNOTE 4.3.14–4.3.16).
  private static func findEnd(_ file: ByteRegion, _ place: DataPlace) throws(DataError) -> End {
    let tailStart = max(0, file.count - 22 - 0xffff)
    let tail = file.copy(from: tailStart, count: file.count - tailStart)
    let record = stride(from: tail.count - 22, through: 0, by: -1).first { start in
      tail.littleEndian(at: start, size: 4) == 0x0605_4b50
        && tail.littleEndian(at: start + 20, size: 2) == UInt64(tail.count - start - 22)
    }
    guard let record else { throw damaged("no zip directory at its end (truncated?)", place) }
    var disk = tail.littleEndian(at: record + 4, size: 4)!
    var memberCount = tail.littleEndian(at: record + 10, size: 2)!
    var size = tail.littleEndian(at: record + 12, size: 4)!
    var offset = tail.littleEndian(at: record + 16, size: 4)!
    if memberCount == 0xffff || size == 0xffff_ffff || offset == 0xffff_ffff || disk == 0xffff_ffff {
      let locator = file.copy(from: tailStart + record - 20, count: 20)
      if locator.littleEndian(at: 0, size: 4) == 0x0706_4b50 {
        guard let start = Int(exactly: locator.littleEndian(at: 8, size: 8)!) else {
          throw damaged("the 64-bit zip directory lies beyond the end", place)
        }
        let wide = file.copy(from: start, count: 56)
        guard wide.count == 56, wide.littleEndian(at: 0, size: 4) == 0x0606_4b50 else {
          throw damaged("the 64-bit zip directory is damaged", place)
        }
        disk = wide.littleEndian(at: 16, size: 8)!
        memberCount = wide.littleEndian(at: 32, size: 8)!
        size = wide.littleEndian(at: 40, size: 8)!
        offset = wide.littleEndian(at: 48, size: 8)!
      }
    }
    guard disk == 0 else {
      throw DataError(.unsupported, at: place, "is one part of a split archive", advice: "join the parts")
    }
    // An entry takes at least 46 bytes, which bounds the count before anything is allocated for it.
    guard let offset = Int(exactly: offset), let size = Int(exactly: size), size <= maximumDirectorySize,
      memberCount <= UInt64(size / 46)
    else {
      throw damaged("the zip directory is damaged", place)
    }
    return End(offset: offset, size: size, memberCount: Int(memberCount))
  }

  private static func damaged(_ problem: String, _ place: DataPlace) -> DataError {
    DataError(.damaged, at: place, problem, advice: "fetch or write the archive again")
  }
}

extension ByteRegion {
  /// CRC-32 as zip and gzip use it.
  func checksum() -> UInt32 {
    withUnsafeBytes { crc32(of: $0, continuing: 0) }
  }
}

/// The CRC-32 of bytes that follow those whose CRC-32 is `start` (0 at the beginning).
func crc32(of bytes: UnsafeRawBufferPointer, continuing start: UInt32) -> UInt32 {
  guard let base = bytes.baseAddress else { return start }
  return UInt32(crc32_z(UInt(start), base.assumingMemoryBound(to: UInt8.self), bytes.count))
}

extension ZipArchive {
  /// What an office program keeps in an archive, in words; nil for other archives.
  var document: String? {
    if members.contains(where: { $0.name.hasPrefix("xl/") }) { return "an Excel workbook" }
    if members.contains(where: { $0.name.hasPrefix("word/") || $0.name.hasPrefix("ppt/") }) {
      return "an Office document"
    }
    return members.contains { $0.name == "content.xml" } ? "an OpenDocument file" : nil
  }
}
