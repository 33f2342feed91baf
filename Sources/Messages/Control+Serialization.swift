import CMessages
import CProtobufC

extension Wait {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__Wait> {
    arena.make(elbo__v1__wait__init) {
      $0.node = node.rawValue
      $0.cause = Elbo__V1__WaitCause(rawValue: cause.rawValue)
    }
  }

  init(_ message: Elbo__V1__Wait) throws(MessageError) {
    self.init(
      node: try Check.node(message.node, "Wait.node"),
      cause: try Check.enumerator(message.cause.rawValue, "Wait.cause"))
  }

  static func list(
    _ waits: UnsafeMutablePointer<UnsafeMutablePointer<Elbo__V1__Wait>?>?, _ count: Int, _ field: String
  ) throws(MessageError) -> [Wait] {
    guard count <= Limits.entries else { throw MessageError(.range, field, "\(count) entries") }
    var result: [Wait] = []
    for index in 0..<count {
      guard let wait = waits?[index] else { throw MessageError(.missing, field, "no entry") }
      result.append(try Wait(wait.pointee))
    }
    return result
  }
}

extension Check {
  /// A count of milliseconds; every value of the wire's type is one.
  static func milliseconds(_ raw: UInt32) -> Int { Int(raw) }
}

extension Arena {
  func milliseconds(_ count: Int) -> UInt32 { UInt32(clamping: count) }
}

extension Heartbeat {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__Heartbeat> {
    arena.make(elbo__v1__heartbeat__init) {
      $0.view = view.rawValue
      $0.sequence = sequence
      $0.position = arena.position(position)
      $0.chain = chain.rawValue
      $0.stage = Elbo__V1__Stage(rawValue: stage.rawValue)
      ($0.shards_done, $0.n_shards_done) = arena.shardSet(shardsDone)
      $0.waits = arena.list(waits.map { $0.message(in: arena) })
      $0.n_waits = waits.count
      $0.waiting_milliseconds = arena.milliseconds(waitingMilliseconds)
      $0.step_microseconds = stepMicroseconds
      $0.bytes_received = bytesReceived
      $0.bytes_sent = bytesSent
      $0.objective = objective
      $0.examples_per_second = examplesPerSecond
    }
  }

  init(_ message: Elbo__V1__Heartbeat) throws(MessageError) {
    guard message.sequence > 0 else { throw MessageError(.missing, "Heartbeat.sequence", "0") }
    self.init(
      view: ViewNumber(rawValue: message.view), sequence: message.sequence,
      position: try Check.position(message.position, "Heartbeat.position"), chain: Chain(rawValue: message.chain),
      stage: try Check.enumerator(message.stage.rawValue, "Heartbeat.stage"),
      shardsDone: try Check.shardSet(message.shards_done, message.n_shards_done, "Heartbeat.shards_done"),
      waits: try Wait.list(message.waits, message.n_waits, "Heartbeat.waits"),
      waitingMilliseconds: Check.milliseconds(message.waiting_milliseconds),
      stepMicroseconds: message.step_microseconds, bytesReceived: message.bytes_received,
      bytesSent: message.bytes_sent, objective: message.objective, examplesPerSecond: message.examples_per_second)
  }
}

extension HeartbeatReply {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__HeartbeatReply> {
    arena.make(elbo__v1__heartbeat_reply__init) {
      $0.sequence = sequence
      $0.view = view.rawValue
      $0.recorded = recorded
      $0.saved = saved
    }
  }

  init(_ message: Elbo__V1__HeartbeatReply) throws(MessageError) {
    guard message.sequence > 0 else { throw MessageError(.missing, "HeartbeatReply.sequence", "0") }
    self.init(
      sequence: message.sequence, view: ViewNumber(rawValue: message.view), recorded: message.recorded,
      saved: message.saved)
  }
}

extension Late {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__Late> {
    arena.make(elbo__v1__late__init) {
      $0.view = view.rawValue
      $0.position = arena.position(position)
      ($0.missing, $0.n_missing) = arena.shardSet(missing)
      ($0.shards_done, $0.n_shards_done) = arena.shardSet(shardsDone)
      $0.waiting_milliseconds = arena.milliseconds(waitingMilliseconds)
    }
  }

  init(_ message: Elbo__V1__Late) throws(MessageError) {
    self.init(
      view: try Check.view(message.view, "Late.view"),
      position: try Check.position(message.position, "Late.position"),
      missing: try Check.shardSet(message.missing, message.n_missing, "Late.missing"),
      shardsDone: try Check.shardSet(message.shards_done, message.n_shards_done, "Late.shards_done"),
      waitingMilliseconds: Check.milliseconds(message.waiting_milliseconds))
  }
}

extension Execute {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__Execute> {
    arena.make(elbo__v1__execute__init) {
      $0.view = view.rawValue
      $0.position = arena.position(position)
      $0.node = node.rawValue
      $0.shards = arena.shards(shards)
    }
  }

  init(_ message: Elbo__V1__Execute) throws(MessageError) {
    self.init(
      view: try Check.view(message.view, "Execute.view"),
      position: try Check.position(message.position, "Execute.position"),
      node: try Check.node(message.node, "Execute.node"),
      shards: try Check.shards(message.shards, "Execute.shards"))
  }
}

extension Stop {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__Stop> {
    arena.make(elbo__v1__stop__init) {
      $0.reason = Elbo__V1__StopReason(rawValue: reason.rawValue)
      $0.explanation = arena.text(explanation, limit: Limits.explanation)
    }
  }

  init(_ message: Elbo__V1__Stop) throws(MessageError) {
    self.init(
      reason: try Check.enumerator(message.reason.rawValue, "Stop.reason"),
      explanation: try Check.text(message.explanation, "Stop.explanation", limit: Limits.explanation))
  }
}
