import Messages

func digest(_ byte: UInt8) -> Digest { Digest(bytes: [UInt8](repeating: byte, count: 32))! }
func phase(_ step: UInt64, _ phase: UInt32) -> PhaseIndex { PhaseIndex(step: step, phase: phase) }
func node(_ number: UInt32) -> NodeNumber { NodeNumber(rawValue: number)! }
let job = JobID(rawValue: 0x0123_4567_89AB_CDEF)!
let incarnation = Incarnation(rawValue: 99)!

/// The values that scripts/reference/messages.py serialises, by the same names.
enum Samples {
  static func member(_ number: UInt32, _ shards: Range<Int>) -> Member {
    Member(
      node: node(number), incarnation: Incarnation(rawValue: 1000 + UInt64(number))!, name: "n\(number)", lanes: 2,
      dataEndpoints: ["tcp://10.0.0.\(number):7701"],
      publicKey: PublicKey(bytes: [UInt8](repeating: UInt8(number), count: 32)), shards: shards)
  }

  static func fromNode(_ body: ControlBody) -> ControlMessage {
    ControlMessage(job: job, sender: node(7), incarnation: incarnation, epoch: Epoch(rawValue: 0), body: body)
  }

  static func fromCoordinator(_ body: ControlBody) -> ControlMessage {
    ControlMessage(job: job, sender: nil, incarnation: nil, epoch: Epoch(rawValue: 2), body: body)
  }

  static func fromStranger(_ body: ControlBody, incarnation: Incarnation? = nil) -> ControlMessage {
    ControlMessage(job: nil, sender: nil, incarnation: incarnation, epoch: Epoch(rawValue: 0), body: body)
  }

  static let waits = [Wait(node: node(3), cause: .totals)]

