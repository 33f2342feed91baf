import Files

import Datasets
import Testing

@Suite struct HashTests {
  @Test func knownAnswers() {
    // FIPS 180-4 examples.
    #expect(SHA256().hexDigest() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    var hash = SHA256()
    hash.update("abc".utf8)
    #expect(hash.hexDigest() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    var million = SHA256()
    for _ in 0..<1000 { million.update([UInt8](repeating: UInt8(ascii: "a"), count: 1000)) }
    #expect(million.hexDigest() == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test func isAValue() {
    var hash = SHA256()
    hash.update("ab".utf8)
    var copy = hash
    copy.update("x".utf8)
    hash.update("c".utf8)
    #expect(hash.hexDigest() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(hash.hexDigest() == hash.hexDigest() && hash.hexDigest() != copy.hexDigest())
    #expect(hash.digest().count == 32)
  }
}

@Suite struct FingerprintTests {
  private func fingerprint(
    _ values: [Float] = [1, 2, 3, 4], shape: [Int] = [2], labels: ClassLabels? = nil, targets: ExampleArray? = nil,
    test: Bool = false, vocabulary: [String]? = nil
  ) throws -> String {
    let set = try ExampleSet(inputs: ExampleArray(values, shape: shape), labels: labels, targets: targets)
    return try Dataset(name: "x", train: set, test: test ? set : nil, vocabulary: vocabulary).fingerprint
  }

  @Test func everythingAModelSeesChangesIt() throws {
    let numbers = ExampleArray([Float(1), 2], shape: [1])
    let all = try [
      fingerprint(), fingerprint([1, 2, 3, 5]), fingerprint(shape: [1, 2]), fingerprint(shape: [1]),
      fingerprint(test: true), fingerprint(targets: numbers), fingerprint(vocabulary: ["a"]),
      fingerprint(vocabulary: ["b"]), fingerprint(labels: ClassLabels(indices: [0, 1], count: 2)),
      fingerprint(labels: ClassLabels(indices: [0, 1], count: 3)),
      fingerprint(labels: ClassLabels(indices: [1, 0], count: 2)),
      Dataset(name: "x", train: ExampleSet(inputs: ExampleArray([1.0, 2, 3, 4], shape: [2]))).fingerprint,
    ]
    #expect(Set(all).count == all.count)
  }

  @Test func namesDoNotChangeIt() throws {
    let inputs = ExampleArray([Float(1), 2], shape: [1])
    let named = ClassLabels(indices: [0, 1], count: 2, names: ["a", "b"])
    let a = try Dataset(name: "a", train: ExampleSet(inputs: inputs, labels: named), columns: ["x"])
    let b = try Dataset(name: "b", train: ExampleSet(inputs: inputs, labels: ClassLabels(indices: [0, 1], count: 2)))
    #expect(a.fingerprint == b.fingerprint)
    #expect(a.fingerprint == a.fingerprint)
    // Fixed: it is compared between nodes and with runs of earlier days.
    #expect(a.fingerprint == "f6b1718a199f2ed3b9a5d01b0df2ce5f66c3f446fb92ce109fb4d4e3e30807da")
  }
}
