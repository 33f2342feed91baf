import Datasets
import Foundation
import Testing

/// A folder with the four files of a tiny MNIST: 5 and 3 images of 2×2.
private func mnist(_ name: (String) -> String = { $0 }, zipped: Bool = false) throws -> TemporaryFolder {
  let folder = try TemporaryFolder()
  let files: [(String, [UInt8])] = [
    ("train-images-idx3-ubyte", idx([5, 2, 2], Array(0..<20))), ("train-labels-idx1-ubyte", idx([5], [0, 1, 2, 1, 0])),
    ("t10k-images-idx3-ubyte", idx([3, 2, 2], Array(100..<112))), ("t10k-labels-idx1-ubyte", idx([3], [3, 1, 0])),
  ]
  for (file, bytes) in files { _ = try folder.write(name(file), zipped ? gzip(bytes) : bytes) }
  return folder
}

@Suite struct MNISTFolderTests {
  @Test("An MNIST folder opens with either spelling of its file names, gzipped or not") func opens() throws {
    let spellings: [((String) -> String, Bool)] = [
      ({ $0 }, false), ({ $0 + ".gz" }, true), ({ $0.replacing("-idx", with: ".idx") }, false),
      ({ $0.replacing("-idx", with: ".idx") + ".gz" }, true),
    ]
    for (name, zipped) in spellings {
      let folder = try mnist(name, zipped: zipped)
      let data = try DataSource.open(DataRequest(folder.path) { $0.testFraction = 0.5 })
      #expect(data.train.inputs.elements == (0..<20).map(Double.init) && data.train.inputs.kind == .uint8)
      #expect(data.test?.inputs.elements == (100..<112).map(Double.init) && data.test?.inputs.shape == [2, 2])
      #expect(data.train.labels?.indices == [0, 1, 2, 1, 0] && data.test?.labels?.indices == [3, 1, 0])
      #expect(data.train.labels?.count == 4 && data.test?.labels?.count == 4)
    }
  }

  @Test("An MNIST folder with missing, empty, swapped or mismatched files is refused") func faults() throws {
    func error(_ change: (TemporaryFolder) throws -> Void) throws -> DataError? {
      let folder = try mnist()
      try change(folder)
      return failure(DataRequest(source: folder.path))
    }
    let missing = try error { try FileManager.default.removeItem(atPath: "\($0.path)/t10k-labels-idx1-ubyte") }
    #expect(missing?.code == .notFound && missing?.problem == "no t10k-labels-idx1-ubyte, gzipped or not")
    let counts = try error { _ = try $0.write("train-labels-idx1-ubyte", idx([4], [0, 1, 2, 1])) }
    #expect(counts?.code == .mismatched && counts?.problem == "5 examples but 4 labels")
    let shapes = try error { _ = try $0.write("t10k-images-idx3-ubyte", idx([3, 1, 2], Array(0..<6))) }
    #expect(shapes?.code == .mismatched)
    let empty = try error { _ = try $0.write("train-images-idx3-ubyte", idx([0, 2, 2], [])) }
    #expect(empty?.code == .empty)
    let swapped = try error { _ = try $0.write("train-labels-idx1-ubyte", idx([5, 2, 2], Array(0..<20))) }
    #expect(swapped?.code == .mismatched)
    #expect(try error { _ = try $0.write("train-images-idx3-ubyte", "<html>404</html>") }?.code == .unsupported)
    let folder = try mnist()
    #expect(failure(DataRequest(folder.path) { $0.target = "x" })?.code == .badRequest)
  }

