import CMessages
import CProtobufC

extension DataBody {
  func fill(_ message: inout Elbo__V1__DataMessage, in arena: Arena) {
    switch self {
    case .chunk(let chunk):
      message.body_case = ELBO__V1__DATA_MESSAGE__BODY_CHUNK
      message.chunk = chunk.message(in: arena)
    case .sync(let sync):
      message.body_case = ELBO__V1__DATA_MESSAGE__BODY_SYNC
      message.sync = sync.message(in: arena)
    case .acknowledgement:
      message.body_case = ELBO__V1__DATA_MESSAGE__BODY_ACKNOWLEDGEMENT
      message.acknowledgement = arena.make(elbo__v1__acknowledgement__init)
    case .request(let request):
      message.body_case = ELBO__V1__DATA_MESSAGE__BODY_REQUEST
      message.request = request.message(in: arena)
    case .credit(let limit):
      message.body_case = ELBO__V1__DATA_MESSAGE__BODY_CREDIT
      message.credit = arena.make(elbo__v1__credit__init) { $0.limit = limit }
    }
  }

  init(_ message: Elbo__V1__DataMessage) throws(MessageError) {
    switch message.body_case {
    case ELBO__V1__DATA_MESSAGE__BODY_CHUNK: self = .chunk(try Chunk(Check.present(message.chunk)))
    case ELBO__V1__DATA_MESSAGE__BODY_SYNC: self = .sync(try Sync(Check.present(message.sync)))
    case ELBO__V1__DATA_MESSAGE__BODY_ACKNOWLEDGEMENT: self = .acknowledgement
    case ELBO__V1__DATA_MESSAGE__BODY_REQUEST: self = .request(try Request(Check.present(message.request)))
    case ELBO__V1__DATA_MESSAGE__BODY_CREDIT: self = .credit(limit: try Check.present(message.credit).limit)
    default: throw MessageError(.body, "DataMessage.body", "none that this program knows")
    }
  }
}

extension Tally {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__Tally> {
    arena.make(elbo__v1__tally__init) {
      $0.examples = examples
      $0.metrics = arena.numbers(metrics)
      $0.n_metrics = metrics.count
    }
  }

  init(_ message: Elbo__V1__Tally) throws(MessageError) {
    guard message.n_metrics <= Limits.entries else {
      throw MessageError(.range, "Tally.metrics", "\(message.n_metrics) metrics, at most \(Limits.entries)")
    }
    guard message.examples.isFinite, message.examples >= 0 else {
      throw MessageError(.range, "Tally.examples", "\(message.examples)")
    }
    self.init(
      examples: message.examples,
      metrics: message.metrics.map { Array(UnsafeBufferPointer(start: $0, count: message.n_metrics)) } ?? [])
  }
}

extension Chunk {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__Chunk> {
    arena.make(elbo__v1__chunk__init) {
      $0.position = arena.position(position)
      $0.elements = arena.elements(elements)
      $0.precision = Elbo__V1__Precision(rawValue: precision.rawValue)
      $0.checksum = checksum
      $0.tally = tally.map { $0.message(in: arena) }
      $0.vector_count = UInt64(vectorCount)
      $0.place = place.map { $0.message(in: arena) }
      switch kind {
      case .partial(let subtree):
        $0.kind = ELBO__V1__CHUNK_KIND__CHUNK_KIND_PARTIAL
        $0.subtree = arena.shards(subtree)
      case .total:
        $0.kind = ELBO__V1__CHUNK_KIND__CHUNK_KIND_TOTAL
      case .state(let digest, let chain):
        $0.kind = ELBO__V1__CHUNK_KIND__CHUNK_KIND_STATE
        $0.state_digest = arena.bytes(digest.bytes)
        $0.chain = chain.rawValue
      }
    }
  }

  init(_ message: Elbo__V1__Chunk) throws(MessageError) {
    let kind: Kind
    switch message.kind {
    case ELBO__V1__CHUNK_KIND__CHUNK_KIND_PARTIAL:
      kind = .partial(subtree: try Check.shards(message.subtree, "Chunk.subtree"))
    case ELBO__V1__CHUNK_KIND__CHUNK_KIND_TOTAL: kind = .total
    case ELBO__V1__CHUNK_KIND__CHUNK_KIND_STATE:
      kind = .state(
        digest: try Check.digest(message.state_digest, "Chunk.state_digest"), chain: Chain(rawValue: message.chain))
    case ELBO__V1__CHUNK_KIND__CHUNK_KIND_UNSPECIFIED: throw MessageError(.missing, "Chunk.kind", "unspecified")
    default: throw MessageError(.enumerator, "Chunk.kind", "unknown")
    }
    let vectorCount = try Check.integer(message.vector_count, "Chunk.vector_count", in: 1...Limits.elements)
    let elements = try Check.elements(message.elements, "Chunk.elements", bound: vectorCount)
    let precision: Precision = try Check.enumerator(message.precision.rawValue, "Chunk.precision")
    let tally = try message.tally.map { (tally: UnsafeMutablePointer<Elbo__V1__Tally>) throws(MessageError) in
      try Tally(tally.pointee)
    }
    if case .state = kind {
      guard precision == .bytes, tally == nil else {
        throw MessageError(.range, "Chunk.precision", "state travels as bytes and without a tally")
      }
    } else {
      guard precision != .bytes else { throw MessageError(.range, "Chunk.precision", "sums are numbers") }
      guard (tally != nil) == (elements.lowerBound == 0) else {
        throw MessageError(.range, "Chunk.tally", "a tally travels with element 0 and only there")
      }
    }
    let place = try message.place.map { (place: UnsafeMutablePointer<Elbo__V1__Place>) throws(MessageError) in
      try Place(place.pointee)
    }
    if case .state = kind, place != nil { throw MessageError(.range, "Chunk.place", "a state is sent itself") }
    self.init(
      kind: kind, position: try Check.position(message.position, "Chunk.position"), elements: elements,
      precision: precision, checksum: message.checksum, tally: tally, vectorCount: vectorCount, place: place)
  }
}

