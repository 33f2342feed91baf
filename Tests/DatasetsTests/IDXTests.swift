import Datasets
import Testing

@Suite struct IDXTests {
  private func read(_ bytes: [UInt8]) throws -> ExampleArray {
    try IDX.parse(guarded(bytes), place: DataPlace(file: "x")).examples()
  }

  @Test func readsEveryType() throws {
    let images = try read(idx([2, 2, 3], Array(0..<12)))
    #expect(images.kind == .uint8 && images.count == 2 && images.shape == [2, 3])
    #expect(images.elements == (0..<12).map(Double.init))
    #expect(try read(idx(type: 0x09, [3], [0xff, 0, 5])).elements == [-1, 0, 5])
    #expect(try read(idx(type: 0x0b, [2], bigEndian(Int16(-300)) + bigEndian(Int16(7)))).elements == [-300, 7])
    #expect(try read(idx(type: 0x0c, [1], bigEndian(Int32(-70_000)))).elements == [-70_000])
    #expect(try read(idx(type: 0x0d, [1], bigEndian(Float(1.5).bitPattern))).elements == [1.5])
    #expect(try read(idx(type: 0x0e, [1], bigEndian((-2.25).bitPattern))).elements == [-2.25])
  }

  @Test func readsGzip() throws {
    let file = idx([2, 2, 3], Array(0..<12))
    #expect(try read(gzip(file)).elements == (0..<12).map(Double.init))
    // In two members, cut anywhere.
    for cut in 0...file.count {
      let members = gzip(Array(file[..<cut])) + gzip(Array(file[cut...]))
      #expect(try read(members).elements == (0..<12).map(Double.init))
    }
  }

  @Test func refusesAHeaderThatLies() throws {
    func problem(_ bytes: [UInt8]) -> String? {
      let error = #expect(throws: DataError.self) { try read(bytes) }
      #expect(error?.code == .damaged)
      return error?.problem
    }
    let data = [UInt8](repeating: 1, count: 12)
    for wrap in [{ $0 }, { gzip($0) }] as [([UInt8]) -> [UInt8]] {
      #expect(problem(wrap(idx([3, 2, 3], data)))?.contains("says 18 bytes") == true)
      #expect(problem(wrap(idx([1, 2, 3], data))) != nil)
      // Too much to be there, and more than can be counted.
      #expect(problem(wrap(idx([0xffff_ffff, 0xffff], data))) != nil)
      #expect(
        problem(wrap(idx([0xffff_ffff, 0xffff_ffff, 0xffff_ffff], data)))?.contains("more than can be counted") == true)
    }
  }

  @Test func refusesABombBeforeTakingMemory() throws {
    let bomb = gzip(idx([0xffff_ffff, 0x7fff], []))
    let error = #expect(throws: DataError.self) { try read(bomb) }
    #expect(error?.problem.contains("cannot hold") == true)
  }

  @Test func refusesWhatIsNotIDX() throws {
    let files: [[UInt8]] = [
      [], [0], [0, 0, 8], [0, 0, 7, 1, 0, 0, 0, 0], [1, 0, 8, 1], [0, 0, 8, 0], [0, 0, 8, 200],
    ]
    for file in files {
      #expect(throws: DataError.self) { try read(file) }
      #expect(throws: DataError.self) { try read(gzip(file)) }
    }
    #expect(#expect(throws: DataError.self) { try read(idx([0, 28, 28], [])) }?.code == .empty)
  }

  @Test func refusesDamagedGzip() throws {
    let good = gzip(idx([4], [1, 2, 3, 4]))
    for end in good.indices where end > 2 {
      let error = #expect(throws: DataError.self) { try read(Array(good[..<end])) }
      #expect(error?.code == .damaged)
    }
    for trailing in [[0], [0, 0], [0x1f], [0x1f, 0x8b], Array("garbage".utf8)] as [[UInt8]] {
      #expect(#expect(throws: DataError.self) { try read(good + trailing) }?.code == .damaged)
    }
    for position in good.count - 8..<good.count {
      var wrong = good
      wrong[position] ^= 0x10
      #expect(#expect(throws: DataError.self) { try read(wrong) }?.code == .damaged)
    }
  }
}
