import Datasets
import Foundation
import Testing

/// A new folder for one test, removed with everything in it.
final class TemporaryFolder {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("elbo-datasets-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file into the folder and returns its path.
  func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let file = "\(path)/\(name)"
    try Data(bytes).write(to: URL(fileURLWithPath: file))
    return file
  }

  func write(_ name: String, _ text: String) throws -> String {
    try write(name, Array(text.utf8))
  }

  var names: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
  }
}

func contents(_ path: String) throws -> [UInt8] {
  try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
}

/// The committed files that numpy wrote (scripts/reference/array_files.py).
let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden").path

/// Data beyond what packages bring; nil where it is absent.
let sharedData: String? = {
  let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  let beside = repository.deletingLastPathComponent().appendingPathComponent("shared/data").path
  let path = ProcessInfo.processInfo.environment["ELBO_SHARED_DATA"] ?? beside
  return FileManager.default.fileExists(atPath: path) ? path : nil
}()

extension ExampleArray {
  /// All elements, whatever their kind.
  var elements: [Double] {
    switch kind {
    case .uint8: withUnsafeBufferPointer(as: UInt8.self) { $0.map(Double.init) }
    case .float32: withUnsafeBufferPointer(as: Float.self) { $0.map(Double.init) }
    case .float64: withUnsafeBufferPointer(as: Double.self) { Array($0) }
    }
  }
}

extension DataRequest {
  init(_ source: String, _ change: (inout DataRequest) -> Void) {
    self.init(source: source)
    change(&self)
  }
}

/// The error that opening data throws; nil, and a failure of the test, where it throws none.
func failure(
  _ request: DataRequest, sourceLocation: SourceLocation = #_sourceLocation
) -> DataError? {
  do {
    let data = try DataSource.open(request)
    Issue.record("opened: \(data)", sourceLocation: sourceLocation)
    return nil
  } catch {
    #expect(!error.description.contains("\n"), "one line", sourceLocation: sourceLocation)
    #expect(!error.advice.isEmpty, sourceLocation: sourceLocation)
    return error
  }
}

/// Bytes that end where the next page must not be touched, so that reading beyond them ends the test run.
func guarded(_ bytes: [UInt8]) -> ByteRegion {
  let page = Int(sysconf(Int32(_SC_PAGESIZE)))
  let room = (bytes.count + page - 1) / page * page
  let base = mmap(nil, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)!
  precondition(base != MAP_FAILED)
  mprotect(base + room, page, PROT_NONE)
  let start = base + (room - bytes.count)
  bytes.withUnsafeBytes { start.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(start), byteCount: bytes.count) }
  let buffer = UnsafeRawBufferPointer(start: start, count: bytes.count)
  return ByteRegion(
    ByteStorage(adopting: buffer) {
      munmap(UnsafeMutableRawPointer(mutating: $0.baseAddress! + $0.count - room), room + page)
    })
}

/// Seeded, so that a failure can be had again (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z >> 31
  }
}
