import Foundation
import Synchronization
import Testing
import ZeroMQ

@Suite(.timeLimit(.minutes(15))) struct SocketTests {
  @Test func echoesMessagesOfSeveralFrames() async throws {
    try await withContext { context in
      let server = Peer(context)
      let client = Peer(context)
      try await server.open(.router)
      try await client.open(.dealer)
      let endpoint = try await server.bind("tcp://127.0.0.1:*")
      try await client.connect(endpoint)
      await server.echo()
      try await client.sendWhenConnected([frame("one"), frame(""), frame("three")])
      #expect(await client.next().map(text) == ["one", "", "three"])
      await client.close()
      await server.close()
    }
  }

  /// Two contexts stand for two processes: nothing is shared but the wire.
  @Test func bulkFramesAreReleasedOnceWhenTheLastPeerHasThem() async throws {
    try await withContext("left") { left in
      try await withContext("right") { right in
        let sender = Peer(left)
        try await sender.open(.router)
        let endpoint = try await sender.bind("tcp://127.0.0.1:*")
        let receivers = [Peer(right), Peer(right), Peer(right)]
        for (index, receiver) in receivers.enumerated() {
          var options = SocketOptions()
          options.routingID = [UInt8(index + 1)]
          try await receiver.open(.dealer, options: options)
          try await receiver.connect(endpoint)
        }
        await sender.untilCounts { $0.greeted == 3 }
        for receiver in receivers { await receiver.untilCounts { $0.greeted == 1 } }

        let count = 4 << 20
        let released = Atomic(0)
        // Let go in `deinit`, which libzmq's I/O thread runs.
        await withUnsafeContinuation { (done: UnsafeContinuation<Void, Never>) in
          let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 64)
          for index in 0..<count { memory[index] = UInt8(truncatingIfNeeded: index &* 31) }
          let pointer = UInt(bitPattern: memory.baseAddress!)
          let shared = SharedBytes(UnsafeRawBufferPointer(memory)) {
            released.add(1, ordering: .relaxed)
            UnsafeMutableRawPointer(bitPattern: pointer)!.deallocate()
            done.resume()
          }
          Task {
            for index in receivers.indices {
              var result = Socket.SendResult.unroutable
              // A dealer's greeting may be done a moment before the router knows its id.
              while result != .sent {
                result = try await sender.send([.bytes([UInt8(index + 1)]), frame("head"), .shared(shared)])
              }
            }
          }
        }
        let releases = released.load(ordering: .relaxed)
        #expect(releases == 1)
        for receiver in receivers {
          let frames = await receiver.next()
          #expect(text(frames[0]) == "head")
          #expect(frames[1].count == count)
          let wrong = frames[1].withUnsafeBytes { bytes in
            bytes.indices.count { bytes[$0] != UInt8(truncatingIfNeeded: $0 &* 31) }
          }
          #expect(wrong == 0)
          await receiver.close()
        }
        await sender.close()
      }
    }
  }

  @Test func smallSharedFramesAreCopiedAndReleasedAtOnce() async throws {
    try await withContext { context in
      let pair = [Peer(context), Peer(context)]
      for peer in pair { try await peer.open(.pair) }
      let endpoint = try await pair[0].bind("tcp://127.0.0.1:*")
      try await pair[1].connect(endpoint)
      await pair[1].untilCounts { $0.greeted == 1 }
      let released = Atomic(false)
      do {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 100, alignment: 1)
        memory.initializeMemory(as: UInt8.self, repeating: 7)
        let pointer = UInt(bitPattern: memory.baseAddress!)
        let shared = SharedBytes(UnsafeRawBufferPointer(memory)) {
          released.store(true, ordering: .releasing)
          UnsafeMutableRawPointer(bitPattern: pointer)!.deallocate()
        }
        try await pair[1].send([.shared(shared)])
      }
      let isReleased = released.load(ordering: .acquiring)
      #expect(isReleased)
      #expect(await pair[0].next()[0].array == [UInt8](repeating: 7, count: 100))
      for peer in pair { await peer.close() }
    }
  }

  @Test func aSharedFrameThatCannotBeSentIsReleased() async throws {
    try await withContext { context in
      let router = Peer(context)
      try await router.open(.router)
      let released = Atomic(false)
      do {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 1)
        let pointer = UInt(bitPattern: memory.baseAddress!)
        let shared = SharedBytes(UnsafeRawBufferPointer(memory)) {
          released.store(true, ordering: .releasing)
          UnsafeMutableRawPointer(bitPattern: pointer)!.deallocate()
        }
        #expect(try await router.send([frame("absent"), .shared(shared)]) == .unroutable)
      }
      let isReleased = released.load(ordering: .acquiring)
      #expect(isReleased)
      await router.close()
    }
  }

  @Test func sendingToNobodyIsTold() async throws {
    try await withContext { context in
      let dealer = Peer(context)
      try await dealer.open(.dealer)
      try await dealer.connect(Endpoint("tcp://127.0.0.1:1"))
      #expect(try await dealer.send([frame("hello")]) == .wouldBlock)
      await dealer.close()
    }
  }

  @Test func floodsOfFramesAreDropped() async throws {
    try await withContext { context in
      let pair = [Peer(context), Peer(context)]
      for peer in pair { try await peer.open(.pair) }
      try await pair[1].connect(try await pair[0].bind("tcp://127.0.0.1:*"))
      try await pair[1].sendWhenConnected([OutgoingFrame](repeating: frame("x"), count: 1000))
      try await pair[1].send([frame("after")])
      #expect(await pair[0].next().map(text) == ["after"])
      #expect(await pair[0].oversized == [1000])
      for peer in pair { await peer.close() }
    }
  }

  @Test func overlargeFramesDisconnectTheirSender() async throws {
    try await withContext { context in
      let server = Peer(context)
      var options = SocketOptions()
      options.maximumFrame = 1000
      try await server.open(.router, options: options)
      let client = Peer(context)
      try await client.open(.dealer)
      try await client.connect(try await server.bind("tcp://127.0.0.1:*"))
      try await client.sendWhenConnected([.bytes([UInt8](repeating: 0, count: 1001))])
      await server.untilCounts { $0.disconnected == 1 }
      await client.close()
      await server.close()
    }
  }

  @Test func plainTextStaysOnThisMachine() async throws {
    try await withContext { context in
      let peer = Peer(context)
      try await peer.open(.router)
      for endpoint in ["tcp://0.0.0.0:*", "tcp://*:*", "tcp://10.1.2.3:7700"] {
        let error = await #expect(throws: ZeroMQError.self) { try await peer.bind(endpoint) }
        #expect(error?.code == .plainTextRefused)
      }
      let error = await #expect(throws: ZeroMQError.self) { try await peer.connect(Endpoint("tcp://example.org:1")) }
      #expect(error?.code == .plainTextRefused)
      await peer.close()

      let asked = Peer(context)
      try await asked.open(.router, security: .plainAnywhere)
      _ = try await asked.bind("tcp://0.0.0.0:*")
      await asked.close()
    }
  }

  /// libzmq removes whatever lies there.
  @Test func aUnixSocketTakesTheNameOfNoFileAndOfNoOneWhoListens() async throws {
    let folder = NSTemporaryDirectory() + "elbo-sockets-\(UInt32.random(in: 0...UInt32.max))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Data("a thesis".utf8).write(to: URL(fileURLWithPath: folder + "/file"))
    try await withContext { context in
      let peers = [Peer(context), Peer(context), Peer(context)]
      for peer in peers { try await peer.open(.router) }
      let refused = await #expect(throws: ZeroMQError.self) { try await peers[0].bind("ipc://\(folder)/file") }
      #expect(refused?.code == .badEndpoint)
      #expect(FileManager.default.contents(atPath: folder + "/file") == Data("a thesis".utf8))
      let nowhere = await #expect(throws: ZeroMQError.self) { try await peers[0].bind("ipc://\(folder)/no/socket") }
      #expect(nowhere?.code == .badEndpoint)
      _ = try await peers[0].bind("ipc://\(folder)/socket")
      let busy = await #expect(throws: ZeroMQError.self) { try await peers[1].bind("ipc://\(folder)/socket") }
      #expect(busy?.code == .addressInUse)
      // As a process leaves it behind that is killed.
      #expect(mknod(folder + "/left", S_IFSOCK | 0o600, 0) == 0)
      _ = try await peers[2].bind("ipc://\(folder)/left")
      for peer in peers { await peer.close() }
    }
  }

  @Test func anAddressInUseIsSaid() async throws {
    try await withContext { context in
      let peers = [Peer(context), Peer(context)]
      for peer in peers { try await peer.open(.router) }
      let endpoint = try await peers[0].bind("tcp://127.0.0.1:*").description
      let error = await #expect(throws: ZeroMQError.self) { try await peers[1].bind(endpoint) }
      #expect(error?.code == .addressInUse)
      for peer in peers { await peer.close() }
    }
  }
}
