import CMessages
import CProtobufC

extension Report {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__Report> {
    arena.make(elbo__v1__report__init) {
      $0.step = step
      $0.examples = examples
      $0.metrics = arena.list(
        metrics.map { metric in
          arena.make(elbo__v1__metric__init) {
            $0.name = arena.text(metric.name, limit: Limits.name)
            $0.value = metric.value
          }
        })
      $0.n_metrics = metrics.count
    }
  }

  init(_ message: Elbo__V1__Report) throws(MessageError) {
    guard message.n_metrics <= Limits.entries else {
      throw MessageError(.range, "Report.metrics", "\(message.n_metrics) metrics, at most \(Limits.entries)")
    }
    var metrics: [Metric] = []
    for index in 0..<message.n_metrics {
      guard let metric = message.metrics?[index]?.pointee else {
        throw MessageError(.missing, "Report.metrics", "no entry")
      }
      let name = try Check.text(metric.name, "Metric.name", limit: Limits.name, required: true)
      metrics.append(Metric(name, metric.value))
    }
    self.init(step: message.step, examples: message.examples, metrics: metrics)
  }
}

extension StateOffer {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__StateOffer> {
    arena.make(elbo__v1__state_offer__init) {
      $0.step = step
      $0.converged = converged ? 1 : 0
      $0.count = UInt64(count)
      $0.digest = arena.bytes(digest.bytes)
    }
  }

  init(_ message: Elbo__V1__StateOffer) throws(MessageError) {
    guard message.step <= UInt64(Int64.max) else { throw MessageError(.range, "StateOffer.step", "\(message.step)") }
    self.init(
      step: message.step, converged: message.converged != 0,
      count: try Check.integer(message.count, "StateOffer.count", in: 1...Limits.elements),
      digest: try Check.digest(message.digest, "StateOffer.digest"))
  }
}

extension StateRequest {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__StateRequest> {
    arena.make(elbo__v1__state_request__init) {
      $0.digest = arena.bytes(digest.bytes)
      $0.first = UInt64(bytes.lowerBound)
      $0.count = UInt32(bytes.count)
    }
  }

  init(_ message: Elbo__V1__StateRequest) throws(MessageError) {
    let bytes = try Check.range(
      first: message.first, count: UInt64(message.count), "StateRequest", bound: Limits.elements)
    guard bytes.count <= Limits.statePart else {
      throw MessageError(.range, "StateRequest.count", "\(bytes.count) bytes, at most \(Limits.statePart)")
    }
    self.init(digest: try Check.digest(message.digest, "StateRequest.digest"), bytes: bytes)
  }
}

extension StatePart {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__StatePart> {
    arena.make(elbo__v1__state_part__init) {
      $0.digest = arena.bytes(digest.bytes)
      $0.first = UInt64(first)
      $0.checksum = Checksum.crc32c(payload)
      $0.payload = arena.bytes(payload)
    }
  }

  init(_ message: Elbo__V1__StatePart) throws(MessageError) {
    let payload = Check.bytes(message.payload)
    _ = try Check.range(first: message.first, count: UInt64(payload.count), "StatePart", bound: Limits.elements)
    guard payload.count <= Limits.statePart else {
      throw MessageError(.range, "StatePart.payload", "\(payload.count) bytes, at most \(Limits.statePart)")
    }
    guard Checksum.crc32c(payload) == message.checksum else {
      throw MessageError(.checksum, "StatePart.checksum", "the payload is damaged")
    }
    self.init(digest: try Check.digest(message.digest, "StatePart.digest"), first: Int(message.first), payload: payload)
  }
}
