import Messages
import Training
import ZeroMQ

extension Mesh {
  func receive() {
    for _ in 0..<64 {
      guard router != nil else { return }
      let received: Socket.Received
      do { received = try router!.receive(maximumFrames: 3) } catch { return }
      switch received {
      case .nothing:
        afterwards()
        return
      case .tooManyFrames: refused += 1
      case .message(let frames): receive(frames)
      }
    }
    afterwards()
  }

  private func receive(_ frames: [IncomingFrame]) {
    let decoded: DataMessage.Decoded
    do throws(MessageError) {
      decoded = try DataMessage.decode(frames: frames.dropFirst().map(\.unsafeBytes))
    } catch {
      return refuse("\(error)", from: frames[0])
    }
    monitor?.heard(frames[1])
    let (message, payload) = (decoded.message, decoded.payload)
    let sender = message.header.sender
    guard message.header.job == configuration.job else { return refuse("it is of another job", from: frames[0]) }
    guard isGenuine(frames[1], sender) else {
      return refuse("its connection's key is not that of \(sender)", from: frames[0])
    }
    guard machine != nil else {
      refused += 1
      return
    }
    // Of this view, and of the member that is meant: what a stranger says about credit is not believed either.
    let isOfView =
      message.header.view == machine!.view?.number
      && machine!.view?.member(sender)?.incarnation == message.header.incarnation
    switch message.body {
    case .credit(let limit):
      if isOfView { credits.grant(limit: limit, by: sender) }
      return
    case .chunk(let chunk):
      guard fits(chunk) else { return refuse("its numbers are none of this recipe's", from: frames[0]) }
      if let place = chunk.place {
        guard isOfView, let lent = lent(chunk, at: place, by: sender), take(message, chunk, lent) else {
          refused += 1
          return
        }
        bytesReceived += UInt64(chunk.payloadCount)
      } else {
        if isOfView, links[sender] != nil {
          grants.receive(bytesBefore: message.header.bytesBefore, bytes: payload.count, from: sender)
        }
        bytesReceived += UInt64(payload.count)
        carryOut(machine!.receive(message, now: .now), chunk: chunk, payload: payload)
        stores[chunk.position]?.keepReceived()
      }
      for link in links.values where !link.waiting.isEmpty { flush(link) }
      // What was taken is copied: room for more.
      if chunk.place == nil, isOfView, let limit = grants.release(payload.count, of: sender) {
        send(.credit(limit: limit), to: [sender])
      }
    case .request(.payloads):
      if isOfView { links[sender]?.isShared = false }
    case .request:
      // A node that asks may have missed the last word on credit.
      if isOfView, links[sender] != nil { send(.credit(limit: grants.announce(to: sender)), to: [sender]) }
      carryOut(machine!.receive(message, now: .now))
    default: carryOut(machine!.receive(message, now: .now))
    }
    withExtendedLifetime(frames) {}
  }

  /// Counts it, and says so once a peer.
  private func refuse(_ reason: String, from route: IncomingFrame) {
    refused += 1
    let route = RoutingID(bytes: route.array)
    if noted.isFirst(route) { note("a message of a peer is refused: \(reason)") }
  }

  /// Adds or copies numbers where they lie, and then looks whether they were those that were meant, before anything
  /// follows from them. False: they were not, and it is as if the chunk had not come.
  private func take(_ message: DataMessage, _ chunk: Chunk, _ lent: LentPayload) -> Bool {
    let before = machine
    let directives = machine!.receive(message, now: .now)
    let numbers = directives.prefix { $0.readsPayload }
    carryOut(numbers, chunk: chunk, payload: lent.bytes)
    stores[chunk.position]?.keepReceived()
    guard lent.isIntact else {
      machine = before
      return false
    }
    carryOut(directives.dropFirst(numbers.count))
    return true
  }

  /// The payload of a chunk that a member of the view has not sent; `nil`: it is not there.
  private func lent(_ chunk: Chunk, at place: Place, by sender: NodeNumber) -> LentPayload? {
    guard let link = links[sender], chunk.payloadCount <= Limits.payload else { return nil }
    // Who does not show its own memory does not look at others' either.
    switch configuration.isShared ? link.memory.payload(of: chunk, at: place) : .unseen {
    case .found(let payload): return payload
    case .damaged: return nil
    case .unseen:
      // From now on the peer sends what it has; and this once more.
      send(.request(.payloads), to: [sender])
      let elements = Intervals(chunk.elements)
      if case .partial(let subtree) = chunk.kind {
        send(
          .request(.partials(position: chunk.position, shards: Intervals(subtree), elements: elements)), to: [sender])
      } else {
        send(.request(.totals(position: chunk.position, elements: elements)), to: [sender])
      }
      return nil
    }
  }

  /// With encryption, a message is its sender's only if the connection has proved the member's key.
  private func isGenuine(_ frame: IncomingFrame, _ sender: NodeNumber) -> Bool {
    guard case .curve = configuration.security else { return true }
    guard let member = machine?.view?.member(sender), let key = member.publicKey else { return true }
    return frame.provenKey?.bytes == key.bytes
  }

  /// Whether a chunk's numbers are such as this recipe's phases have.
  private func fits(_ chunk: Chunk) -> Bool {
    if case .state = chunk.kind { return true }
    guard exchange.sequence.contains(chunk.position) else { return false }
    let phase = configuration.phases[Int(chunk.position.phase)]
    let pool = exchange.pools[Int(chunk.position.phase)]
    guard pool.canBeSent(chunk.elements), chunk.precision == pool.wire(of: chunk.elements) else { return false }
    guard let tally = chunk.tally else { return true }
    return tally.metrics.count == phase.metrics.count && tally.examples < 0x1p53
      && tally.examples == tally.examples.rounded()
  }
}
