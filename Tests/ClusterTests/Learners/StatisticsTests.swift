import Foundation
import Learners
import Networks
import Tensors
import TestSupport
import Testing
import Training

/// Learners that have statistics beside a gradient, in one process.
@Suite("Statistics and carry") struct StatisticsTests {
  private static func alone(_ subject: Subject, shards: Int) -> LocalCluster {
    subject.cluster(nodes: 1, shards: shards)
  }

  private static func make(_ subject: Subject) -> any Learner { subject.make { _ in } }

  @Test(arguments: Subject.all, [1, 2, 3, 5, 64]) func lanesChangeNothing(_ subject: Subject, _ shards: Int)
    async throws
  {
    var checksums: [UInt32] = []
    for lanes in [1, 2, 4] {
      let learner = Self.make(subject)
      try await Self.alone(subject, shards: shards).train(learner, lanes: lanes)
      #expect(learner.parameters.isFinite)
      checksums.append(LocalCluster.checksum(of: learner))
    }
    #expect(Set(checksums).count == 1)
  }

  @Test(arguments: Subject.all) func goesOnInsideAnEpoch(_ subject: Subject) async throws {
    let folder = TemporaryFolder()
    let cluster = Self.alone(subject, shards: 3)
    let (whole, first, second) = (Self.make(subject), Self.make(subject), Self.make(subject))
    try await cluster.train(whole)
    try await cluster.train(first, to: Subject.middle)
    let moment = Trainer.Moment(step: Subject.middle, epoch: 1, seconds: 0, converged: false)
    let state = Checkpoint.State(first, at: moment, model: "test", recipe: "", data: "")
    let (run, lock) = try RunFolder.create(at: folder.path + "/run", name: "test", note: { _ in })
    defer { lock.release() }
    try Checkpoint.write(first, state: state, in: run, keeping: KeptCheckpoints(newest: 1))
    _ = try Checkpoint.restoreNewest(of: run, into: second, optimizer: true, note: { _ in })
    try await cluster.train(second, from: Subject.middle)
    #expect(LocalCluster.checksum(of: second) == LocalCluster.checksum(of: whole))

    // It needs all that was kept.
    let third = Self.make(subject)
    _ = try Checkpoint.restoreNewest(of: run, into: third, optimizer: true, note: { _ in })
    third.auxiliary.last!.bytes.initializeMemory(as: UInt8.self, repeating: 0)
    try await cluster.train(third, from: Subject.middle)
    #expect(third.parameters.sha256 != whole.parameters.sha256)
  }

  /// The gradient does not move this encoder, so all that the codes depend on are statistics.
  @Test(arguments: [1, 2, 3, 5, 64]) func areNotRoundedWithGradients(_ shards: Int) async throws {
    var cluster = LocalCluster(nodes: 1, shards: shards)
    cluster.steps = 9
    var digests: [String] = []
    var moments: Set<String> = []
    for precision in ExchangePrecision.allCases {
      let learner = Codebook(learningRate: 0) { _ in }
      cluster.precision = precision
      try await cluster.train(learner)
      digests.append([learner.parameters, learner.auxiliary.last!].sha256)
      moments.insert(learner.descent.moments.sha256)
    }
    #expect(digests[0] == digests[1])
    #expect(moments.count == 2, "gradients are rounded")
  }

  @Test func aCodeFollowsItsExamples() async throws {
    let learner = Codebook(learningRate: 0) { _ in }
    try await LocalCluster(nodes: 1, shards: 3).train(learner, to: 1)
    let averages = learner.auxiliary.last!
    let counts = Array(averages.doubles(averages.layout["count"]!))
    // 10 examples, and (1 − 0.8) of each count.
    #expect(abs(counts.reduce(0, +) - 2) < 1e-12)
    #expect(counts.contains { $0 > 0.3 })
  }

  // MARK: Carry

  /// What two cells know after each window is what they know when they see the stream from its beginning in one go.
  @Test(arguments: [1, 2, 5, 7]) func aStateIsCarriedToTheEndOfTheEpoch(_ shards: Int) async throws {
    let (learner, cluster) = (StreamNetwork(learningRate: 0) { _ in }, LocalCluster(nodes: 1, shards: shards))
    let streams = (0..<UInt32(StreamNetwork.streams)).map { $0 }
    for step in 0..<2 * StreamNetwork.windows {
      try await cluster.train(learner, from: step, to: step + 1)
      let seen = (step % StreamNetwork.windows + 1) * StreamNetwork.length
      let pass = Pass(predictingWith: ParameterViews(learner.parameters))
      let (_, state) = learner.core.unrolled(
        over: (0..<seen).map { StreamNetwork.numbers(of: streams, at: $0) }.joinedRows, steps: seen,
        from: learner.core.initialState(streams.count, pass)
      ) { _ in pass }
      let carried = learner.carry.rows.tensor(learner.carry.rows.layout.slots[0])
      for (known, expected) in zip(carried.values, state.values) { #expect(abs(known - expected) < 1e-5) }
    }
  }

  @Test(arguments: [1, 2, 3, 5, 64], ExchangePrecision.allCases)
  func nothingIsLostInATotal(_ shards: Int, _ precision: ExchangePrecision) throws {
    let (learner, crew) = (Known(), Crew(lanes: 2))
    let order = Order(learner.order, exampleCount: learner.exampleCount, seed: 0)
    var cursor = Order.Cursor(order, total: 3)
    let exchange = LocalExchange(learner, shards: shards, precision: precision)
    for number in 0..<3 {
      let step = cursor.step(number)
      let total = try exchange.sum(of: 0, in: step, crew: crew)
      #expect(total.examples == Known.rows.count)
      _ = try learner.absorb(total, phase: 0, of: step, with: crew)
      // 2^24 + 4 is the fifth float32 from there, each of the sums on the way is none.
      #expect(learner.counted == Double(Known.first + Known.rows.count - 1))
      let carried = learner.carry.rows.tensor(learner.carry.rows.layout.slots[0]).values.map(\.bitPattern)
      // −0 is kept as +0, whatever V is.
      #expect(carried == Known.rows.flatMap { $0 }.map { $0 == 0 ? 0 : $0.bitPattern })
    }
  }

  @Test func oneMoreThanAFloat32Counts() {
    var layout = Layout()
    layout.add("count", .scalar)
    let phase = Phase("phase", layout: layout, statistics: layout, metrics: [])
    let contributions = [Double(1 << 24), 1, 0].map { count in
      let contribution = Contribution(phase)
      contribution.statistics.float64[0] = count
      contribution.values.float32[0] = Float(count)
      return contribution
    }
    for contribution in contributions { #expect(contribution.statistics.float64.count == 16) }
    let total = Total(of: contributions[...], precision: .bfloat16)
    #expect(total.statistics()[layout.slots[0]][0] == Double(1 << 24 + 1))
    #expect(total.float32(block: 0)[0] == Float(1 << 24), "as a gradient it is rounded")
  }
}

@Suite struct StreamOrderTests {
  @Test func everyStepSeesAWindowOfEveryStream() {
    let order = Order(.streams(count: 7, steps: 3), exampleCount: 7, seed: 1)
    #expect(order.stepsPerEpoch == 3 && order.examplesPerStep == 7)
    var cursor = Order.Cursor(order, total: 9)
    for number in 0..<9 {
      let step = cursor.step(number)
      #expect(step.examples.indices == Array(0..<7))
      #expect((step.epoch, step.positionInEpoch) == (number / 3, number % 3))
      #expect((0..<9).flatMap { step.examples.shard($0, of: 9).indices } == Array(0..<7))
    }
  }
}
