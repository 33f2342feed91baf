import Foundation
import Tensors
import Testing
import Training

@Suite struct SafeTensorsTests {
  private static func folder() throws -> String {
    let path = NSTemporaryDirectory() + "elbo-safetensors-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }

  private static func buffer(_ precision: Precision, from first: Double) -> FlatBuffer {
    var layout = Layout()
    layout.add("encoder.0.weight", [2, 3])
    layout.add("a \"quoted\" name", [5])
    layout.add("scalar", .scalar)
    let buffer = FlatBuffer("parameters", layout, precision: precision)
    for slot in layout.slots {
      for index in slot.range {
        if precision == .float32 {
          buffer.float32[index] = Float(first) + Float(index)
        } else {
          buffer.float64[index] = first + Double(index)
        }
      }
    }
    return buffer
  }

  @Test(arguments: [Precision.float32, .float64])
  func whatIsWrittenIsRead(precision: Precision) throws {
    let folder = try Self.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let buffer = Self.buffer(precision, from: 0.5)
    try SafeTensors.write(folder + "/x.safetensors", plain: [buffer], metadata: ["model": "vae"])
    let contents = try SafeTensors.Contents(folder + "/x.safetensors")
    #expect(contents.metadata == ["model": "vae"])
    let read = Self.buffer(precision, from: 99)
    try contents.fill(read, prefixed: false)
    #expect(read.sha256 == buffer.sha256)
  }

  @Test func theHashIsThatOfTheTensorsOneAfterTheOther() throws {
    var layout = Layout()
    layout.add("a", [3])
    layout.add("b", [1])
    let buffer = FlatBuffer("parameters", layout)
    buffer.float32[0] = 1
    buffer.float32[1] = 2
    buffer.float32[2] = 3
    buffer.float32[layout["b"]!.offset] = 4
    // printf '\x00\x00\x80\x3f\x00\x00\x00\x40\x00\x00\x40\x40\x00\x00\x80\x40' | sha256sum
    #expect(buffer.sha256 == "ad73b9acd6e4a74b2f5bb5386658ce3bb146cd040a1867646ab3b973fb6632b1")
  }

  @Test func anotherShapeNameOrPrecisionIsRefusedAndNothingChanges() throws {
    let folder = try Self.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try SafeTensors.write(folder + "/x.safetensors", plain: [Self.buffer(.float32, from: 1)])
    let contents = try SafeTensors.Contents(folder + "/x.safetensors")
    var other = Layout()
    other.add("encoder.0.weight", [3, 2])
    let buffer = FlatBuffer("parameters", other)
    #expect(throws: TrainingError.self) { try contents.fill(buffer, prefixed: false) }
    #expect(throws: TrainingError.self) { try contents.fill(Self.buffer(.float64, from: 0), prefixed: false) }
    #expect(throws: TrainingError.self) { try contents.fill(Self.buffer(.float32, from: 0), prefixed: true) }
    #expect(buffer.float32.allSatisfy { $0 == 0 })
  }

  @Test func everyTruncationAndThousandsOfMutationsAreReadOrRefused() throws {
    let folder = try Self.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = folder + "/x.safetensors"
    try SafeTensors.write(path, plain: [Self.buffer(.float32, from: 1)], metadata: ["a": "b"])
    let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    func read(_ bytes: [UInt8]) -> Bool {
      try? Data(bytes).write(to: URL(fileURLWithPath: path))
      guard let contents = try? SafeTensors.Contents(path) else { return false }
      try? contents.fill(Self.buffer(.float32, from: 0), prefixed: false)
      return true
    }
    for length in 0..<whole.count { #expect(!read(Array(whole[0..<length])), "\(length) of \(whole.count) bytes") }
    var generator = RandomStream(RandomKey(seed: 11))
    for _ in 0..<2000 {
      var bytes = whole
      for _ in 0...Int(generator.next(below: 2)) {
        bytes[Int(generator.next(below: UInt32(bytes.count)))] = UInt8(generator.next(below: 256))
      }
      _ = read(bytes)
    }
  }
}
