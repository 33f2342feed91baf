import CChecksum
import CMessages
import CProtobufC

extension LeaseRequest {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__LeaseRequest> {
    arena.make(elbo__v1__lease_request__init) { $0.lanes = UInt32(lanes) }
  }

  init(_ message: Elbo__V1__LeaseRequest) throws(MessageError) {
    self.init(lanes: try Check.integer(message.lanes, "LeaseRequest.lanes", in: 1...Limits.entries))
  }
}

extension Check {
  static func samples(first: UInt64, count: UInt32, _ field: String) throws(MessageError) -> Range<UInt64> {
    guard count > 0 else { throw MessageError(.missing, field, "no samples") }
    guard first <= UInt64(Int64.max) else { throw MessageError(.range, field, "first sample \(first)") }
    return first..<first + UInt64(count)
  }
}

extension SampleLease {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__SampleLease> {
    arena.make(elbo__v1__sample_lease__init) {
      $0.lease = lease
      $0.prediction = prediction
      $0.parameters_digest = arena.bytes(parameters.bytes)
      $0.first_sample = samples.lowerBound
      $0.sample_count = UInt32(samples.count)
      $0.examples = arena.elements(examples)
      $0.deadline_milliseconds = arena.milliseconds(deadlineMilliseconds)
    }
  }

  init(_ message: Elbo__V1__SampleLease) throws(MessageError) {
    guard message.lease > 0 else { throw MessageError(.missing, "SampleLease.lease", "0") }
    guard message.prediction > 0 else { throw MessageError(.missing, "SampleLease.prediction", "0") }
    self.init(
      lease: message.lease, prediction: message.prediction,
      parameters: try Check.digest(message.parameters_digest, "SampleLease.parameters_digest"),
      samples: try Check.samples(
        first: message.first_sample, count: message.sample_count, "SampleLease.sample_count"),
      examples: try Check.elements(message.examples, "SampleLease.examples"),
      deadlineMilliseconds: Check.milliseconds(message.deadline_milliseconds))
  }
}

extension SampleResult {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__SampleResult> {
    arena.make(elbo__v1__sample_result__init) {
      $0.lease = lease
      $0.prediction = prediction
      $0.first_sample = samples.lowerBound
      $0.sample_count = UInt32(samples.count)
      $0.examples = arena.elements(examples)
      $0.outputs = UInt32(outputs)
      $0.statistics = UInt32(statistics)
      $0.checksum = elbo_crc32c(moments, moments.count)
      $0.moments = arena.bytes(moments)
    }
  }

  init(_ message: Elbo__V1__SampleResult) throws(MessageError) {
    guard message.lease > 0 else { throw MessageError(.missing, "SampleResult.lease", "0") }
    guard message.prediction > 0 else { throw MessageError(.missing, "SampleResult.prediction", "0") }
    let samples = try Check.samples(
      first: message.first_sample, count: message.sample_count, "SampleResult.sample_count")
    let examples = try Check.elements(message.examples, "SampleResult.examples")
    let outputs = try Check.integer(message.outputs, "SampleResult.outputs", in: 1...Limits.entries)
    let statistics = try Check.integer(message.statistics, "SampleResult.statistics", in: 1...Limits.entries)
    // Four factors below 2^41 each: multiplied one by one, each product checked against the bytes at hand.
    var expected = 8
    for factor in [samples.count, statistics, examples.count, outputs] {
      let (product, overflow) = expected.multipliedReportingOverflow(by: factor)
      guard !overflow, product <= message.moments.len else {
        throw MessageError(.length, "SampleResult.moments", "\(message.moments.len) bytes are too few")
      }
      expected = product
    }
    guard expected == message.moments.len else {
      throw MessageError(.length, "SampleResult.moments", "\(message.moments.len) bytes, \(expected) expected")
    }
    guard elbo_crc32c(message.moments.data, message.moments.len) == message.checksum else {
      throw MessageError(.checksum, "SampleResult.checksum", "the payload is damaged")
    }
    self.init(
      lease: message.lease, prediction: message.prediction, samples: samples, examples: examples, outputs: outputs,
      statistics: statistics, moments: Check.bytes(message.moments))
  }
}

extension PredictionOffer {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__Prediction> {
    arena.make(elbo__v1__prediction__init) {
      $0.prediction = prediction
      $0.recipe = arena.bytes(recipe)
      $0.parameters_digest = arena.bytes(parameters.bytes)
      $0.parameters_count = UInt64(parametersCount)
      $0.inputs_digest = arena.bytes(inputs.bytes)
      $0.input_kind = Elbo__V1__InputKind(rawValue: inputKind.rawValue)
      $0.n_input_shape = inputShape.count
      $0.input_shape = arena.numbers(inputShape.map { UInt64($0) })
      $0.examples = UInt64(examples)
      $0.seed = seed
      $0.outputs = UInt32(outputs)
      if !schema.isEmpty { $0.schema = arena.bytes(schema) }
    }
  }

