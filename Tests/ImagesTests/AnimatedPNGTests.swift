import Images
import Testing

/// The chunks of a file, their check sums computed bit by bit (PNG specification, annex D) and compared.
private func chunks(_ file: [UInt8]) throws -> [(name: String, data: [UInt8])] {
  func number(_ place: Int) -> UInt32 { file[place..<place + 4].reduce(0) { $0 << 8 | UInt32($1) } }
  #expect(file.prefix(8) == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
  var (found, place): ([(name: String, data: [UInt8])], Int) = ([], 8)
  while place < file.count {
    let length = Int(number(place))
    try #require(place + 12 + length <= file.count)
    var sum: UInt32 = .max
    for byte in file[place + 4..<place + 8 + length] {
      sum ^= UInt32(byte)
      for _ in 0..<8 { sum = sum & 1 == 1 ? 0xEDB8_8320 ^ sum >> 1 : sum >> 1 }
    }
    #expect(~sum == number(place + 8 + length))
    let name = String(decoding: file[place + 4..<place + 8], as: UTF8.self)
    found.append((name, Array(file[place + 8..<place + 8 + length])))
    place += 12 + length
  }
  return found
}

@Suite("Films as animated PNG") struct AnimatedPNGTests {
  private func frames(_ count: Int, channels: Int) -> [Raster] {
    (0..<count).map { frame in
      let samples = (0..<9 * 7 * channels).map { UInt8(truncatingIfNeeded: ($0 * 37 + frame * 101) * ($0 + 3)) }
      return Raster(width: 9, height: 7, channels: channels, samples: samples)
    }
  }

  @Test("Chunks, sequence numbers, check sums, and the data of each frame", arguments: [1, 3, 4])
  func structure(channels: Int) throws {
    let frames = frames(3, channels: channels)
    let film = try AnimatedPNG.encode(frames, rate: 25)
    let parts = try chunks(film)
    #expect(parts.map(\.name) == ["IHDR", "acTL", "fcTL", "IDAT", "fcTL", "fdAT", "fcTL", "fdAT", "IEND"])
    #expect(parts[1].data == [0, 0, 0, 3, 0, 0, 0, 0])
    let controls = parts.filter { $0.name == "fcTL" }.map(\.data)
    for (control, sequence) in zip(controls, [0, 1, 3] as [UInt8]) {
      #expect(
        control == [0, 0, 0, sequence, 0, 0, 0, 9, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 25, 0, 0])
    }
    #expect(parts[5].data.prefix(4) == [0, 0, 0, 2] && parts[7].data.prefix(4) == [0, 0, 0, 4])
    // libpng wrote what each frame holds.
    let data = try frames.map { try chunks(PNG.encode($0)).first { $0.name == "IDAT" }!.data }
    #expect([parts[3].data, Array(parts[5].data.dropFirst(4)), Array(parts[7].data.dropFirst(4))] == data)
    #expect(try PNG.decode(film) == frames[0])
    #expect(try AnimatedPNG.encode(frames, rate: 25) == film)
  }

  /// libpng cuts the data of a large picture into several chunks.
  @Test func sequenceNumbersGoOnWithinAFrame() throws {
    // Numbers that do not compress: Marsaglia's xorshift.
    var state: UInt32 = 1
    let samples = (0..<200 * 200).map { _ in
      for (shift, isLeft) in [(13, true), (17, false), (5, true)] as [(UInt32, Bool)] {
        state ^= isLeft ? state << shift : state >> shift
      }
      return UInt8(truncatingIfNeeded: state >> 7)
    }
    let large = Raster(width: 200, height: 200, channels: 1, samples: samples)
    let parts = try chunks(AnimatedPNG.encode([large, large], rate: 10))
    #expect(parts.filter { $0.name == "fdAT" }.count > 1)
    let numbered = parts.filter { ["fcTL", "fdAT"].contains($0.name) }
    #expect(numbered.map { $0.data.prefix(4).reduce(0) { $0 << 8 | Int($1) } } == Array(0..<numbered.count))
    #expect(try PNG.decode(AnimatedPNG.encode([large], rate: 10)) == large)
  }
}