  @Test func fashionMNISTSaysWhichPackage() throws {
    let folder = try TemporaryFolder()
    let error = #expect(throws: DataError.self) {
      try DataSource.open(DataRequest(source: "fashion-mnist"), fashionMNIST: "\(folder.path)/none")
    }
    #expect(error?.code == .notFound)
    #expect(error?.description.contains("sudo apt-get install dataset-fashion-mnist") == true)
    #expect(error?.description.contains("train-images-idx3-ubyte") == true)
  }

  @Test(
    .enabled(
      if: FileManager.default.fileExists(atPath: "/usr/share/datasets/fashion-mnist"),
      "skipped: dataset-fashion-mnist is not installed"))
  func fashionMNIST() throws {
    let data = try DataSource.open(DataRequest(source: "fashion-mnist"))
    #expect(data.description == "fashion-mnist: 60000 train and 10000 test examples of 28×28 uint8, 10 classes")
    let test = try #require(data.test)
    for (set, mean, perClass) in [(data.train, 72.940, 6000), (test, 73.147, 1000)] {
      let sum = set.inputs.withUnsafeBytes { $0.reduce(0) { $0 + Int($1) } }
      #expect(abs(Double(sum) / Double(set.inputs.byteCount) - mean) < 0.01)
      let labels = try #require(set.labels)
      #expect((0..<10).allSatisfy { label in labels.indices.count { $0 == label } == perClass })
      #expect(labels.count == 10 && labels.names[9] == "Ankle boot")
    }
    // The first image is the boot that every tutorial shows.
    #expect(data.train.labels?.indices[0] == 9)
  }
}

