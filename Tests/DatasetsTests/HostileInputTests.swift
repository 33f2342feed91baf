import Datasets
import Foundation
import Testing

/// Small valid files of every kind, under names that decide how texts are read.
private struct Sample: Sendable, CustomTestStringConvertible {
  let name: String
  let bytes: [UInt8]
  var request = DataRequest(source: "sample")
  /// Whether every proper beginning must be refused; a table's beginning can be a table.
  var isSelfDelimiting = true

  var testDescription: String { name }

  static let all: [Sample] = {
    let images = idx([2, 2, 3], Array(0..<12))
    let array = npy(descr: "<f4", shape: "(2, 3)", (0..<6).flatMap { littleEndian(Float($0).bitPattern) })
    let fortran = npy(descr: ">i2", shape: "(2, 3)", fortran: true, (0..<6).flatMap { bigEndian(Int16($0)) })
    let labels = npy(descr: "<i8", shape: "(2,)", littleEndian(Int64(1)) + littleEndian(Int64(0)))
    let members = [("x.npy", array), ("y.npy", labels)]
    let table = Array("id,color,\"the \"\"x\"\"\",y\n1,red,2.5e-1,0\r\n2,\"bl\nue\",NA,1\n3,red,?,1\n".utf8)
    let tableRequest = DataRequest("t.csv") {
      $0.target = "y"
      $0.targetKind = .classes
      $0.oneHot = ["*"]
      $0.missing = .keep
    }
    let plainTable = Array("2,2,ham,spam\n1,2,0\n3,4,1\n".utf8)
    return [
      Sample(name: "images-idx3-ubyte", bytes: images),
      Sample(name: "big-idx", bytes: idx(type: 0x0d, [3], (1...3).flatMap { bigEndian(Float($0).bitPattern) })),
      Sample(name: "images-idx3-ubyte.gz", bytes: gzip(images)),
      Sample(name: "two-members.gz", bytes: gzip(Array(images[..<9])) + gzip(Array(images[9...]))),
      Sample(name: "c.npy", bytes: array), Sample(name: "fortran.npy", bytes: fortran),
      Sample(name: "v2.npy", bytes: npy("{'descr':'|u1','fortran_order':False,'shape':(3,)}", version: 2, [1, 2, 3])),
      Sample(name: "stored.npz", bytes: zip(members)), Sample(name: "deflated.npz", bytes: zip(members, method: 8)),
      Sample(name: "wide.npz", bytes: zip(members, wide: true, method: 8)),
      Sample(name: "numpy.npz", bytes: try! contents("\(golden)/deflated.npz")),
      Sample(name: "t.csv", bytes: table, request: tableRequest, isSelfDelimiting: false),
      Sample(name: "t.csv.gz", bytes: gzip(table), request: tableRequest),
      Sample(name: "counts.csv", bytes: plainTable, isSelfDelimiting: false),
      Sample(name: "w.dat", bytes: Array(" 1 2\n\t3 \"4\"\n5 6".utf8), isSelfDelimiting: false),
      Sample(name: "t.txt", bytes: Array("größe €𝄞".utf8), isSelfDelimiting: false),
    ]
  }()

  /// Opens a variant of the file, which lies before a page that must not be touched. Data that opens is read whole.
  func open(_ bytes: [UInt8]) throws(DataError) {
    let data = try DataSource.interpret(guarded(bytes), request, path: name)
    for set in [data.train, data.test] {
      guard let set else { continue }
      precondition(set.inputs.elements.count == set.count * set.inputs.elementsPerExample)
      precondition(set.labels.map { $0.indices.count == set.count } ?? true)
      precondition(set.targets.map { $0.count == set.count } ?? true)
    }
    _ = data.fingerprint
    _ = data.description
  }
}

/// A file that is not what it says ends in an error, never in a crash: a trap or a touch beyond the end would end the
/// whole test run.
@Suite struct HostileInputTests {
  @Test(arguments: Sample.all)
  fileprivate func sampleIsValid(_ sample: Sample) throws {
    try sample.open(sample.bytes)
  }

  @Test(arguments: Sample.all)
  fileprivate func everyTruncationIsRefused(_ sample: Sample) {
    for length in 0..<sample.bytes.count {
      do {
        try sample.open(Array(sample.bytes[..<length]))
        #expect(!sample.isSelfDelimiting, "the first \(length) bytes of \(sample.name) were taken for the whole")
      } catch {
        #expect(!error.description.contains("\n"))
      }
    }
  }

  @Test(arguments: Sample.all)
  fileprivate func mutationsAreReadOrRefused(_ sample: Sample) {
    var refused = 0
    var changed = 0
    // Every byte to every value that differs in one bit, to the extremes, and by one.
    for position in sample.bytes.indices {
      let byte = sample.bytes[position]
      let values = (0..<8).map { byte ^ 1 << UInt8($0) } + [0, 0x7f, 0x80, 0xff, byte &+ 1, byte &- 1]
      for value in Set(values) where value != byte {
        var variant = sample.bytes
        variant[position] = value
        changed += 1
        do { try sample.open(variant) } catch { refused += 1 }
      }
    }
    #expect(changed > 100 && refused > 0)
  }

  @Test(arguments: Sample.all)
  fileprivate func heavierDamageIsReadOrRefused(_ sample: Sample) {
    var generator = SeededGenerator(state: UInt64(sample.bytes.count))
    for _ in 0..<3000 {
      var variant = sample.bytes
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        guard !variant.isEmpty else { break }
        let position = Int.random(in: 0..<variant.count, using: &generator)
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: variant[position] = UInt8.random(in: 0...255, using: &generator)
        case 1: variant.remove(at: position)
        case 2: variant.insert(sample.bytes.randomElement(using: &generator)!, at: position)
        case 3:
          // Four bytes of a size become extreme.
          for index in position..<min(position + 4, variant.count) {
            variant[index] = Bool.random(using: &generator) ? 0xff : 0
          }
        default:
          // The rest is replaced by another part of the file.
          let other = Int.random(in: 0..<sample.bytes.count, using: &generator)
          variant.replaceSubrange(position..., with: sample.bytes[other...])
        }
      }
      try? sample.open(variant)
    }
  }

  @Test func noiseIsRefused() {
    var generator = SeededGenerator(state: 11)
    for length in 0..<500 {
      let noise = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
      for name in ["a.npy", "a.npz", "a.csv", "a.txt", "a"] {
        for prefix in [[], [0x1f, 0x8b, 8, 0], [0x50, 0x4b, 3, 4], [0, 0, 8, 3], [0x93, 78, 85, 77, 80, 89, 1, 0]]
          as [[UInt8]]
        {
          try? Sample(name: name, bytes: []).open(prefix + noise)
        }
      }
    }
  }
}
