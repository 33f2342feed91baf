import Files
import Foundation
import TestSupport
import Testing

@Suite("Pipes as input") struct PipeTests {
  @Test("A pipe without a writer is an error, and not waited for")
  func nobody() throws {
    let folder = TemporaryFolder()
    let path = folder.path + "/pipe"
    #expect(mkfifo(path, 0o600) == 0)
    let error = #expect(throws: FileError.self) { try InputFile.read(path) }
    #expect(error?.reason == "it is a pipe without a writer")
  }

  @Test("A pipe whose writer takes its time is read to the end")
  func slowWriter() async throws {
    var ends: [CInt] = [0, 0]
    #expect(pipe(&ends) == 0)
    let (reading, writing) = (ends[0], ends[1])
    defer { close(reading) }
    async let bytes = Task.detached { try InputFile.read("/dev/fd/\(reading)") }.value
    Thread {
      for byte in [UInt8](0..<100) { _ = withUnsafeBytes(of: byte) { write(writing, $0.baseAddress, 1) } }
      close(writing)
    }.start()
    #expect(try await bytes == [UInt8](0..<100))
  }
}
