import Messages
import Training
import ZeroMQ

extension Node {
  /// Leaves on its own accord. A node that is alone hands its state over first, for which it has the grace; so does the
  /// lowest member, since all of them may have been asked to leave at once.
  public nonisolated func leave(_ explanation: String, grace: Duration) {
    context.executor.run { [self] in
      assumeIsolated { $0.beginLeaving(Leave(reason: .asked, explanation: explanation), grace: grace) }
    }
  }

  /// Ends without a word, as a process does that is killed: for tests.
  package nonisolated func vanish() {
    context.executor.run { [self] in
      assumeIsolated { $0.end(.failure(ClusterError(.unreachable, "this node has vanished"))) }
    }
  }

  func beginLeaving(_ leave: Leave, grace: Duration) {
    guard !isOver, leaving == nil else { return }
    leaving = leave
    guard case .training = stage, let mesh, let exchange else { return end(.success(.left)) }
    Task {
      let isAlone = await mesh.isAlone
      if isAlone || mesh.isScribe {
        // No other node has the state, or will have it.
        leaveAt = .now + grace
        exchange.takeSave()
      } else {
        finishLeaving()
      }
    }
  }

  func finishLeaving() {
    guard !isOver, let leaving else { return }
    for directive in session?.leave(leaving) ?? [] {
      if case .send(let body) = directive { send(body) }
    }
    end(.success(.left))
  }
}
