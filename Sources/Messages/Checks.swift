import CMessages
import CProtobufC

/// Checks of single fields. `field` is the field's name as in `Hello.lanes`.
enum Check {
  /// The body that the discriminator of a oneof promises.
  static func present<T>(_ body: UnsafeMutablePointer<T>?) throws(MessageError) -> T {
    guard let body else { throw MessageError(.body, "body", "announced and absent") }
    return body.pointee
  }

  static func text(
    _ text: UnsafeMutablePointer<CChar>?, _ field: String, limit: Int, required: Bool = false
  ) throws(MessageError) -> String {
    guard let text else { throw MessageError(.missing, field, "no text") }
    var length = 0
    while length <= limit, text[length] != 0 { length += 1 }
    guard length <= limit else { throw MessageError(.tooLarge, field, "more than \(limit) bytes") }
    guard let string = String(validatingCString: text) else { throw MessageError(.text, field, "not UTF-8") }
    if required, string.isEmpty { throw MessageError(.missing, field, "empty") }
    return string
  }

  static func texts(
    _ texts: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, _ count: Int, _ field: String, limit: Int,
    entries: Int
  ) throws(MessageError) -> [String] {
    guard count <= entries else { throw MessageError(.range, field, "\(count) entries, at most \(entries)") }
    var result: [String] = []
    for index in 0..<count { result.append(try text(texts?[index], field, limit: limit, required: true)) }
    return result
  }

  static func bytes(_ data: ProtobufCBinaryData) -> [UInt8] {
    guard let start = data.data, data.len > 0 else { return [] }
    return Array(UnsafeBufferPointer(start: start, count: data.len))
  }

  static func digest(_ data: ProtobufCBinaryData, _ field: String) throws(MessageError) -> Digest {
    guard data.len == 32, let digest = Digest(bytes: bytes(data)) else {
      throw MessageError(.length, field, "\(data.len) bytes, 32 expected")
    }
    return digest
  }

  static func publicKey(_ data: ProtobufCBinaryData, _ field: String) throws(MessageError) -> PublicKey? {
    guard data.len > 0 else { return nil }
    guard data.len == 32, let key = PublicKey(bytes: bytes(data)) else {
      throw MessageError(.length, field, "\(data.len) bytes, 32 expected")
    }
    return key
  }

  /// `number` as Int when it lies in `range`.
  static func integer(
    _ number: some UnsignedInteger, _ field: String, in range: ClosedRange<Int>
  ) throws(MessageError) -> Int {
    guard let integer = Int(exactly: number), range.contains(integer) else {
      throw MessageError(.range, field, "\(number) is not in \(range.lowerBound)...\(range.upperBound)")
    }
    return integer
  }

  static func enumerator<E: RawRepresentable<UInt32>>(
    _ raw: UInt32, _ field: String, as type: E.Type = E.self
  ) throws(MessageError) -> E {
    guard let value = E(rawValue: raw) else {
      throw MessageError(raw == 0 ? .missing : .enumerator, field, "enumerator \(Int32(truncatingIfNeeded: raw))")
    }
    return value
  }

  static func node(_ raw: UInt32, _ field: String) throws(MessageError) -> NodeNumber {
    guard let node = NodeNumber(rawValue: raw) else { throw MessageError(.missing, field, "0 is no node") }
    return node
  }

  static func incarnation(_ raw: UInt64, _ field: String) throws(MessageError) -> Incarnation {
    guard let incarnation = Incarnation(rawValue: raw) else {
      throw MessageError(.missing, field, "0 is no incarnation")
    }
    return incarnation
  }

  /// A view that exists.
  static func view(_ raw: UInt64, _ field: String) throws(MessageError) -> ViewNumber {
    guard raw != 0 else { throw MessageError(.missing, field, "0 is no view") }
    return ViewNumber(rawValue: raw)
  }

