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
