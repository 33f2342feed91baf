import CMessages
import CProtobufC

extension RecipeRequest {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__RecipeRequest> {
    arena.make(elbo__v1__recipe_request__init) {
      $0.build = arena.text(build, limit: Limits.name)
      $0.name = arena.text(name, limit: Limits.name)
    }
  }

  init(_ message: Elbo__V1__RecipeRequest) throws(MessageError) {
    self.init(
      build: try Check.text(message.build, "RecipeRequest.build", limit: Limits.name, required: true),
      name: try Check.text(message.name, "RecipeRequest.name", limit: Limits.name))
  }
}

extension RecipeReply {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__Recipe> {
    arena.make(elbo__v1__recipe__init) {
      $0.yaml = arena.bytes(yaml)
      $0.digest = arena.bytes(digest.bytes)
      $0.shards = UInt32(shards)
      $0.steps = steps
      $0.start = start.map { $0.message(in: arena) }
    }
  }

  init(_ message: Elbo__V1__Recipe) throws(MessageError) {
    guard message.yaml.len > 0 else { throw MessageError(.missing, "Recipe.yaml", "empty") }
    guard message.yaml.len <= Limits.recipe else {
      throw MessageError(.tooLarge, "Recipe.yaml", "\(message.yaml.len) bytes, at most \(Limits.recipe) are taken")
    }
    self.init(
      yaml: Check.bytes(message.yaml), digest: try Check.digest(message.digest, "Recipe.digest"),
      shards: try Check.integer(message.shards, "Recipe.shards", in: 1...Limits.shards), steps: message.steps,
      start: try message.start.map { (start: UnsafeMutablePointer<Elbo__V1__StateOffer>) throws(MessageError) in
        try StateOffer(start.pointee)
      })
  }
}

extension Hello {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__Hello> {
    arena.make(elbo__v1__hello__init) {
      $0.name = arena.text(name, limit: Limits.name)
      $0.incarnation = incarnation.rawValue
      $0.build = arena.text(build, limit: Limits.name)
      $0.recipe_digest = arena.bytes(recipe.bytes)
      $0.data_digest = arena.bytes(data.bytes)
      $0.lanes = UInt32(lanes)
      $0.data_endpoints = arena.texts(dataEndpoints, limit: Limits.name)
      $0.n_data_endpoints = dataEndpoints.count
      $0.curve_public_key = arena.bytes(publicKey?.bytes ?? [])
      $0.view = view.rawValue
      $0.position = arena.position(position)
    }
  }

  init(_ message: Elbo__V1__Hello) throws(MessageError) {
    self.init(
      name: try Check.text(message.name, "Hello.name", limit: Limits.name, required: true),
      incarnation: try Check.incarnation(message.incarnation, "Hello.incarnation"),
      build: try Check.text(message.build, "Hello.build", limit: Limits.name, required: true),
      recipe: try Check.digest(message.recipe_digest, "Hello.recipe_digest"),
      data: try Check.digest(message.data_digest, "Hello.data_digest"),
      lanes: try Check.integer(message.lanes, "Hello.lanes", in: 1...Limits.entries),
      dataEndpoints: try Check.endpoints(
        message.data_endpoints, message.n_data_endpoints, "Hello.data_endpoints"),
      publicKey: try Check.publicKey(message.curve_public_key, "Hello.curve_public_key"),
      view: ViewNumber(rawValue: message.view),
      position: try Check.position(message.position, "Hello.position"))
  }
}

extension Check {
  /// One to sixteen endpoints; whether they can be reached is another matter.
  static func endpoints(
    _ endpoints: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, _ count: Int, _ field: String
  ) throws(MessageError) -> [String] {
    guard count > 0 else { throw MessageError(.missing, field, "no endpoint") }
    return try texts(endpoints, count, field, limit: Limits.name, entries: 16)
  }
}

extension Welcome {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__Welcome> {
    arena.make(elbo__v1__welcome__init) {
      $0.node = node.rawValue
      $0.incarnation = incarnation.rawValue
      $0.heartbeat_milliseconds = UInt32(heartbeatMilliseconds)
      $0.missed_heartbeats = UInt32(missedHeartbeats)
    }
  }

  init(_ message: Elbo__V1__Welcome) throws(MessageError) {
    self.init(
      node: try Check.node(message.node, "Welcome.node"),
      incarnation: try Check.incarnation(message.incarnation, "Welcome.incarnation"),
      heartbeatMilliseconds: try Check.integer(
        message.heartbeat_milliseconds, "Welcome.heartbeat_milliseconds", in: 1...3_600_000),
      missedHeartbeats: try Check.integer(message.missed_heartbeats, "Welcome.missed_heartbeats", in: 1...1000))
  }
}

extension Refused {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__Refused> {
    arena.make(elbo__v1__refused__init) {
      $0.code = Elbo__V1__RefusalCode(rawValue: code.rawValue)
      $0.explanation = arena.text(explanation, limit: Limits.explanation)
      $0.incarnation = incarnation.rawValue
      $0.known_incarnation = known?.rawValue ?? 0
    }
  }