@Suite struct ArraySourceTests {
  @Test func bareNPY() throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/x.npy"
    try NPY.write((0..<40).map(Float.init), shape: [10, 4], to: path)
    let whole = try DataSource.open(DataRequest(source: path))
    #expect(whole.train.count == 10 && whole.test == nil && whole.name == "x")
    let split = try DataSource.open(DataRequest(path) { $0.testFraction = 0.3 })
    let test = try #require(split.test)
    #expect(split.train.count == 7 && test.count == 3)
    let rows = (split.train.inputs.elements + test.inputs.elements).sorted()
    #expect(rows == (0..<40).map(Double.init))
    #expect(split.train.inputs.elements == split.train.inputs.elements.sorted(), "the order stays")
    let tail = try DataSource.open(DataRequest(path) { ($0.testFraction, $0.split) = (0.3, .position) })
    #expect(tail.test?.inputs.elements == (28..<40).map(Double.init))
    for (fraction, code) in [
      (-0.1, DataError.Code.badRequest), (1, .badRequest), (.nan, .badRequest), (0.01, .badRequest),
      (0.99, .badRequest),
    ] {
      #expect(failure(DataRequest(path) { $0.testFraction = fraction })?.code == code)
    }
    #expect(failure(DataRequest(path) { $0.target = "y" })?.code == .badRequest)
    #expect(failure(DataRequest(path) { $0.drop = ["y"] })?.code == .badRequest)
    // By the folder it is alone in.
    #expect(try DataSource.open(DataRequest(source: folder.path)).fingerprint == whole.fingerprint)
  }

  @Test func splitsAreTheDocumentedOnes() throws {
    struct Splits: Decodable {
      struct Split: Decodable {
        let seed: UInt64
        let count: Int
        let order: [UInt32]
      }
      let splits: [Split]
    }
    let file = try Data(contentsOf: URL(fileURLWithPath: "\(golden)/splits.json"))
    for split in try JSONDecoder().decode(Splits.self, from: file).splits {
      #expect(SplitPermutation.indices(count: split.count, seed: split.seed) == split.order)
    }
    #expect(SplitPermutation.indices(count: 0, seed: 1).isEmpty && SplitPermutation.indices(count: 1, seed: 1) == [0])
    let orders = (0..<1000).map { SplitPermutation.indices(count: 20, seed: $0) }
    #expect(Set(orders).count == 1000 && orders.allSatisfy { $0.sorted() == Array(0..<20) })
    // Every element comes to every place equally often: χ² with 399 − 38 degrees of freedom, ± 5 standard deviations.
    var counts = [Int](repeating: 0, count: 400)
    for order in orders { for (place, index) in order.enumerated() { counts[place * 20 + Int(index)] += 1 } }
    let chiSquare = counts.reduce(0.0) { $0 + Double(($1 - 50) * ($1 - 50)) / 50 }
    #expect(abs(chiSquare - 361) < 5 * (2 * 361.0).squareRoot())
  }

  @Test func notFiniteNumbers() throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/x.npy"
    for position in [0, 1023, 1024, 2999] {
      var values = [Float](repeating: 1, count: 3000)
      values[position] = .nan
      try NPY.write(values, shape: [1000, 3], to: path)
      let error = failure(DataRequest(source: path))
      #expect(error?.code == .notFinite)
      #expect(error?.problem == "NaN in example \(position / 3), element \(position % 3)")
      #expect(try DataSource.open(DataRequest(path) { $0.missing = .keep }).train.count == 1000)
      values[position] = -.infinity
      try NPY.write(values.map(Double.init), shape: [1000, 3], to: path)
      #expect(failure(DataRequest(path) { $0.missing = .keep })?.problem.hasPrefix("an infinity in") == true)
    }
  }

  @Test("A target that is NaN is refused whatever is done about missing inputs, and the advice does not speak of that")
  func targetsThatAreNotNumbers() throws {
    let folder = try TemporaryFolder()
    let target = [1.0, .nan].flatMap { littleEndian($0.bitPattern) }
    let file = zip([
      ("x.npy", npy(descr: "|u1", shape: "(2, 1)", [1, 2])), ("y.npy", npy(descr: "<f8", shape: "(2,)", target)),
    ])
    let path = try folder.write("a.npz", file)
    for missing in [MissingRule.error, .keep] {
      let error = failure(DataRequest(path) { $0.missing = missing })
      #expect(error?.code == .notFinite && error?.advice == "correct the array, or leave such examples out")
    }
  }

  @Test("NPZ archives give training and test sets, with the target as classes or as values") func archives() throws {
    let deflated = try DataSource.open(DataRequest(source: "\(golden)/deflated.npz"))
    #expect(deflated.train.count == 4 && deflated.test?.count == 2 && deflated.train.labels?.count == 3)
    #expect(deflated.train.labels?.indices == [0, 2, 1, 2] && deflated.test?.labels?.indices == [0, 2])
    let stored = try DataSource.open(DataRequest("\(golden)/stored.npz") { $0.testFraction = 0.25 })
    #expect(stored.train.count == 3 && stored.test?.count == 1 && stored.targetName == "y")
    let values = try DataSource.open(DataRequest("\(golden)/stored.npz") { $0.targetKind = .values })
    #expect(values.train.labels == nil && values.train.targets?.elements == [0, 2, 1, 2])
    #expect(
      try DataSource.open(DataRequest("\(golden)/stored.npz") { ($0.target, $0.columns) = ("x", ["y"]) })
        .train.targets?.shape == [3, 2])
  }

  /// An archive of inputs and of labels as numpy writes them.
  private func archive(_ type: String, train: [[UInt8]], test: [[UInt8]]) throws -> (TemporaryFolder, DataRequest) {
    func labels(_ bytes: [[UInt8]]) -> [UInt8] { npy(descr: type, shape: "(\(bytes.count),)", Array(bytes.joined())) }
    func inputs(_ count: Int) -> [UInt8] {
      npy(descr: "|u1", shape: "(\(count), 1)", [UInt8](repeating: 7, count: count))
    }
    let folder = try TemporaryFolder()
    let path = try folder.write(
      "a.npz",
      zip([
        ("x_train.npy", inputs(train.count)), ("y_train.npy", labels(train)), ("x_test.npy", inputs(test.count)),
        ("y_test.npy", labels(test)),
      ]))
    return (folder, DataRequest(source: path))
  }

  @Test("Labels may be texts", arguments: ["<U3", ">U3", "|S3"]) func texts(_ type: String) throws {
    func bytes(_ text: String) -> [UInt8] {
      let codes = text.unicodeScalars.map(\.value) + [UInt32](repeating: 0, count: 3 - text.unicodeScalars.count)
      return switch type.first {
      case "<": codes.flatMap { littleEndian($0) }
      case ">": codes.flatMap { bigEndian($0) }
      default: codes.map { UInt8($0) }
      }
    }
    let (folder, request) = try archive(
      type, train: ["dog", "cat", "ox", "dog"].map(bytes), test: ["emu", "cat"].map(bytes))
    let data = try DataSource.open(request)
    #expect(data.train.labels?.names == ["cat", "dog", "emu", "ox"])
    #expect(data.train.labels?.indices == [1, 0, 3, 1] && data.test?.labels?.indices == [2, 0])
    var inputs = request
    (inputs.columns, inputs.target) = (["y_train"], "x_train")
    #expect(failure(inputs)?.problem == "an array of texts")
    withExtendedLifetime(folder) {}
  }

  @Test("Labels may be whole numbers below 0, which are then names") func numbers() throws {
    func bytes(_ value: Int) -> [UInt8] { littleEndian(Int64(value)) }
    let (folder, request) = try archive("<i8", train: [-1, 1, 1].map(bytes), test: [1, -1].map(bytes))
    let data = try DataSource.open(request)
    #expect(data.train.labels?.names == ["-1", "1"] && data.train.labels?.indices == [0, 1, 1])
    // Other data of the same run: its numbers are names too, whichever occur.
    let (other, ones) = try archive("<i8", train: [1, 1].map(bytes), test: [1].map(bytes))
    var known = ones
    known.schema = data.schema
    #expect(try DataSource.open(known).seen(as: data.schema).train.labels?.indices == [1, 1])
    withExtendedLifetime((folder, other)) {}
  }

  @Test("Targets that may be classes are said to be so") func hint() throws {
    let folder = try TemporaryFolder()
    func notes(_ rows: [String], _ change: (inout DataRequest) -> Void = { _ in }) throws -> [String] {
      let path = try folder.write("t.csv", "a,quality\n" + rows.joined(separator: "\n"))
      return try DataSource.open(
        DataRequest(path) {
          $0.target = "quality"
          change(&$0)
        }
      ).notes
    }
    let few = (0..<40).map { "\(sin(Double($0))),\(3 + $0 % 3)" }
    #expect(
      try notes(few) == [
        "target 'quality' has only 3 values, whole numbers from 3 to 5, and is taken as a number; "
          + "--set data.target_kind=classes takes it as a class"
      ])
    #expect(try notes(few) { $0.targetKind = .values } == [] && notes(few) { $0.targetKind = .classes } == [])
    #expect(try notes((0..<40).map { "\(sin(Double($0))),\($0)" }) == [])
    #expect(try notes((0..<40).map { "\(sin(Double($0))),\(Double($0 % 3) + 0.5)" }) == [])
  }

  @Test func archiveKeys() throws {
    let folder = try TemporaryFolder()
    func make(_ keys: [String], _ change: (inout DataRequest) -> Void = { _ in }) throws -> Dataset {
      let path = "\(folder.path)/a.npz"
      var writer = try NPZWriter(path)
      for (index, key) in keys.enumerated() { try writer.add(key, [Float(index), 0], shape: [2]) }
      try writer.finish()
      return try DataSource.open(DataRequest(path, change))
    }
    let medical = try make(["val_images", "test_images", "train_images", "train_labels", "test_labels", "val_labels"])
    #expect(medical.train.inputs.elements == [2, 0] && medical.test?.inputs.elements == [1, 0])
    #expect(medical.train.targets?.elements == [3, 0] && medical.test?.targets?.elements == [4, 0])
    #expect(medical.notes == ["arrays not used: 'val_images', 'val_labels'"])
    #expect(try make(["faces"]).train.count == 2)
    #expect(try make(["X", "Y", "X_test", "Y_test"]).test?.targets?.elements == [3, 0])
    #expect(throws: DataError.self) { try make(["a", "b"]) }
    #expect(throws: DataError.self) { try make(["x", "images"]) }
    #expect(throws: DataError.self) { try make(["x"]) { $0.target = "y" } }
    #expect(throws: DataError.self) { try make(["x", "y"]) { $0.columns = ["x", "y"] } }
    #expect(throws: DataError.self) { try make([]) }
    // Test inputs without test targets.
    #expect(#expect(throws: DataError.self) { try make(["x", "y", "x_test"]) }?.code == .mismatched)
  }
}

