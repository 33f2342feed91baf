import CMessages
import CProtobufC

extension JobStatus {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__JobStatus> {
    arena.make(elbo__v1__job_status__init) {
      $0.recipe = arena.text(recipe, limit: Limits.name)
      $0.state = Elbo__V1__JobState(rawValue: state.rawValue)
      $0.job = job.rawValue
      $0.position = arena.position(position)
      $0.steps = steps
      $0.shards = UInt32(shards)
      $0.objective = objective
      $0.examples_per_second = examplesPerSecond
      $0.seconds_running = secondsRunning
      $0.seconds_left = secondsLeft
      $0.view = view.rawValue
      $0.view_changes = viewChanges
      $0.coordinator_restarts = coordinatorRestarts
      $0.refused_messages = refusedMessages
      $0.explanation = arena.text(explanation, limit: Limits.explanation)
      $0.build = arena.text(build, limit: Limits.name)
    }
  }

  init(_ message: Elbo__V1__JobStatus) throws(MessageError) {
    guard let job = JobID(rawValue: message.job) else { throw MessageError(.missing, "JobStatus.job", "0") }
    self.init(
      recipe: try Check.text(message.recipe, "JobStatus.recipe", limit: Limits.name),
      state: try Check.enumerator(message.state.rawValue, "JobStatus.state"), job: job,
      position: try Check.position(message.position, "JobStatus.position"), steps: message.steps,
      shards: try Check.integer(message.shards, "JobStatus.shards", in: 1...Limits.shards),
      objective: message.objective, examplesPerSecond: message.examples_per_second,
      secondsRunning: message.seconds_running, secondsLeft: message.seconds_left,
      view: ViewNumber(rawValue: message.view), viewChanges: message.view_changes,
      coordinatorRestarts: message.coordinator_restarts, refusedMessages: message.refused_messages,
      explanation: try Check.text(message.explanation, "JobStatus.explanation", limit: Limits.explanation),
      build: try Check.text(message.build, "JobStatus.build", limit: Limits.name))
  }
}

extension NodeStatus {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__NodeStatus> {
    arena.make(elbo__v1__node_status__init) {
      $0.node = node.rawValue
      $0.name = arena.text(name, limit: Limits.name)
      $0.incarnation = incarnation.rawValue
      $0.state = Elbo__V1__NodeState(rawValue: state.rawValue)
      $0.view = view.rawValue
      $0.position = arena.position(position)
      $0.stage = Elbo__V1__Stage(rawValue: stage.rawValue)
      $0.shards = arena.shards(shards)
      $0.shards_done = UInt32(shardsDone)
      $0.lanes = UInt32(lanes)
      $0.seconds_since_seen = secondsSinceSeen
      $0.step_microseconds = stepMicroseconds
      $0.bytes_received = bytesReceived
      $0.bytes_sent = bytesSent
      $0.waits = arena.list(waits.map { $0.message(in: arena) })
      $0.n_waits = waits.count
      $0.seconds_waiting = secondsWaiting
      $0.restarts = restarts
      $0.address = arena.text(address, limit: Limits.name)
    }
  }

  init(_ message: Elbo__V1__NodeStatus) throws(MessageError) {
    self.init(
      node: try Check.node(message.node, "NodeStatus.node"),
      name: try Check.text(message.name, "NodeStatus.name", limit: Limits.name, required: true),
      incarnation: try Check.incarnation(message.incarnation, "NodeStatus.incarnation"),
      state: try Check.enumerator(message.state.rawValue, "NodeStatus.state"),
      view: ViewNumber(rawValue: message.view),
      position: try Check.position(message.position, "NodeStatus.position"),
      stage: try Check.enumerator(message.stage.rawValue, "NodeStatus.stage"),
      shards: message.shards == nil ? 0..<0 : try Check.shards(message.shards, "NodeStatus.shards"),
      shardsDone: try Check.integer(message.shards_done, "NodeStatus.shards_done", in: 0...Limits.shards),
      lanes: try Check.integer(message.lanes, "NodeStatus.lanes", in: 1...Limits.entries),
      secondsSinceSeen: message.seconds_since_seen, stepMicroseconds: message.step_microseconds,
      bytesReceived: message.bytes_received, bytesSent: message.bytes_sent,
      waits: try Wait.list(message.waits, message.n_waits, "NodeStatus.waits"),
      secondsWaiting: message.seconds_waiting, restarts: message.restarts,
      address: try Check.text(message.address, "NodeStatus.address", limit: Limits.name))
  }
}

extension StatusReply {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__StatusReply> {
    arena.make(elbo__v1__status_reply__init) {
      $0.job = job.message(in: arena)
      $0.nodes = arena.list(nodes.map { $0.message(in: arena) })
      $0.n_nodes = nodes.count
      $0.help = arena.list(help.map { $0.message(in: arena) })
      $0.n_help = help.count
    }
  }

  init(_ message: Elbo__V1__StatusReply) throws(MessageError) {
    guard let job = message.job else { throw MessageError(.missing, "StatusReply.job", "none") }
    guard message.n_nodes <= Limits.members else {
      throw MessageError(.range, "StatusReply.nodes", "\(message.n_nodes) nodes, at most \(Limits.members)")
    }
    var nodes: [NodeStatus] = []
    for index in 0..<message.n_nodes {
      guard let node = message.nodes?[index] else { throw MessageError(.missing, "StatusReply.nodes", "no node") }
      nodes.append(try NodeStatus(node.pointee))
    }
    guard message.n_help <= Limits.entries else {
      throw MessageError(.range, "StatusReply.help", "\(message.n_help) predictions, at most \(Limits.entries)")
    }
    var help: [HelpStatus] = []
    for index in 0..<message.n_help {
      guard let prediction = message.help?[index] else { throw MessageError(.missing, "StatusReply.help", "none") }
      help.append(try HelpStatus(prediction.pointee))
    }
    self.init(job: try JobStatus(job.pointee), nodes: nodes, help: help)
  }
}

extension HelpStatus {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__HelpStatus> {
    arena.make(elbo__v1__help_status__init) {
      $0.prediction = prediction
      $0.status = status.message(in: arena)
    }
  }

  init(_ message: Elbo__V1__HelpStatus) throws(MessageError) {
    guard message.prediction > 0 else { throw MessageError(.missing, "HelpStatus.prediction", "0") }
    guard let status = message.status else { throw MessageError(.missing, "HelpStatus.status", "none") }
    self.init(prediction: message.prediction, status: try PredictionStatus(status.pointee))
  }
}
