import CKernels
import Messages
import Tensors
import Training
import ZeroMQ

extension Mesh {
  func send(
    _ kind: Chunk.Kind, _ phase: PhaseIndex, _ elements: Range<Int>, of sum: Sum, to nodes: [NodeNumber]
  ) {
    let bytes = UnsafeRawBufferPointer(sum.bytes(elements))
    let chunk = Chunk(
      kind: kind, position: phase, elements: elements,
      precision: sum.contribution.values.precision == .float32 ? .float32 : .float64,
      checksum: Checksum.crc32c(bytes), tally: elements.lowerBound == 0 ? sum.tally : nil,
      vectorCount: sum.contribution.values.layout.count)
    let shared = SharedBytes(bytes) { withExtendedLifetime(sum) {} }
    for node in nodes { link(to: node)?.waiting.append((chunk, shared)) }
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
