import CZlib

/// Decompresses bytes that lie in memory, piece by piece, through zlib.
///
/// A gzip stream may have several members (RFC 1952); zlib checks each one's CRC-32 and length.
struct Inflater: ~Copyable {
  enum Format {
    case gzip
    /// Bare deflate data, as in zip archives.
    case raw
  }

  /// No deflate stream expands further: a match of 258 bytes takes at least 2 bits.
  static let maximumRatio = 1032

  /// Whether `bytes` begin like a gzip member with the only compression method there is.
  static func isGzip(_ bytes: ByteRegion) -> Bool {
    bytes.copy(from: 0, count: 3) == [0x1f, 0x8b, 8]
  }

  // zlib keeps a pointer back to the stream, which must therefore not move.
  private let stream: UnsafeMutablePointer<z_stream>
  private let input: UnsafeRawBufferPointer
  private let format: Format
  private let place: DataPlace
  /// Bytes of `input` handed to zlib so far.
  private var offered = 0
  private(set) var hasEnded = false

  /// `input` must outlive the inflater.
  init(_ input: UnsafeRawBufferPointer, _ format: Format, place: DataPlace) throws(DataError) {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    self.input = input
    self.format = format
    self.place = place
    // 15: the largest window; + 16: gzip header and trailer; negative: neither.
    let windowBits: Int32 = format == .gzip ? 15 + 16 : -15
    let status = inflateInit2_(stream, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard status == Z_OK else {
      throw DataError(.tooLarge, at: place, "no memory for decompression", advice: "free some memory")
    }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// Fills `output`, or as much of it as there is before the end; returns the number of bytes.
  mutating func read(into output: UnsafeMutableRawBufferPointer) throws(DataError) -> Int {
    var produced = 0
    while produced < output.count && !hasEnded {
      offerInput()
      let room = UInt32(min(output.count - produced, Int(Int32.max)))
      stream.pointee.next_out = (output.baseAddress! + produced).assumingMemoryBound(to: UInt8.self)
      stream.pointee.avail_out = room
      let status = inflate(stream, Z_NO_FLUSH)
      produced += Int(room - stream.pointee.avail_out)
      switch status {
      case Z_OK:
        break
      case Z_STREAM_END:
        try endMember()
      case Z_BUF_ERROR where stream.pointee.avail_in == 0 && offered == input.count:
        throw DataError(
          .damaged, at: here, "the compressed data ends too early (truncated)", advice: "fetch or write the file again")
      case Z_BUF_ERROR:
        break
      case Z_MEM_ERROR:
        throw DataError(.tooLarge, at: place, "no memory for decompression", advice: "free some memory")
      default:
        let reason = stream.pointee.msg.map { ": " + String(cString: $0) } ?? ""
        throw DataError(
          .damaged, at: here, "the compressed data is damaged\(reason)", advice: "fetch or write the file again")
      }
    }
    return produced
  }

  /// Throws unless everything has been read: decompressed bytes, checksums and, in a zip member, the input itself.
  mutating func expectEnd() throws(DataError) {
    let surplus = try withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) { (one) throws(DataError) in
      try read(into: one)
    }
    guard surplus == 0, hasEnded, unread == 0 else {
      throw DataError(
        .damaged, at: here, "more data than the header says", advice: "fetch or write the file again")
    }
  }

  private var unread: Int { input.count - offered + Int(stream.pointee.avail_in) }

  private var here: DataPlace {
    var here = place
    here.byteOffset = input.count - unread
    return here
  }

  private mutating func offerInput() {
    guard stream.pointee.avail_in == 0, offered < input.count else { return }
    let size = min(input.count - offered, Int(Int32.max))
    let start = (input.baseAddress! + offered).assumingMemoryBound(to: UInt8.self)
    stream.pointee.next_in = UnsafeMutablePointer(mutating: start)
    stream.pointee.avail_in = UInt32(size)
    offered += size
  }

  private mutating func endMember() throws(DataError) {
    guard format == .gzip, unread > 0 else {
      hasEnded = true
      return
    }
    let next = input.count - unread
    guard input[next...].starts(with: [0x1f, 0x8b]) else {
      throw DataError(
        .damaged, at: here, "\(unread) bytes that are no gzip data follow the compressed data",
        advice: "fetch or write the file again")
    }
    inflateReset(stream)
  }
}

extension ByteRegion {
  /// The decompressed bytes of gzip data of unknown size, at most `limit`.
  func gunzipped(place: DataPlace, limit: Int) throws(DataError) -> ByteRegion {
    // The size is found by decompressing once without keeping anything: memory is then taken once and exactly.
    let size = try withUnsafeBytes { (input) throws(DataError) -> Int in
      var inflater = try Inflater(input, .gzip, place: place)
      return try withUnsafeTemporaryAllocation(byteCount: 256 << 10, alignment: 64) { (scratch) throws(DataError) in
        var size = 0
        while !inflater.hasEnded {
          size += try inflater.read(into: scratch)
          guard size <= limit else {
            throw DataError(
              .tooLarge, at: place, "decompresses to more than \(limit) bytes",
              advice: "decompress it and store the numbers as .npy, which is mapped instead of loaded")
          }
        }
        return size
      }
    }
    return try inflated(.gzip, size: size, place: place)
  }

  /// The decompressed bytes, which must be exactly `size`.
  func inflated(_ format: Inflater.Format, size: Int, place: DataPlace) throws(DataError) -> ByteRegion {
    ByteRegion(
      try ByteStorage.allocate(byteCount: size, for: place) { (output) throws(DataError) in
        try withUnsafeBytes { (input) throws(DataError) in
          var inflater = try Inflater(input, format, place: place)
          guard try inflater.read(into: output) == size else {
            throw DataError(
              .damaged, at: place, "holds fewer than the \(size) bytes its header says",
              advice: "fetch or write the file again")
          }
          try inflater.expectEnd()
        }
      })
  }
}
