import CZlib

/// Writes films as animated PNG, which browsers play and every other reader of PNG shows the first frame of.
///
/// libpng compresses each frame as a picture of its own; its image data is then put into one file behind the chunks
/// that the PNG specification (third edition, section 11.3.4) adds for animation: `acTL` says how many frames there
/// are, `fcTL` stands before each frame, and `fdAT` holds the image data of each frame but the first.
public enum AnimatedPNG {
  /// A film that is repeated without end, as a file's bytes. The same frames give the same bytes.
  /// - Parameters:
  ///   - frames: at least one; all of one size and one number of channels.
  ///   - rate: frames a second.
  public static func encode(_ frames: [Raster], rate: Int) throws(ImageError) -> [UInt8] {
    guard let first = frames.first else { preconditionFailure("a film has at least one frame") }
    precondition((1...1000).contains(rate), "1 to 1000 frames a second")
    precondition(
      frames.allSatisfy { ($0.width, $0.height, $0.channels) == (first.width, first.height, first.channels) },
      "frames are alike")
    var (file, sequence) = ([UInt8](), UInt32(0))
    for (index, frame) in frames.enumerated() {
      let picture = try PNG.encode(frame)
      let chunks = Chunk.all(of: picture)
      if index == 0 {
        file += picture.prefix(8)
        file += Chunk("IHDR", Array(chunks.first { $0.name == "IHDR" }!.data)).bytes
        file += Chunk("acTL", bigEndian(UInt32(frames.count)) + bigEndian(UInt32(0))).bytes
      }
      // Width, height, offsets; the time is 1 / rate seconds; the frame replaces all of the one before.
      let size =
        bigEndian(UInt32(frame.width)) + bigEndian(UInt32(frame.height)) + bigEndian(UInt32(0)) + bigEndian(UInt32(0))
      file += Chunk("fcTL", bigEndian(sequence) + size + bigEndian(UInt16(1)) + bigEndian(UInt16(rate)) + [0, 0]).bytes
      sequence += 1
      for chunk in chunks where chunk.name == "IDAT" {
        guard index > 0 else {
          file += chunk.bytes
          continue
        }
        file += Chunk("fdAT", bigEndian(sequence) + chunk.data).bytes
        sequence += 1
      }
    }
    return file + Chunk("IEND", []).bytes
  }

  /// A part of a PNG file.
  private struct Chunk {
    let name: String
    let data: [UInt8]

    init(_ name: String, _ data: [UInt8]) { (self.name, self.data) = (name, data) }

    /// Length, name, data, and the check sum of name and data.
    var bytes: [UInt8] {
      let checked = Array(name.utf8) + data
      let sum = checked.withUnsafeBufferPointer { crc32(0, $0.baseAddress, UInt32($0.count)) }
      return bigEndian(UInt32(data.count)) + checked + bigEndian(UInt32(sum))
    }

    /// The chunks of a file that libpng wrote.
    static func all(of file: [UInt8]) -> [Chunk] {
      var (chunks, place) = ([Chunk](), 8)
      while place < file.count {
        let length = file[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
        let name = String(decoding: file[place + 4..<place + 8], as: UTF8.self)
        chunks.append(Chunk(name, Array(file[place + 8..<place + 8 + length])))
        place += length + 12
      }
      return chunks
    }
  }

  private static func bigEndian(_ number: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: number.bigEndian) { Array($0) }
  }
}