extension Place {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__Place> {
    arena.make(elbo__v1__place__init) {
      $0.process = process
      $0.descriptor = descriptor
      $0.token = token
      $0.age = age
    }
  }

  init(_ message: Elbo__V1__Place) throws(MessageError) {
    guard message.process > 0, message.token != 0 else { throw MessageError(.missing, "Place", "no process or token") }
    self.init(process: message.process, descriptor: message.descriptor, token: message.token, age: message.age)
  }
}

extension Sync {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__Sync> {
    arena.make(elbo__v1__sync__init) {
      $0.position = arena.position(position)
      $0.chain = chain.rawValue
      $0.previous_chain = previousChain.rawValue
      $0.retains_totals = retainsTotals ? 1 : 0
      ($0.shards_done, $0.n_shards_done) = arena.shardSet(shardsDone)
    }
  }

  init(_ message: Elbo__V1__Sync) throws(MessageError) {
    self.init(
      position: try Check.position(message.position, "Sync.position"), chain: Chain(rawValue: message.chain),
      previousChain: Chain(rawValue: message.previous_chain),
      retainsTotals: message.retains_totals != 0,
      shardsDone: try Check.shardSet(message.shards_done, message.n_shards_done, "Sync.shards_done"))
  }
}

extension Request {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__Request> {
    arena.make(elbo__v1__request__init) {
      switch self {
      case .sync: $0.kind = ELBO__V1__REQUEST_KIND__REQUEST_KIND_SYNC
      case .position: $0.kind = ELBO__V1__REQUEST_KIND__REQUEST_KIND_POSITION
      case .payloads: $0.kind = ELBO__V1__REQUEST_KIND__REQUEST_KIND_PAYLOADS
      case .partials(let position, let shards, let elements):
        $0.kind = ELBO__V1__REQUEST_KIND__REQUEST_KIND_PARTIALS
        $0.position = arena.position(position)
        ($0.shards, $0.n_shards) = arena.shardSet(shards)
        ($0.elements, $0.n_elements) = arena.elementSet(elements)
      case .totals(let position, let elements):
        $0.kind = ELBO__V1__REQUEST_KIND__REQUEST_KIND_TOTALS
        $0.position = arena.position(position)
        ($0.elements, $0.n_elements) = arena.elementSet(elements)
      case .state(let elements):
        $0.kind = ELBO__V1__REQUEST_KIND__REQUEST_KIND_STATE
        ($0.elements, $0.n_elements) = arena.elementSet(elements)
      }
    }
  }

  init(_ message: Elbo__V1__Request) throws(MessageError) {
    switch message.kind {
    case ELBO__V1__REQUEST_KIND__REQUEST_KIND_SYNC: self = .sync
    case ELBO__V1__REQUEST_KIND__REQUEST_KIND_POSITION: self = .position
    case ELBO__V1__REQUEST_KIND__REQUEST_KIND_PAYLOADS: self = .payloads
    case ELBO__V1__REQUEST_KIND__REQUEST_KIND_PARTIALS:
      self = .partials(
        position: try Check.position(message.position, "Request.position"),
        shards: try Check.shardSet(message.shards, message.n_shards, "Request.shards"),
        elements: try Check.elementSet(message.elements, message.n_elements, "Request.elements"))
    case ELBO__V1__REQUEST_KIND__REQUEST_KIND_TOTALS:
      self = .totals(
        position: try Check.position(message.position, "Request.position"),
        elements: try Check.elementSet(message.elements, message.n_elements, "Request.elements"))
    case ELBO__V1__REQUEST_KIND__REQUEST_KIND_STATE:
      self = .state(elements: try Check.elementSet(message.elements, message.n_elements, "Request.elements"))
    case ELBO__V1__REQUEST_KIND__REQUEST_KIND_UNSPECIFIED:
      throw MessageError(.missing, "Request.kind", "unspecified")
    default: throw MessageError(.enumerator, "Request.kind", "unknown")
    }
  }
}