  init(_ message: Elbo__V1__Prediction) throws(MessageError) {
    guard message.prediction > 0 else { throw MessageError(.missing, "Prediction.prediction", "0") }
    guard message.recipe.len > 0 else { throw MessageError(.missing, "Prediction.recipe", "empty") }
    guard message.recipe.len <= Limits.recipe else {
      throw MessageError(.tooLarge, "Prediction.recipe", "\(message.recipe.len) bytes, at most \(Limits.recipe)")
    }
    guard message.schema.len <= Limits.recipe else {
      throw MessageError(.tooLarge, "Prediction.schema", "\(message.schema.len) bytes, at most \(Limits.recipe)")
    }
    guard (1...8).contains(message.n_input_shape) else {
      throw MessageError(.range, "Prediction.input_shape", "\(message.n_input_shape) extents")
    }
    let examples = try Check.integer(message.examples, "Prediction.examples", in: 1...Limits.elements)
    // The bytes of all rows can be counted.
    var shape: [Int] = []
    var total = 8 * examples
    for index in 0..<message.n_input_shape {
      let extent = try Check.integer(message.input_shape[index], "Prediction.input_shape", in: 1...Limits.elements)
      let (product, overflow) = total.multipliedReportingOverflow(by: extent)
      guard !overflow else { throw MessageError(.range, "Prediction.input_shape", "too many numbers") }
      total = product
      shape.append(extent)
    }
    self.init(
      prediction: message.prediction, recipe: Check.bytes(message.recipe),
      parameters: try Check.digest(message.parameters_digest, "Prediction.parameters_digest"),
      parametersCount: try Check.integer(
        message.parameters_count, "Prediction.parameters_count", in: 1...Limits.elements),
      inputs: try Check.digest(message.inputs_digest, "Prediction.inputs_digest"),
      inputKind: try Check.enumerator(message.input_kind.rawValue, "Prediction.input_kind"),
      inputShape: shape, examples: examples, seed: message.seed,
      outputs: try Check.integer(message.outputs, "Prediction.outputs", in: 1...Limits.entries),
      schema: Check.bytes(message.schema))
  }
}

extension Assist {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__Assist> {
    arena.make(elbo__v1__assist__init) {
      $0.prediction = prediction
      $0.endpoint = arena.text(endpoint, limit: Limits.name)
      if let publicKey { $0.curve_public_key = arena.bytes(publicKey.bytes) }
      $0.status = status?.message(in: arena)
    }
  }

  init(_ message: Elbo__V1__Assist) throws(MessageError) {
    guard message.prediction > 0 else { throw MessageError(.missing, "Assist.prediction", "0") }
    self.init(
      prediction: message.prediction,
      endpoint: try Check.text(message.endpoint, "Assist.endpoint", limit: Limits.name, required: true),
      publicKey: try Check.publicKey(message.curve_public_key, "Assist.curve_public_key"),
      status: message.status == nil ? nil : try PredictionStatus(message.status.pointee))
  }
}

extension PredictionStatus.Lease {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__LeaseStatus> {
    arena.make(elbo__v1__lease_status__init) {
      $0.node = arena.text(node, limit: Limits.name)
      $0.first_sample = samples.lowerBound
      $0.sample_count = UInt32(samples.count)
      $0.examples = arena.elements(examples)
      $0.seconds = seconds
    }
  }

  init(_ message: Elbo__V1__LeaseStatus) throws(MessageError) {
    self.init(
      node: try Check.text(message.node, "LeaseStatus.node", limit: Limits.name),
      samples: try Check.samples(
        first: message.first_sample, count: message.sample_count, "LeaseStatus.sample_count"),
      examples: try Check.elements(message.examples, "LeaseStatus.examples"), seconds: message.seconds)
  }
}

extension PredictionStatus {
  func message(in arena: Arena) -> UnsafeMutablePointer<Elbo__V1__PredictionStatus> {
    arena.make(elbo__v1__prediction_status__init) {
      $0.samples = UInt64(samples)
      $0.examples = UInt64(examples)
      if let piece { $0.piece = arena.elements(piece) }
      $0.leases = UInt64(leases)
      $0.leases_done = UInt64(leasesDone)
      $0.out = arena.list(out.map { $0.message(in: arena) })
      $0.n_out = out.count
    }
  }

  init(_ message: Elbo__V1__PredictionStatus) throws(MessageError) {
    guard message.n_out <= Limits.leases else {
      throw MessageError(.range, "PredictionStatus.out", "\(message.n_out) leases, at most \(Limits.leases)")
    }
    var out: [Lease] = []
    for index in 0..<message.n_out {
      guard let lease = message.out?[index] else { throw MessageError(.missing, "PredictionStatus.out", "no lease") }
      out.append(try Lease(lease.pointee))
    }
    let leases = try Check.integer(message.leases, "PredictionStatus.leases", in: 0...Limits.elements)
    self.init(
      samples: try Check.integer(message.samples, "PredictionStatus.samples", in: 0...Limits.elements),
      examples: try Check.integer(message.examples, "PredictionStatus.examples", in: 1...Limits.elements),
      piece: message.piece == nil ? nil : try Check.elements(message.piece, "PredictionStatus.piece"),
      leases: leases,
      leasesDone: try Check.integer(message.leases_done, "PredictionStatus.leases_done", in: 0...leases), out: out)
  }
}