  init(_ message: Elbo__V1__Refused) throws(MessageError) {
    self.init(
      code: try Check.enumerator(message.code.rawValue, "Refused.code"),
      explanation: try Check.text(message.explanation, "Refused.explanation", limit: Limits.explanation),
      incarnation: try Check.incarnation(message.incarnation, "Refused.incarnation"),
      known: Incarnation(rawValue: message.known_incarnation))
  }
}

extension Member {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__Member> {
    arena.make(elbo__v1__member__init) {
      $0.node = node.rawValue
      $0.incarnation = incarnation.rawValue
      $0.name = arena.text(name, limit: Limits.name)
      $0.lanes = UInt32(lanes)
      $0.data_endpoints = arena.texts(dataEndpoints, limit: Limits.name)
      $0.n_data_endpoints = dataEndpoints.count
      $0.curve_public_key = arena.bytes(publicKey?.bytes ?? [])
      $0.shards = arena.shards(shards)
    }
  }

  init(_ message: Elbo__V1__Member) throws(MessageError) {
    self.init(
      node: try Check.node(message.node, "Member.node"),
      incarnation: try Check.incarnation(message.incarnation, "Member.incarnation"),
      name: try Check.text(message.name, "Member.name", limit: Limits.name, required: true),
      lanes: try Check.integer(message.lanes, "Member.lanes", in: 1...Limits.entries),
      dataEndpoints: try Check.endpoints(
        message.data_endpoints, message.n_data_endpoints, "Member.data_endpoints"),
      publicKey: try Check.publicKey(message.curve_public_key, "Member.curve_public_key"),
      shards: message.shards == nil ? 0..<0 : try Check.shards(message.shards, "Member.shards"))
  }
}

extension View {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__View> {
    arena.make(elbo__v1__view__init) {
      $0.number = number.rawValue
      $0.members = arena.list(members.map { $0.message(in: arena) })
      $0.n_members = members.count
      $0.shards = UInt32(shards)
      $0.cause = arena.text(cause, limit: Limits.explanation)
    }
  }

  init(_ message: Elbo__V1__View) throws(MessageError) {
    guard message.n_members <= Limits.members else {
      throw MessageError(.range, "View.members", "\(message.n_members) members, at most \(Limits.members)")
    }
    let shards = try Check.integer(message.shards, "View.shards", in: 1...Limits.shards)
    var members: [Member] = []
    for index in 0..<message.n_members {
      guard let member = message.members?[index] else { throw MessageError(.missing, "View.members", "no member") }
      members.append(try Member(member.pointee))
    }
    // Ascending numbers, and every shard with exactly one member: every receiver of a view relies on both.
    var next = 0
    for (index, member) in members.enumerated() {
      if index > 0, member.node <= members[index - 1].node {
        throw MessageError(.range, "View.members", "not ascending by number")
      }
      guard !member.shards.isEmpty else { continue }
      guard member.shards.lowerBound == next else {
        throw MessageError(.range, "View.members", "shard \(next) is not assigned once")
      }
      next = member.shards.upperBound
    }
    guard members.isEmpty || next == shards else {
      throw MessageError(.range, "View.members", "\(next) of \(shards) shards are assigned")
    }
    self.init(
      number: try Check.view(message.number, "View.number"), members: members, shards: shards,
      cause: try Check.text(message.cause, "View.cause", limit: Limits.explanation))
  }
}

extension ViewAcknowledgement {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__ViewAck> {
    arena.make(elbo__v1__view_ack__init) { $0.view = view.rawValue }
  }

  init(_ message: Elbo__V1__ViewAck) throws(MessageError) {
    self.init(view: try Check.view(message.view, "ViewAck.view"))
  }
}

extension Dismissed {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__Dismissed> {
    arena.make(elbo__v1__dismissed__init) {
      $0.view = view.rawValue
      $0.explanation = arena.text(explanation, limit: Limits.explanation)
      $0.incarnation = incarnation.rawValue
    }
  }

  init(_ message: Elbo__V1__Dismissed) throws(MessageError) {
    self.init(
      view: try Check.view(message.view, "Dismissed.view"),
      explanation: try Check.text(message.explanation, "Dismissed.explanation", limit: Limits.explanation),
      incarnation: try Check.incarnation(message.incarnation, "Dismissed.incarnation"))
  }
}

extension Leave {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__Leave> {
    arena.make(elbo__v1__leave__init) {
      $0.reason = Elbo__V1__LeaveReason(rawValue: reason.rawValue)
      $0.explanation = arena.text(explanation, limit: Limits.explanation)
    }
  }

  init(_ message: Elbo__V1__Leave) throws(MessageError) {
    self.init(
      reason: try Check.enumerator(message.reason.rawValue, "Leave.reason"),
      explanation: try Check.text(message.explanation, "Leave.explanation", limit: Limits.explanation))
  }
}
