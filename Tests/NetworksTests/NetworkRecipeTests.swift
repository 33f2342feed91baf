import Networks
import Recipes
import Tensors
import Testing

@Suite("Networks as recipes write them")
struct NetworkRecipeTests {
  private static func recipe(_ yaml: String, input: [Int] = [28, 28, 1]) throws -> NetworkRecipe {
    try NetworkRecipe(try Recipe(yaml: "network: {\(yaml)}", source: "test")["network"], input: input, default: [7])
  }

  @Test(
    arguments: [
      ("12", LayerSpec.units(12)), ("dense 3", .dense(3)),
      ("conv 32 4 2 padding=1", .convolution(filters: 32, Window(4, stride: 2, padding: 1))),
      ("conv 8 3 dilation=2 bias=false", .convolution(filters: 8, Window(3, dilation: 2, hasBias: false))),
      (
        "deconv 8 4 2 padding=1 output_padding=1",
        .transposedConvolution(filters: 8, Window(4, stride: 2, padding: 1, outputPadding: 1))
      ),
      ("pool max 2", .pooling(.maximum, Window(2, stride: 2))),
      ("pool average 3 2 padding=1", .pooling(.average, Window(3, stride: 2, padding: 1))),
      ("upsample 2", .upsampling(2, .nearest)), ("norm batch", .normalization(.batch)),
      ("leaky-relu", .activation(.leakyReLU)), ("dropout 0.25", .dropout(0.25)),
    ] as [(String, LayerSpec)])
  func entries(_ text: String, _ spec: LayerSpec) throws {
    #expect(try LayerSpec(text) == spec)
    #expect(try LayerSpec("\(spec)") == spec || text.contains("output_padding"))
  }

  @Test(
    "What is wrong with an entry, and how it is written",
    arguments: [
      ("conv 8", "lacks SIZE: write conv FILTERS SIZE [STRIDE]"), ("conv 8 0", "not a whole number from 1"),
      ("conv 8 3 1 1", "goes on with 1"), ("conv 8 3 paddding=1", "no option paddding"),
      ("pool min 2", "says min, not average or max"), ("dropout 1", "not a number from 0 to below 1"),
      ("relu 2", "goes on with 2: it takes nothing"), ("gelo", "the nearest is gelu"), ("0", "from 1 to 1000000"),
      ("norm", "lacks batch or instance or layer or pixel"),
    ])
  func mistakes(_ text: String, _ message: String) {
    let error = #expect(throws: RecipeError.self) { try LayerSpec(text) }
    #expect(error?.description.contains(message) == true, "\(String(describing: error))")
  }

  @Test(
    "Shapes are inferred and slots named",
    arguments: [
      (
        "hidden: [conv 6 5 padding=2, relu, pool max 2, conv 16 5, norm batch, relu, 84]",
        [
          "layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias", "layers.1.norm.weight",
          "layers.1.norm.bias", "layers.1.norm.running_mean", "layers.1.norm.running_var", "layers.2.weight",
          "layers.2.bias", "layers.3.weight", "layers.3.bias",
        ], "layers.2.weight", [84, 10 * 10 * 16]
      ),
      (
        "architecture: lenet",
        (0..<5).flatMap { ["layers.\($0).weight", "layers.\($0).bias"] }, "layers.2.weight", [120, 5 * 5 * 16]
      ),
      (
        "architecture: 3conv3fc",
        (0..<6).flatMap { ["layers.\($0).weight", "layers.\($0).bias"] }, "layers.3.weight", [1000, 128]
      ),
      (
        "architecture: convolutional, filters: 4",
        (0..<3).flatMap { ["layers.\($0).weight", "layers.\($0).bias"] }, "layers.2.weight", [10, 7 * 7 * 8]
      ),
    ] as [(String, [String], String, [Int])])
  func layouts(_ yaml: String, _ names: [String], _ slot: String, _ shape: [Int]) throws {
    var layout = Layout()
    let network = try Self.recipe(yaml).network(name: "layers", outputs: 10, layout: &layout)
    #expect(layout.slots.map(\.name) == names)
    #expect(layout[slot]?.shape == Shape(shape))
    let parameters = FlatBuffer("parameters", layout)
    network.initialize(parameters, seed: 1)
    #expect(network(.zeros([3, 784]), Pass(predictingWith: ParameterViews(parameters))).shape == [3, 10])
  }

