import Datasets
import Foundation
import Testing

private struct GoldenFiles: Decodable {
  struct Array: Decodable {
    let shape: [Int]
    let type: String
    let values: [Double]
  }

  let arrays: [String: Array]
  let refused: [String]

  static let all = try! JSONDecoder().decode(
    GoldenFiles.self, from: Data(contentsOf: URL(fileURLWithPath: "\(golden)/files.json")))
}

@Suite struct NPYTests {
  @Test(arguments: GoldenFiles.all.arrays.keys.sorted())
  func readsWhatNumpyWrites(_ name: String) throws {
    let expected = try #require(GoldenFiles.all.arrays[name])
    let examples = try NPY.examples("\(golden)/\(name)")
    #expect(examples.count == expected.shape[0])
    let exampleShape = Array(expected.shape.dropFirst())
    #expect(examples.shape == (exampleShape.isEmpty ? [1] : exampleShape))
    #expect(examples.elements == expected.values)
    let kind: ElementKind =
      switch expected.type {
      case "bool", "uint8": .uint8
      case "int8", "int16", "uint16", "float16", "float32": .float32
      default: .float64
      }
    #expect(examples.kind == kind)
  }

  @Test func goldenFilesCoverEveryScalarType() {
    let types = Set(GoldenFiles.all.arrays.values.map(\.type))
    #expect(types == Set(ScalarType.allCases.map(\.rawValue)))
  }

  @Test("Empty arrays and arrays of unsupported kinds are refused", arguments: GoldenFiles.all.refused)
  func refuses(_ name: String) throws {
    let error = #expect(throws: DataError.self) { try NPY.examples("\(golden)/\(name)") }
    #expect(error?.code == (name == "refused_empty.npy" ? .empty : .unsupported))
    if name == "refused_objects.npy" { #expect(error?.problem.contains("pickle") == true) }
  }

  @Test func writesByteForByteWhatNumpyWrites() throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/x.npy"
    let halves = (0..<24).map { Float($0) * 0.5 - 3 }
    try NPY.write(halves, shape: [4, 3, 2], to: path)
    #expect(try contents(path) == contents("\(golden)/f4_little.npy"))
    try NPY.write((0..<24).map { Int64($0) - 11 }, shape: [4, 3, 2], to: path)
    #expect(try contents(path) == contents("\(golden)/i8_little.npy"))
    try NPY.write((0..<5).map { Float($0) }, shape: [5], to: path)
    #expect(try contents(path) == contents("\(golden)/f4_one_axis.npy"))
    try NPY.write((0..<24).map { UInt8($0) }, shape: [4, 3, 2], to: path)
    #expect(try contents(path) == contents("\(golden)/u1.npy"))
    try NPY.write([3.0], shape: [], to: path)
    #expect(try contents(path) == contents("\(golden)/refused_single.npy"))
    #expect(try folder.names == ["x.npy"])
  }

