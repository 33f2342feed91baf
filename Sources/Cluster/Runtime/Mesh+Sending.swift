import CKernels
import Messages
import Tensors
import Training
import ZeroMQ

extension Mesh {
  func send(
    _ kind: Chunk.Kind, _ phase: PhaseIndex, _ elements: Range<Int>, of sum: Sum, to nodes: [NodeNumber]
  ) {
    // What is written in different ways goes in different messages.
    for region in sum.pool.phase.regions(of: elements) { send(kind, phase, region: region, of: sum, to: nodes) }
  }

  private func send(
    _ kind: Chunk.Kind, _ phase: PhaseIndex, region elements: Range<Int>, of sum: Sum, to nodes: [NodeNumber]
  ) {
    var chunk = Chunk(
      kind: kind, position: phase, elements: elements, precision: sum.pool.wire(of: elements), checksum: 0,
      tally: elements.lowerBound == 0 ? sum.tally : nil, vectorCount: sum.pool.phase.count)
    let links = nodes.compactMap { link(to: $0) }
    let readers = links.filter { $0.isShared && sum.place != nil }
    // Made when it is needed: partial sums that lie in shared memory are not even looked at.
    var payload: SharedBytes?
    if case .total = kind { payload = sum.payload(elements) }
    if readers.count < links.count { payload = sum.payload(elements) }
    if let payload { chunk.checksum = Checksum.crc32c(payload.bytes) }
    if case .total = kind { store(phase) { $0.note(elements, checksum: chunk.checksum) } }
    for link in links where !(link.isShared && sum.place != nil) { link.waiting.append((chunk, payload!)) }
    guard !readers.isEmpty else { return }
    store(phase) { $0.lend(sum) }
    chunk.place = sum.place
    for link in readers {
      link.bodies.append(.chunk(chunk))
      bytesSent += UInt64(chunk.payloadCount)
    }
  }

  func sendState(_ phase: PhaseIndex, _ elements: Range<Int>, to node: NodeNumber) {
    guard let machine, machine.position == phase else { return }
    guard let (cached, state) = stateCache, cached == phase else {
      stateSends.append((phase, elements, node))
      exchange.takeState(phase)
      return
    }
    let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(state.bytes)[elements])
    let chunk = Chunk(
      kind: .state(digest: state.digest, chain: machine.chain), position: phase, elements: elements, precision: .bytes,
      checksum: Checksum.crc32c(bytes), tally: nil, vectorCount: state.bytes.count)
    link(to: node)?.waiting.append((chunk, SharedBytes(bytes) { withExtendedLifetime(state) {} }))
  }
}
