import Files
import HTTPServer
import Reports
import Synchronization

/// Notifies readers of changes: server-sent events, which name runs and say nothing else.
///
/// What is pending for a reader is a set of names, so it does not grow with the time that the reader takes; the server
/// drops a reader that takes nothing for too long.
final class ChangeSignal: Sendable {
  private struct Reader {
    var names: Set<String> = []
    let wake: AsyncStream<Void>.Continuation
  }

  private struct State {
    var readers: [Int: Reader] = [:]
    var count = 0
  }

  private let state = Mutex(State())

  var hasReaders: Bool { state.withLock { !$0.readers.isEmpty } }

  /// Notifies all readers; without names, the event shows that the server lives.
  func post(_ names: Set<String>) {
    state.withLock { state in
      for key in state.readers.keys {
        state.readers[key]!.names.formUnion(names)
        state.readers[key]!.wake.yield()
      }
    }
  }

  /// Writes events until the reader is gone.
  func serve(_ body: BodyWriter) async throws {
    let (waking, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let key = state.withLock { state in
      state.count += 1
      state.readers[state.count] = Reader(wake: wake)
      return state.count
    }
    defer { state.withLock { $0.readers[key] = nil } }
    try await body.write("retry: 2000\n\n")
    for await _ in waking {
      let names = state.withLock { state in
        defer { state.readers[key]?.names = [] }
        return state.readers[key]?.names ?? []
      }
      guard !names.isEmpty else {
        try await body.write(": alive\n\n")
        continue
      }
      // Of very many: all.
      let list = names.count > 100 ? "null" : "[" + names.sorted().map(JSONText.string).joined(separator: ",") + "]"
      try await body.write("event: change\ndata: \(list)\n\n")
    }
  }
}