  static func position(
    _ position: UnsafeMutablePointer<Elbo__V1__PhaseIndex>?, _ field: String
  ) throws(MessageError) -> PhaseIndex {
    guard let position = position?.pointee else { throw MessageError(.missing, field, "no position") }
    guard position.step <= UInt64(Int64.max), position.phase < Limits.phases else {
      throw MessageError(.range, field, "step \(position.step) phase \(position.phase)")
    }
    return PhaseIndex(step: position.step, phase: position.phase)
  }

  /// `first ..< first + count`, not empty, within `0 ..< bound`.
  static func range(
    first: UInt64, count: UInt64, _ field: String, bound: Int
  ) throws(MessageError) -> Range<Int> {
    guard count > 0 else { throw MessageError(.missing, field, "an empty range") }
    guard first < UInt64(bound), count <= UInt64(bound) - first else {
      throw MessageError(.range, field, "\(count) from \(first) exceed \(bound)")
    }
    return Int(first)..<Int(first + count)
  }

  static func shards(
    _ range: UnsafeMutablePointer<Elbo__V1__ShardRange>?, _ field: String
  ) throws(MessageError) -> Range<Int> {
    guard let range = range?.pointee else { throw MessageError(.missing, field, "no shards") }
    return try self.range(first: UInt64(range.first), count: UInt64(range.count), field, bound: Limits.shards)
  }

  static func elements(
    _ range: UnsafeMutablePointer<Elbo__V1__ElementRange>?, _ field: String, bound: Int = Limits.elements
  ) throws(MessageError) -> Range<Int> {
    guard let range = range?.pointee else { throw MessageError(.missing, field, "no elements") }
    return try self.range(first: range.first, count: range.count, field, bound: bound)
  }

  static func shardSet(
    _ ranges: UnsafeMutablePointer<UnsafeMutablePointer<Elbo__V1__ShardRange>?>?, _ count: Int, _ field: String
  ) throws(MessageError) -> Intervals {
    guard count <= Limits.entries else { throw MessageError(.range, field, "\(count) ranges") }
    var parts: [Range<Int>] = []
    for index in 0..<count { parts.append(try shards(ranges?[index], field)) }
    return Intervals(parts)
  }

  static func elementSet(
    _ ranges: UnsafeMutablePointer<UnsafeMutablePointer<Elbo__V1__ElementRange>?>?, _ count: Int, _ field: String
  ) throws(MessageError) -> Intervals {
    guard count <= Limits.entries else { throw MessageError(.range, field, "\(count) ranges") }
    var parts: [Range<Int>] = []
    for index in 0..<count { parts.append(try elements(ranges?[index], field)) }
    return Intervals(parts)
  }
}

extension Arena {
  func position(_ position: PhaseIndex) -> UnsafeMutablePointer<Elbo__V1__PhaseIndex> {
    make(elbo__v1__phase_index__init) {
      $0.step = position.step
      $0.phase = position.phase
    }
  }

  /// `nil` for an empty range.
  func shards(_ shards: Range<Int>) -> UnsafeMutablePointer<Elbo__V1__ShardRange>? {
    guard !shards.isEmpty else { return nil }
    return make(elbo__v1__shard_range__init) {
      $0.first = UInt32(shards.lowerBound)
      $0.count = UInt32(shards.count)
    }
  }

  func elements(_ elements: Range<Int>) -> UnsafeMutablePointer<Elbo__V1__ElementRange> {
    make(elbo__v1__element_range__init) {
      $0.first = UInt64(elements.lowerBound)
      $0.count = UInt64(elements.count)
    }
  }

  func shardSet(_ set: Intervals) -> (UnsafeMutablePointer<UnsafeMutablePointer<Elbo__V1__ShardRange>?>, Int) {
    let parts = set.ranges.compactMap { shards($0) }
    return (list(parts), parts.count)
  }

  func elementSet(
    _ set: Intervals
  ) -> (UnsafeMutablePointer<UnsafeMutablePointer<Elbo__V1__ElementRange>?>, Int) {
    let parts = set.ranges.map { elements($0) }
    return (list(parts), parts.count)
  }
}
