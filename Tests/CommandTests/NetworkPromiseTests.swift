import Foundation
import Images
import Testing

extension CommandTests {
  @Suite("Networks by recipe: the same parameters_sha256, whatever computes them")
  struct NetworkPromiseTests {
    struct Case: CustomTestStringConvertible, Sendable {
      let model: String
      let settings: [String]
      /// Nil: the workspace's.
      var data: String?
      var testDescription: String { "\(model) \(settings.joined(separator: " "))" }

      init(_ model: String, _ settings: String...) { (self.model, self.settings) = (model, settings) }

      /// The same on other data.
      func on(_ data: String) -> Case {
        var copy = self
        copy.data = data
        return copy
      }
    }

    /// A folder of pictures of several sizes in the workspace.
    private static let pictures = "pictures"
    private static let images = "network.hidden=[conv 4 3 padding=1, norm batch, relu, pool max 2, 8]"

    static let cases = [
      Case("vae", images, "objective.likelihood=gaussian"),
      Case("vae", "network.architecture=convolutional", "network.filters=2", "network.levels=1"),
      Case("autoencoder", "network.hidden=[conv 2 3 2, dropout 0.2, tanh]"),
      Case("bbb", images), Case("bbb", images, "objective.scope=shard"),
      // More than a block of numbers, and statistics of batches among them.
      Case("bbb", "network.hidden=[300, norm batch, relu, 60]", "optimizer.clip_norm=1"),
      Case("bbb", images, "objective.estimator=local", "objective.prior=gaussian"),
      Case("bbb", "network.hidden=[conv 2 3, relu, dropout 0.3, 5]", "objective.estimator=flipout"),
      Case("mc-dropout", images, "network.drop_connect=0.3", "network.dropout=0", "train.members=2"),
      Case("mc-dropout", "network.hidden=[conv 2 3, relu, dropout 0.3, 5]"),
      Case("mc-dropout", "network.hidden=[conv 2 3, relu, 5]", "network.concrete=true"),
      Case("laplace", images, "objective.laplace_layers=all", "train.shards=3"),
      Case("laplace", images, "objective.laplace_layers=all", "objective.curvature=diagonal"),
      Case(
        "dcgan", "network.generator_architecture=dense", "network.generator=[9, 9, 9, 9]", "network.activation=relu"),
      Case(
        "dcgan", "network.normalisation=none", "network.generator_growth=1", "objective.loss=wasserstein",
        "objective.clip=0.01"),
      Case("mlp", "network.hidden=[8]", "objective.likelihood=evidential", "objective.evidence_warmup_epochs=2"),
      // The probability of changes moves.
      Case(
        "dcgan", "objective.augmentation_pipeline=[pixels, geometry, color]", "objective.augmentation_probability=0.3",
        "objective.augmentation_speed=1", "objective.r1=0.1"),
      Case(
        "vq-vae", "network.hidden=[conv 3 2 2, relu]", "network.codes=9", "network.code_width=2", "network.prior=none"),
      Case(
        "vq-vae", "network.hidden=[conv 3 2 2, relu]", "network.codes=9", "network.code_width=2",
        "network.prior_filters=4", "network.prior_layers=2", "objective.prior_start=0"),
      Case("segmentation", "network.filters=4", "data.crop=15", "data.mirror=true").on("shapes"),
      Case(
        "super-resolution", "network.filters=4", "network.dropout=0.2", "data.crop=18", "data.windows=2",
        "train.batch=5",
        "data.test_fraction=0.2", "optimizer.schedule=constant"
      ).on(pictures),
      Case(
        "super-resolution", "objective.posterior=variational", "network.filters=4", "data.crop=18", "data.windows=1",
        "train.batch=5", "data.test_fraction=0.2", "optimizer.schedule=constant"
      ).on(pictures),
      Case(
        "segmentation", "network.architecture=mlp", "objective.class_noise=logits",
        "network.hidden=[conv 4 3 padding=1, pool max 2 round=up, dropout 0.2, conv 4 3 padding=1, unpool]"
      ).on("shapes"),
    ]

    private static func writePictures(to workspace: borrowing Workspace) throws {
      try FileManager.default.createDirectory(atPath: workspace[pictures], withIntermediateDirectories: true)
      for index in 0..<12 {
        let (height, width) = (20 + index % 3, 24 - index % 2)
        let samples = (0..<3 * height * width).map { UInt8(($0 * $0 + 31 * index) / 7 % 256) }
        try workspace.write(
          "pictures/\(index).png", PNG.encode(Raster(width: width, height: height, channels: 3, samples: samples)))
      }
    }

    @Test("Lanes, nodes and an interruption", arguments: cases)
    func equal(_ network: Case) async throws {
      let workspace = try Workspace()
      if network.data == Self.pictures { try Self.writePictures(to: workspace) }
      let data = network.data.map { $0 == Self.pictures ? workspace[$0] : $0 }
      let settings = network.settings.flatMap { ["--set", $0] } + (data.map { ["--data", $0] } ?? [])
      func arguments(_ out: String, _ more: String...) -> [String] {
        workspace.training(network.model, out: out, settings + more)
      }
      let one = try await Elbo.run(arguments("one", "--steps", "14", "--lanes", "1")).hash()
      #expect(try await Elbo.run(arguments("four", "--steps", "14", "--lanes", "4")).hash() == one)
      for nodes in [2, 4] {
        let launch = ["launch"] + arguments("nodes-\(nodes)", "--steps", "14", "--nodes", "\(nodes)").dropFirst()
        #expect(try await Elbo.run(launch).hash() == one, "\(nodes) nodes")
      }
      _ = try await Elbo.run(arguments("half", "--steps", "7"))
      let resumed = try await Elbo.run(
        "train", "--resume", workspace["half"], "--steps", "14", "--quiet", "--json")
      #expect(try resumed.hash() == one)
      // What is drawn and predicted is another use of the same network.
      let evaluated = try await Elbo.run("evaluate", workspace["one"], "--json")
      #expect(evaluated.status == .exited(0), "\(evaluated.error)")
    }
  }
}
