import Messages
import ZeroMQ

extension Coordinator {
  /// Reports the status, on the coordinator's thread. From any thread; a closed coordinator does not answer.
  public nonisolated func tellStatus(_ heard: @escaping @Sendable (StatusReply) -> Void) {
    context.executor.run { [self] in heard(assumeIsolated { $0.status(.now) }) }
  }

  func status(_ now: Timestamp) -> StatusReply {
    let nodes = membership.statuses(now: now)
    let members = nodes.filter { $0.state == .member || $0.state == .suspect || $0.state == .stuck }
    let leader = members.max { $0.position < $1.position }
    let heartbeat = leader.flatMap { membership.heartbeat(of: $0.node) }
    let rate = heartbeat?.examplesPerSecond ?? 0
    let running = progress.runningSince.map { Double((now - $0).nanoseconds) / 1e9 } ?? 0
    let stepSeconds = Double(heartbeat?.stepMicroseconds ?? 0) / 1e6
    let left = Double(configuration.steps - Int(progress.furthest.step))
    let (state, explanation) = jobState(nodes, now: now, stepSeconds: stepSeconds)
    return StatusReply(
      job: JobStatus(
        recipe: configuration.name, state: state, job: job, position: progress.furthest,
        steps: UInt64(configuration.steps), shards: configuration.shards, objective: heartbeat?.objective ?? .nan,
        examplesPerSecond: rate, secondsRunning: running, secondsLeft: stepSeconds > 0 ? left * stepSeconds : .nan,
        view: membership.view?.number ?? .none, viewChanges: membership.viewChanges,
        coordinatorRestarts: UInt32(clamping: epoch.rawValue - 1), refusedMessages: strangers.refused,
        explanation: explanation, build: configuration.build),
      nodes: nodes, help: helped.statuses(now: now))
  }

  private func jobState(_ nodes: [NodeStatus], now: Timestamp, stepSeconds: Double) -> (JobState, String) {
    if let stop = membership.stop {
      switch stop.reason {
      case .completed: return (.finished, "")
      case .asked: return (.stopped, stop.explanation)
      case .failed: return (.failed, stop.explanation)
      }
    }
    guard membership.view != nil else {
      let ready = nodes.count { $0.state == .joining }
      let left = membership.timeToStart(now: now).map { "; the training begins with those in \($0.wholeSeconds) s" }
      return (.waiting, "\(ready) of \(configuration.expectedNodes) nodes are there\(left ?? "")")
    }
    if let stuck = nodes.first(where: { $0.state == .stuck }) {
      return (.stalled, "\(stuck.node) (\(stuck.name)) is alive and does not get on")
    }
    let links = membership.linkTrouble(now: now)
    let still = Double(progress.stillness(now: now).nanoseconds) / 1e9
    if still > max(10, 10 * stepSeconds) {
      let waits = nodes.compactMap { node in node.waits.first.map { "\(node.node) waits for \($0.node)'s \($0.cause)" }
      }
      return (.stalled, "nothing has moved for \(Int(still)) s" + ((links ?? waits.first).map { "; " + $0 } ?? ""))
    }
    return (.running, [troubles, links].compactMap { $0 }.joined(separator: "; "))
  }
}

extension Coordinator {
  /// Says, now and then, how long the training still waits for nodes that were expected.
  func countDown() {
    let now = Timestamp.now
    guard membership.stop == nil, let left = membership.timeToStart(now: now),
      countingDown.isDue(every: .seconds(10), now: now)
    else { return }
    let ready = membership.statuses(now: now).count { $0.state == .joining }
    continuation.yield(
      .note(
        "\(ready) of \(configuration.expectedNodes) nodes are there; the training waits \(left.wholeSeconds) s for the others, "
          + "then it begins without them"))
  }
}

extension Duration {
  fileprivate var wholeSeconds: Int { (milliseconds + 999) / 1000 }
}

extension Membership {
  func heartbeat(of node: NodeNumber) -> Heartbeat? { records[node]?.heartbeat }
}