  @Test func mapsLargeFilesAndStillReadsThem() throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/x.npy"
    let values = (0..<100_000).map(Double.init)
    try NPY.write(values, shape: [10_000, 10], to: path)
    let mapped = try NPY.read(path, mapsFrom: 1).examples()
    #expect(mapped.isMapped && mapped.elements == values)
    #expect(try !NPY.examples(path).isMapped)
    // Pages given back come back.
    mapped.releaseResident(0..<mapped.count)
    #expect(mapped.elements == values)
    #expect(mapped[3..<5].elements == Array(values[30..<50]))
    mapped[3..<9000].releaseResident(0..<8000)
    #expect(mapped.elements == values)
  }

  @Test("Labels are class indices in a vector or in one column; other numbers and shapes are refused")
  func labels() throws {
    #expect(try NPZ("\(golden)/stored.npz").labels("y") == [0, 2, 1, 2])
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/y.npy"
    try NPY.write([Float(1), 0], shape: [2, 1], to: path)
    #expect(try NPY.labels(path) == [1, 0])
    let bad: [Float] = [-1, 0.5, .nan, .infinity, 2e6]
    for value in bad {
      try NPY.write([value, 0], shape: [2], to: path)
      #expect(throws: DataError.self, "\(value)") { try NPY.labels(path) }
    }
    try NPY.write([Float(1), 0], shape: [1, 2], to: path)
    #expect(throws: DataError.self) { try NPY.labels(path) }
  }

  @Test(arguments: [
    // Each header is almost right.
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)", "{'descr': '<f4', 'fortran_order': False, }",
    "{'descr': '<f4', 'fortran_order': 0, 'shape': (2,), }", "{'descr': '<f4', 'fortran_order': False, 'shape': 2, }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': True, }",
    "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), } x",
    "{'descr': '<f3', 'fortran_order': False, 'shape': (2,), }",
    "{'descr': '|f4', 'fortran_order': False, 'shape': (2,), }",
    "{'descr': '', 'fortran_order': False, 'shape': (2,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387905, 4), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, "
      + "1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2), }",
    "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", "{}", "", "[]", "{'descr", "{'descr': [[['",
  ])
  func refusesHeader(_ header: String) {
    let file = npy(header, [UInt8](repeating: 0, count: 8))
    #expect(throws: DataError.self) { try NPY.parse(guarded(file), place: DataPlace(file: "x")) }
  }

  @Test func acceptsTheHeadersOfOtherWriters() throws {
    for header in [
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2L,), }\n",
      "{\"shape\":(2,),\"fortran_order\":True,\"descr\":'=f4'}",
      "{ 'shape' : ( 2 , ) , 'fortran_order' : False , 'descr' : '<f4' }   \n",
    ] {
      let file = npy(header, littleEndian(Float(1.5).bitPattern) + littleEndian(Float(-2).bitPattern))
      #expect(try NPY.parse(guarded(file), place: DataPlace(file: "x")).examples().elements == [1.5, -2])
    }
  }

  @Test func refusesTooMuchAndTooLittle() throws {
    for size in [0, 4, 7, 9, 12] {
      let file = npy(descr: "<f4", shape: "(2,)", [UInt8](repeating: 0, count: size))
      let error = #expect(throws: DataError.self) { try NPY.parse(guarded(file), place: DataPlace(file: "x")) }
      #expect(error?.code == .damaged)
      #expect(error?.problem == "the header says shape [2] of float32, but \(size) bytes follow")
    }
  }

  @Test func halfPrecisionAgreesWithTheStandardLibrary() throws {
    // Every one of the 65,536 numbers, through a file.
    let data = (0...UInt16.max).flatMap { littleEndian($0) }
    let read = try NPY.parse(guarded(npy(descr: "<f2", shape: "(65536,)", data)), place: DataPlace(file: "x"))
    let values = try read.examples().elements
    var wrong = 0
    for bits in 0...UInt16.max {
      let expected = Double(Float16(bitPattern: bits))
      let value = values[Int(bits)]
      if !(value == expected || value.isNaN && expected.isNaN) || value.sign != expected.sign && !value.isNaN {
        wrong += 1
      }
    }
    #expect(wrong == 0)
  }
}

@Suite struct NPZTests {
  @Test func readsStoredAndDeflated() throws {
    let expected = try #require(GoldenFiles.all.arrays["f4_little.npy"])
    let stored = try NPZ("\(golden)/stored.npz")
    #expect(stored.keys == ["x", "y"])
    #expect(try stored.examples("x").elements == expected.values)
    let deflated = try NPZ("\(golden)/deflated.npz")
    #expect(deflated.keys == ["x_train", "y_train", "x_test", "y_test"])
    #expect(try deflated.examples("x_train").elements == expected.values)
    #expect(try deflated.examples("x_test").elements == expected.values.prefix(12).map { $0 * 2 })
    let error = #expect(throws: DataError.self) { try stored.examples("z") }
    #expect(error?.code == .notFound && error?.advice == "it holds 'x', 'y'")
  }

  private static let member = npy(descr: "|u1", shape: "(3,)", [7, 8, 9])

  @Test(arguments: [false, true], [UInt16(0), 8])
  func readsWideSizes(wide: Bool, method: UInt16) throws {
    let file = zip([("a.npy", Self.member), ("readme.txt", [1]), ("b.npy", Self.member)], wide: wide, method: method)
    let archive = try NPZ(guarded(file), place: DataPlace(file: "x"))
    #expect(archive.keys == ["a", "b"])
    #expect(try archive.examples("b").elements == [7, 8, 9])
  }