@Suite struct TextSourceTests {
  @Test("A text file is a sequence over its sorted characters, and its end becomes the test set")
  func characters() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("song.txt", "\u{feff}la é la!")
    let data = try DataSource.open(DataRequest(path) { $0.testFraction = 0.25 })
    #expect(data.vocabulary == [" ", "!", "a", "l", "é"])
    #expect(data.train.inputs.elements == [3, 2, 0, 4, 0, 3] && data.test?.inputs.elements == [2, 1])
    #expect(data.train.inputs.kind == .uint8)
    let wide = try folder.write(
      "wide.txt", String(String.UnicodeScalarView((0x4e00..<0x5000).map { Unicode.Scalar($0)! })))
    let many = try DataSource.open(DataRequest(source: wide))
    #expect(many.train.inputs.kind == .float32 && many.train.inputs.elements == (0..<512).map(Double.init))
    #expect(many.train.inputs.count == 512 && many.vocabulary?.count == 512)
  }

  @Test func agreesWithTheStandardLibraryOnWhatIsUTF8() throws {
    var generator = SeededGenerator(state: 3)
    let pieces: [[UInt8]] = [
      [0x41], [0xc3, 0xa9], [0xe2, 0x82, 0xac], [0xf0, 0x9f, 0x98, 0x80], [0xed, 0x9f, 0xbf], [0xee, 0x80, 0x80],
      [0xf4, 0x8f, 0xbf, 0xbf], [0xc0, 0x80], [0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xff],
      [0x80], [0xe2, 0x82], [0xf0, 0x80, 0x80, 0x80],
    ]
    for _ in 0..<2000 {
      let count = Int.random(in: 1...4, using: &generator)
      let bytes = (0..<count).flatMap { _ in pieces.randomElement(using: &generator)! }
      let text = String(validating: bytes, as: UTF8.self)
      let request = DataRequest("t.txt") { $0.format = .text }
      let data = try? DataSource.interpret(guarded(bytes), request, path: "t.txt")
      #expect((data == nil) == (text == nil), "\(bytes)")
      #expect(data?.train.count == text?.unicodeScalars.count)
    }
  }

  @Test func namesAndFirstLinesTellTablesFromTexts() throws {
    let folder = try TemporaryFolder()
    #expect(try DataSource.open(DataRequest(source: folder.write("t.txt", "1 2\n3 4\n"))).vocabulary == nil)
    #expect(try DataSource.open(DataRequest(source: folder.write("t.txt", "1 b\n3 4\n"))).vocabulary != nil)
    let table = try folder.write("t.txt", "a b\n3 4\n")
    #expect(try DataSource.open(DataRequest(table) { $0.target = "b" }).targetName == "b")
    #expect(try DataSource.open(DataRequest(table) { $0.format = .table }).columns == ["a", "b"])
    #expect(failure(DataRequest(table) { ($0.format, $0.target) = (.text, "b") })?.code == .badRequest)
    #expect(failure(DataRequest(source: try folder.write("t.xyz", "1 2")))?.code == .unsupported)
    #expect(failure(DataRequest(source: try folder.write("t.txt", "")))?.code == .empty)
  }
}

