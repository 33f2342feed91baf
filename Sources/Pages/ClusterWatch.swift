import Messages
import Synchronization

/// Has a coordinator of this process say how things are; it may say nothing.
package typealias StatusQuestion = @Sendable (_ heard: @escaping @Sendable (StatusReply) -> Void) -> Void

/// How a training by nodes is, and what has happened to its nodes since the page looks.
final class ClusterWatch: Sendable {
  /// Something that happened, for the time axis.
  struct Mark: Sendable {
    /// Since 1970, in seconds.
    let time: Double
    let step: Int
    let text: String
  }

  struct State: Sendable {
    var reply: StatusReply?
    /// Since when the coordinator does not answer, in seconds since 1970; nil: it does.
    var silentSince: Double?
    var marks: [Mark] = []

    /// Whether the job has ended.
    private var isOver: Bool { reply.map { [.finished, .failed, .stopped].contains($0.job.state) } ?? false }

    /// Takes an answer, or that none came in time.
    mutating func take(_ answer: StatusReply?, at time: Double) {
      guard let answer else {
        if silentSince == nil {
          silentSince = time
          if let reply, !isOver { add("the coordinator does not answer", reply, time) }
        }
        return
      }
      silentSince = nil
      if let before = reply { for text in State.changes(from: before, to: answer) { add(text, answer, time) } }
      reply = answer
    }

    private mutating func add(_ text: String, _ reply: StatusReply, _ time: Double) {
      if marks.count == ClusterWatch.mostMarks { marks.removeFirst() }
      marks.append(Mark(time: time, step: Int(clamping: reply.job.position.step), text: text))
    }

    /// What is worth a mark, in a few words each.
    static func changes(from before: StatusReply, to now: StatusReply) -> [String] {
      var texts: [String] = []
      if now.job.coordinatorRestarts > before.job.coordinatorRestarts { texts.append("the coordinator has restarted") }
      if now.job.state == .stalled, before.job.state != .stalled { texts.append("stalled: \(now.job.explanation)") }
      let known = Dictionary(before.nodes.map { ($0.node, $0) }) { $1 }
      for node in now.nodes {
        let old = known[node.node]
        guard old?.state != node.state || old?.restarts != node.restarts else { continue }
        switch node.state {
        case .lost: texts.append("\(node.name) is lost")
        case .left: texts.append("\(node.name) has left")
        case .stuck: texts.append("\(node.name) is stuck")
        case .member where old == nil || old?.state == .joining: texts.append("\(node.name) takes part")
        case .member where old?.state != .suspect: texts.append("\(node.name) is back")
        case .member, .joining, .suspect: continue
        }
      }
      return texts
    }
  }

  private static let mostMarks = 500

  private let current = Mutex(State())

  var state: State { current.withLock { $0 } }

  /// Takes what a coordinator of this process says.
  func take(_ reply: StatusReply) { current.withLock { $0.take(reply, at: Clock.now) } }

  /// Has a coordinator of this process asked again and again, until the task is cancelled: often, since that costs it next
  /// to nothing, and a short training is over in a second.
  func run(asking ask: StatusQuestion) async {
    while !Task.isCancelled {
      ask { self.take($0) }
      try? await Task.sleep(for: .milliseconds(200))
    }
  }

  /// Asks a coordinator of another process again and again, until the task is cancelled: a run may
  /// be resumed.
  func run(awaiting ask: @Sendable () async -> StatusReply?) async {
    while !Task.isCancelled {
      let answer = await ask()
      current.withLock { $0.take(answer, at: Clock.now) }
      try? await Task.sleep(for: .seconds(1))
    }
  }
}
