import Datasets

// Files made byte by byte, from the formats' descriptions and not with the code under test.

func bigEndian(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }

func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }

func idx(type: UInt8 = 0x08, _ extents: [UInt32], _ data: [UInt8]) -> [UInt8] {
  [0, 0, type, UInt8(extents.count)] + extents.flatMap { bigEndian($0) } + data
}

func npy(_ text: String, version: UInt8 = 1, _ data: [UInt8]) -> [UInt8] {
  let length = version == 1 ? littleEndian(UInt16(text.utf8.count)) : littleEndian(UInt32(text.utf8.count))
  return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + Array(text.utf8) + data
}

func npy(descr: String, shape: String, fortran: Bool = false, _ data: [UInt8]) -> [UInt8] {
  npy("{'descr': '\(descr)', 'fortran_order': \(fortran ? "True" : "False"), 'shape': \(shape), }\n", data)
}

/// CRC-32, bit by bit (RFC 1952, section 8).
func slowChecksum(_ bytes: [UInt8]) -> UInt32 {
  var sum = ~UInt32(0)
  for byte in bytes {
    sum ^= UInt32(byte)
    for _ in 0..<8 { sum = sum & 1 == 1 ? (sum >> 1) ^ 0xedb8_8320 : sum >> 1 }
  }
  return ~sum
}

/// Deflate data of stored blocks only (RFC 1951, 3.2.4).
func storedDeflate(_ bytes: [UInt8]) -> [UInt8] {
  var result: [UInt8] = []
  var rest = bytes[...]
  repeat {
    let block = rest.prefix(0xffff)
    rest = rest.dropFirst(block.count)
    let size = UInt16(block.count)
    result += [rest.isEmpty ? 1 : 0] + littleEndian(size) + littleEndian(~size) + block
  } while !rest.isEmpty
  return result
}

func gzip(_ bytes: [UInt8], deflated: [UInt8]? = nil) -> [UInt8] {
  var file: [UInt8] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]
  file += deflated ?? storedDeflate(bytes)
  file += littleEndian(slowChecksum(bytes))
  file += littleEndian(UInt32(truncatingIfNeeded: bytes.count))
  return file
}

/// A zip archive; method 0 stores, 8 deflates; `wide` puts all sizes and offsets into 64-bit fields.
func zip(_ members: [(name: String, data: [UInt8])], wide: Bool = false, method: UInt16 = 0) -> [UInt8] {
  func small(_ value: Int) -> [UInt8] { littleEndian(UInt16(value)) }
  func narrow(_ value: Int) -> [UInt8] { littleEndian(wide ? UInt32.max : UInt32(value)) }
  func broad(_ value: Int) -> [UInt8] { littleEndian(UInt64(value)) }
  var file: [UInt8] = []
  var directory: [UInt8] = []
  for (name, data) in members {
    let offset = file.count
    let stored = method == 8 ? storedDeflate(data) : data
    var common: [UInt8] = small(20) + small(0) + littleEndian(method) + [0, 0, 33, 0]
    common += littleEndian(slowChecksum(data))
    common += narrow(stored.count) + narrow(data.count)
    common += small(name.utf8.count)
    let sizes: [UInt8] = broad(data.count) + broad(stored.count)
    let localExtra: [UInt8] = wide ? small(1) + small(16) + sizes : []
    file += [0x50, 0x4b, 3, 4] + common + small(localExtra.count)
    file += Array(name.utf8) + localExtra + stored
    // A foreign field stands before the wide one.
    var extra: [UInt8] = []
    if wide {
      extra += small(0x5455) + small(1) + [0]
      extra += small(1) + small(24) + sizes + broad(offset)
    }
    directory += [0x50, 0x4b, 1, 2] + small(20) + common + small(extra.count)
    directory += [UInt8](repeating: 0, count: 10)
    directory += narrow(offset)
    directory += Array(name.utf8) + extra
  }
  let start = file.count
  file += directory
  if wide {
    let end = file.count
    file += [0x50, 0x4b, 6, 6] + broad(44) + small(45) + small(45) + broad(0)
    file += broad(members.count) + broad(members.count)
    file += broad(directory.count) + broad(start)
    file += [0x50, 0x4b, 6, 7] + littleEndian(UInt32(0)) + broad(end) + littleEndian(UInt32(1))
  }
  file += [0x50, 0x4b, 5, 6, 0, 0, 0, 0]
  let count = small(wide ? 0xffff : members.count)
  file += count + count + narrow(directory.count) + narrow(start)
  return file + small(0)
}