@Suite struct PathTests {
  @Test("Empty, missing, ambiguous and special paths are refused, and a pipe does not block") func faults() throws {
    let folder = try TemporaryFolder()
    #expect(failure(DataRequest(source: ""))?.code == .badRequest)
    #expect(failure(DataRequest(source: "fashion_mnist"))?.code == .notFound)
    #expect(failure(DataRequest(source: "\(folder.path)/a\nb"))?.code == .notFound)
    #expect(failure(DataRequest(source: "\(folder.path)\0/x"))?.code == .notFound)
    #expect(failure(DataRequest(source: "/dev/zero"))?.code == .unsupported)
    #expect(failure(DataRequest(source: folder.path))?.code == .notFound)
    #expect(failure(DataRequest("x") { $0.skip = -1 })?.code == .badRequest)
    _ = try folder.write("a.csv", "1")
    _ = try folder.write("b.npy", "1")
    #expect(failure(DataRequest(source: folder.path))?.problem == "holds several data files: 'a.csv', 'b.npy'")
    // A pipe without a writer does not hold the program up.
    mkfifo("\(folder.path)/pipe.npy", 0o600)
    #expect(failure(DataRequest(source: "\(folder.path)/pipe.npy"))?.code == .unsupported)
    #expect(#expect(throws: DataError.self) { try NPY.examples("\(folder.path)/pipe.npy") }?.code == .unreadable)
    #expect(#expect(throws: DataError.self) { try NPY.examples("\(folder.path)/none.npy") }?.code == .notFound)
  }
}