  static let control: [String: ControlMessage] = [
    "recipe_request": fromStranger(.recipeRequest(RecipeRequest(build: "elbo 1.0 abc", name: "rack3"))),
    "recipe": fromCoordinator(
      .recipe(RecipeReply(yaml: Array("model: vae\n".utf8), digest: digest(1), shards: 8, steps: 12000))),
    "hello": fromStranger(
      .hello(
        Hello(
          name: "rack3-nöde", incarnation: incarnation, build: "elbo 1.0 abc", recipe: digest(1), data: digest(2),
          lanes: 4, dataEndpoints: ["tcp://10.0.0.1:7701", "tcp://[fe80::1]:7701"],
          publicKey: PublicKey(bytes: digest(3).bytes), view: ViewNumber(rawValue: 5), position: phase(11, 1))),
      incarnation: incarnation),
    "welcome": fromCoordinator(
      .welcome(
        Welcome(node: node(7), incarnation: incarnation, heartbeatMilliseconds: 1000, missedHeartbeats: 3))),
    "refused": fromCoordinator(
      .refused(Refused(code: .dataDiffers, explanation: "other data", incarnation: incarnation))),
    "refused_stale": fromCoordinator(
      .refused(
        Refused(
          code: .staleIncarnation, explanation: "a later start is known", incarnation: incarnation,
          known: Incarnation(rawValue: 100)))),
    "view": fromCoordinator(
      .view(
        View(
          number: ViewNumber(rawValue: 6), members: [member(1, 0..<3), member(2, 0..<0), member(4, 3..<8)], shards: 8,
          cause: "node 3 is lost"))),
    "view_ack": fromNode(.viewAcknowledgement(ViewAcknowledgement(view: ViewNumber(rawValue: 6)))),
    "dismissed": fromCoordinator(
      .dismissed(
        Dismissed(view: ViewNumber(rawValue: 7), explanation: "no heartbeat for 3 s", incarnation: incarnation))),
    "leave": fromNode(.leave(Leave(reason: .asked, explanation: "SIGTERM"))),
    "heartbeat": fromNode(
      .heartbeat(
        Heartbeat(
          view: ViewNumber(rawValue: 6), sequence: 42, position: phase(11, 1),
          chain: Chain(rawValue: 0xFEDC_BA98_7654_3210), stage: .exchanging, shardsDone: Intervals([0..<2, 4..<5]),
          waits: waits, waitingMilliseconds: 17, stepMicroseconds: 4100, bytesReceived: 1 << 40, bytesSent: 12,
          objective: -241.5, examplesPerSecond: 1e5))),
    "heartbeat_reply": fromCoordinator(
      .heartbeatReply(HeartbeatReply(sequence: 42, view: ViewNumber(rawValue: 6), recorded: 600, saved: 580))),
    "late": fromNode(
      .late(
        Late(
          view: ViewNumber(rawValue: 6), position: phase(11, 1), missing: Intervals([3..<8]),
          shardsDone: Intervals([0..<3]), waitingMilliseconds: 250))),
    "execute": fromCoordinator(
      .execute(Execute(view: ViewNumber(rawValue: 6), position: phase(11, 1), node: node(1), shards: 3..<5))),
    "stop": fromCoordinator(.stop(Stop(reason: .completed, explanation: "all steps done"))),
    "recipe_with_start": fromCoordinator(
      .recipe(
        RecipeReply(
          yaml: Array("model: vae\n".utf8), digest: digest(1), shards: 8, steps: 12000,
          start: StateOffer(step: 600, converged: false, count: 1 << 33, digest: digest(5))))),
    "report": fromNode(
      .report(
        Report(
          step: 600, examples: 60000,
          metrics: [Report.Metric("test/elbo", -99.5), Report.Metric("train/elbo", -101.25)]))),
    "save_request": fromCoordinator(.saveRequest),
    "state_offer": fromNode(.stateOffer(StateOffer(step: 600, converged: true, count: 4096, digest: digest(5)))),
    "state_request": fromCoordinator(.stateRequest(StateRequest(digest: digest(5), bytes: 1024..<2048))),
    "state_part": fromNode(.statePart(StatePart(digest: digest(5), first: 1024, payload: [UInt8](0..<200)))),
    "lease_request": fromNode(.leaseRequest(LeaseRequest(lanes: 2))),
    "sample_lease": fromCoordinator(
      .sampleLease(
        SampleLease(
          lease: 5, prediction: 77, parameters: digest(4), samples: 100..<150, examples: 0..<1000,
          deadlineMilliseconds: 5000))),
    "sample_result": fromNode(
      .sampleResult(
        SampleResult(
          lease: 5, prediction: 77, samples: 100..<101, examples: 10..<13, outputs: 2, statistics: 2,
          moments: (0..<12).flatMap { [UInt8($0), 0, 0, 0, 0, 0, 0, 0] }))),
    "prediction": fromStranger(
      .prediction(
        PredictionOffer(
          prediction: 77, recipe: Array("model: bbb\n".utf8), parameters: digest(4), parametersCount: 1 << 20,
          inputs: digest(6), inputKind: .float32, inputShape: [28, 28], examples: 10000, seed: 3, outputs: 10,
          schema: Array("{}".utf8)))),
    "assist": fromStranger(
      .assist(
        Assist(
          prediction: 77, endpoint: "tcp://10.0.0.9:41000", publicKey: PublicKey(bytes: digest(3).bytes),
          status: progress))),
    "status_request": fromStranger(.statusRequest),
    "status_reply": fromCoordinator(
      .statusReply(
        StatusReply(
          job: JobStatus(
            recipe: "vae", state: .running, job: job, position: phase(11, 1), steps: 12000, shards: 8,
            objective: -241.5, examplesPerSecond: 1e5, secondsRunning: 60.5, secondsLeft: .infinity,
            view: ViewNumber(rawValue: 6), viewChanges: 5, coordinatorRestarts: 1, refusedMessages: 3,
            explanation: "", build: "elbo 1.0 abc"),
          nodes: [
            NodeStatus(
              node: node(1), name: "n1", incarnation: Incarnation(rawValue: 1001)!, state: .stuck,
              view: ViewNumber(rawValue: 6), position: phase(11, 1), stage: .computing, shards: 0..<3, shardsDone: 2,
              lanes: 2, secondsSinceSeen: 0.25, stepMicroseconds: 4100, bytesReceived: 10, bytesSent: 20,
              waits: waits, secondsWaiting: 1.5, restarts: 2, address: "tcp://10.0.0.1:7701")
          ],
          help: [HelpStatus(prediction: 77, status: progress)]))),
  ]

  static let progress = PredictionStatus(
    samples: 200, examples: 10000, piece: 512..<1024, leases: 16, leasesDone: 3,
    out: [PredictionStatus.Lease(node: "n1", samples: 100..<150, examples: 512..<768, seconds: 0.5)])