  @Test func refusesOtherKindsOfArchive() throws {
    func code(_ file: [UInt8]) -> DataError.Code? {
      #expect(throws: DataError.self) {
        try NPZ(guarded(file), place: DataPlace(file: "x")).examples("a")
      }?.code
    }
    let good = zip([("a.npy", Self.member)])
    let directory = good.count - 22 - 46 - 5
    var encrypted = good
    encrypted[directory + 8] |= 1
    #expect(code(encrypted) == .unsupported)
    #expect(code(zip([("a.npy", Self.member)], method: 12)) == .unsupported)
    var checksum = good
    checksum[directory + 16] ^= 1
    #expect(code(checksum) == .damaged)
    #expect(code(zip([("a.npy", Self.member), ("a.npy", Self.member)])) == .damaged)
    var split = good
    split[good.count - 22 + 4] = 1
    #expect(code(split) == .unsupported)
    #expect(code(Array(good.dropLast())) == .damaged)
    #expect(code(zip([])) == .notFound)
  }

  @Test func refusesABombBeforeTakingMemory() throws {
    // The directory promises 4 TiB of zeros from a few bytes.
    var file = zip([("a.npy", Self.member)], wide: true, method: 8)
    let size = littleEndian(UInt64(Self.member.count))
    let promised = littleEndian(UInt64(4) << 40)
    for start in file.indices.dropLast(8) where Array(file[start..<start + 8]) == size {
      file.replaceSubrange(start..<start + 8, with: promised)
    }
    let error = #expect(throws: DataError.self) {
      try NPZ(guarded(file), place: DataPlace(file: "x")).examples("a")
    }
    #expect(error?.code == .damaged && error?.problem.contains("cannot hold") == true)
  }

  @Test func writerRoundTripsAndIsReproducible() throws {
    let folder = try TemporaryFolder()
    func write(_ name: String) throws -> [UInt8] {
      let path = "\(folder.path)/\(name)"
      var writer = try NPZWriter(path)
      try writer.begin("mean", Float.self, shape: [3, 2])
      try writer.append([Float(1), 2])
      try [Float(3), 4, 5, 6].withUnsafeBufferPointer { try writer.append($0) }
      try writer.add("counts", [Int64(-1), 5], shape: [2])
      try writer.add("größe", [2.5], shape: [1])
      try writer.add("index", [Int32(4)], shape: [1])
      #expect(try folder.names.filter { $0.hasSuffix(".npz") }.contains(name) == false)
      try writer.finish()
      return try contents(path)
    }
    #expect(try write("a.npz") == write("b.npz"))
    #expect(try folder.names == ["a.npz", "b.npz"])
    let archive = try NPZ("\(folder.path)/a.npz")
    #expect(archive.keys == ["mean", "counts", "größe", "index"])
    #expect(try archive.examples("mean").elements == [1, 2, 3, 4, 5, 6])
    #expect(try archive.examples("mean").shape == [2])
    #expect(try archive.examples("counts").elements == [-1, 5])
    #expect(try archive.examples("größe").elements == [2.5])
  }

  @Test func aDroppedWriterLeavesNothing() throws {
    let folder = try TemporaryFolder()
    do {
      var writer = try NPZWriter("\(folder.path)/x.npz")
      try writer.add("a", [1.0], shape: [1])
      #expect(try folder.names.count == 1)
    }
    #expect(try folder.names.isEmpty)
  }

  @Test func unwritablePlacesAreErrors() throws {
    let folder = try TemporaryFolder()
    for path in ["\(folder.path)/none/x.npz", folder.path, "/dev/null", "", "\(folder.path)/a\0b"] {
      let error = #expect(throws: DataError.self) { try NPY.write([1.0], shape: [1], to: path) }
      #expect(error?.code == .unwritable)
    }
    #expect(try folder.names.isEmpty)
    // A full disk.
    if FileManager.default.fileExists(atPath: "/dev/full") {
      #expect(throws: DataError.self) { try NPY.write([1.0], shape: [1], to: "/dev/full") }
    }
  }

  @Test func writesThroughALinkWithoutReplacingIt() throws {
    let folder = try TemporaryFolder()
    let target = try folder.write("target.npy", "old")
    try FileManager.default.createSymbolicLink(atPath: "\(folder.path)/link.npy", withDestinationPath: target)
    try NPY.write([2.0], shape: [1], to: "\(folder.path)/link.npy")
    #expect(try NPY.examples(target).elements == [2])
    #expect(try folder.names == ["link.npy", "target.npy"])
  }
}