  @Test(
    "A layer that does not fit is named with its place",
    arguments: [
      ("hidden: [conv 8 5, pool max 40]", [28, 28, 1], "layer 2, `pool max 40 40`, does not fit: a window of 40"),
      ("hidden: [32, conv 8 5]", [28, 28, 1], "`conv 8 5` needs images, not rows of 32 numbers"),
      ("architecture: alexnet", [7], "needs images"),
      ("architecture: 3conv3fc", [4, 4, 1], "network.architecture=3conv3fc: layer 6, `pool max 3 2`, does not fit"),
      ("architecture: lenett", [28, 28, 1], "the nearest is lenet"),
      ("hidden: [convolution 8 5]", [28, 28, 1], "network.hidden: there is no layer `convolution`"),
    ])
  func misfits(_ yaml: String, _ input: [Int], _ message: String) {
    let error = #expect(throws: RecipeError.self) {
      var layout = Layout()
      _ = try Self.recipe(yaml, input: input).network(name: "layers", outputs: 2, layout: &layout)
    }
    #expect(error?.description.contains(message) == true, "\(String(describing: error))")
  }

  @Test(
    "A decoder is the encoder's mirror image, for sizes that halve with and without a rest",
    arguments: [
      ("hidden: [50, 20]", [28, 28, 1]), ("hidden: []", [5]),
      ("hidden: [conv 4 4 2 padding=1, relu, conv 8 4 2 padding=1, norm batch, relu, 30]", [28, 28, 1]),
      ("hidden: [conv 4 3 2, relu, conv 8 3 3 dilation=2, relu]", [27, 30, 3]),
      ("hidden: [conv 4 3 padding=1, pool max 2, conv 8 5]", [16, 12, 3]),
      ("architecture: convolutional, filters: 4, batch_norm: true", [64, 48, 3]),
    ], [1, 2])
  func mirrors(_ pair: (String, [Int]), _ parts: Int) throws {
    let (yaml, input) = pair
    guard parts == 1 || !yaml.hasPrefix("hidden: [pool") else { return }
    var layout = Layout()
    let (encoder, decoder) = try Self.recipe(yaml, input: input).autoencoder(
      codes: 6, latent: 3, parts: parts, layout: &layout)
    let parameters = FlatBuffer("parameters", layout)
    encoder.initialize(parameters, seed: 1)
    decoder.initialize(parameters, seed: 1)
    let pass = Pass(predictingWith: ParameterViews(parameters))
    let width = input.reduce(1, *)
    #expect(encoder(.zeros([2, width]), pass).shape == [2, 6])
    #expect(decoder(.zeros([2, 3]), pass).shape == Shape([2, parts * width]))
    // The weights of both, but for the ends, are of the same sizes.
    func sizes(_ stack: LayerStack) -> [Int] {
      stack.layers.compactMap { ($0 as? any LinearLayer)?.slots.weight.shape.count }
    }
    #expect(sizes(encoder).count == sizes(decoder).count)
    if parts == 1 { #expect(Array(sizes(encoder).dropLast()) == Array(sizes(decoder).dropFirst().reversed())) }
  }

  @Test func partsOfChannelsLieBehindEachOther() {
    // Two pixels, two parts of two channels: means 0…3 first, then log variances 10…13.
    let x = Tensor([0, 1, 10, 11, 2, 3, 12, 13], [1, 1, 2, 4])
    let layout = Layout()
    let pass = Pass(predictingWith: ParameterViews(FlatBuffer("none", layout)))
    #expect(ChannelParts(2)(x, pass).values == [0, 1, 2, 3, 10, 11, 12, 13])
  }

  @Test("A pooling whose windows overlap has no mirror image, and the error says so")
  func noMirror() throws {
    let error = #expect(throws: RecipeError.self) {
      var layout = Layout()
      _ = try Self.recipe("hidden: [pool max 3 2]").autoencoder(codes: 2, latent: 2, layout: &layout)
    }
    #expect(error?.description.contains("no mirror image") == true)
  }
}