  static let header = DataHeader(
    job: job, sender: node(7), incarnation: incarnation, view: ViewNumber(rawValue: 6), position: phase(11, 1),
    bytesBefore: 1 << 33)

  static let floats = [UInt8](0..<40)
  static let state = [UInt8](0..<200) + [UInt8](0..<200)

  /// Message and payload.
  static let data: [String: (DataMessage, [UInt8])] = [
    "partial": (
      DataMessage(
        header: header,
        body: .chunk(
          Chunk(
            kind: .partial(subtree: 4..<6), position: phase(11, 1), elements: 0..<10, precision: .float32,
            checksum: Checksum.crc32c(floats), tally: Tally(examples: 25, metrics: [1.5, -2.0]), vectorCount: 100))),
      floats
    ),
    "total": (
      DataMessage(
        header: header,
        body: .chunk(
          Chunk(
            kind: .total, position: phase(11, 1), elements: 60..<80, precision: .bfloat16,
            checksum: Checksum.crc32c(floats), tally: nil, vectorCount: 100))),
      floats
    ),
    "lent": (
      DataMessage(
        header: header,
        body: .chunk(
          Chunk(
            kind: .partial(subtree: 4..<6), position: phase(11, 1), elements: 60..<80, precision: .float64,
            checksum: 0, tally: nil, vectorCount: 100,
            place: Place(process: 4711, descriptor: 12, token: 0xFEDC_BA98_7654_3210, age: 300)))),
      []
    ),
    "state": (
      DataMessage(
        header: header,
        body: .chunk(
          Chunk(
            kind: .state(digest: digest(5), chain: Chain(rawValue: 12345)), position: phase(12, 0),
            elements: 0..<400, precision: .bytes, checksum: Checksum.crc32c(state), tally: nil, vectorCount: 1000))),
      state
    ),
    "sync": (
      DataMessage(
        header: header,
        body: .sync(
          Sync(
            position: phase(11, 1), chain: Chain(rawValue: 1), previousChain: Chain(rawValue: 2), retainsTotals: true,
            shardsDone: Intervals([0..<1, 2..<4])))), []
    ),
    "acknowledgement": (DataMessage(header: header, body: .acknowledgement), []),
    "request_partials": (
      DataMessage(
        header: header,
        body: .request(
          .partials(position: phase(11, 1), shards: Intervals([4..<8]), elements: Intervals([0..<5, 9..<10])))), []
    ),
    "request_sync": (DataMessage(header: header, body: .request(.sync)), []),
    "credit": (DataMessage(header: header, body: .credit(limit: 1 << 34)), []),
  ]

  static let log: [String: LogRecord] = [
    "coordinator_started": .coordinatorStarted(
      job: job, epoch: Epoch(rawValue: 2), recipe: digest(1), build: "elbo 1.0 abc", shards: 8),
    "data_fingerprinted": .dataFingerprinted(digest(2)),
    "node_numbered": .nodeNumbered(name: "n1", node: node(1), incarnation: Incarnation(rawValue: 1001)!),
    "view_decided": .viewDecided(
      View(
        number: ViewNumber(rawValue: 6),
        members: [
          Member(
            node: node(1), incarnation: Incarnation(rawValue: 1001)!, name: "n1", lanes: 2,
            dataEndpoints: ["tcp://10.0.0.1:7701"], publicKey: nil, shards: 0..<8)
        ], shards: 8, cause: "start")),
    "checkpoint_written": .checkpointWritten(position: phase(12, 0), chain: Chain(rawValue: 12345)),
    "job_ended": .jobEnded(.completed),
  ]
}

/// Decodes from arrays; the payload is copied out so that it outlives the frames.
func decode(_ frames: [[UInt8]]) throws(MessageError) -> (DataMessage, [UInt8]) {
  var buffers: [UnsafeMutableRawBufferPointer] = []
  defer { for buffer in buffers { buffer.deallocate() } }
  for frame in frames {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: frame.count, alignment: 1)
    buffer.copyBytes(from: frame)
    buffers.append(buffer)
  }
  let decoded = try DataMessage.decode(frames: buffers.map { UnsafeRawBufferPointer($0) })
  return (decoded.message, Array(decoded.payload))
}

func decodeRecord(_ bytes: [UInt8]) throws(MessageError) -> LogRecord {
  let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
  defer { buffer.deallocate() }
  buffer.copyBytes(from: bytes)
  return try LogRecord(decoding: UnsafeRawBufferPointer(buffer))
}
