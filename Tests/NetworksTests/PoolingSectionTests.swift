import Networks
import Recipes
import Tensors
import Testing

@Suite("Networks that undo their poolings")
struct PoolingSectionTests {
  private func recipe(_ yaml: String, input: [Int]) throws -> NetworkRecipe {
    let recipe = try Recipe(yaml: "network: \(yaml)", source: "test")
    return try NetworkRecipe(recipe["network"], input: input, default: [])
  }

  private func message(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "nothing is wrong"
    } catch { return "\(error)" }
  }

  @Test(
    "A segmentation network keeps height and width, odd ones too",
    arguments: [[120, 160, 3], [15, 20, 1], [1, 1, 3], [7, 1, 1]])
  func shapes(_ input: [Int]) throws {
    var layout = Layout()
    let network = try recipe("{architecture: segnet-basic, filters: 4}", input: input)
      .pixelNetwork(name: "layers", outputs: 5, layout: &layout)
    let parameters = FlatBuffer("parameters", layout)
    network.initialize(parameters, seed: 1)
    let x = Tensor((0..<2 * input.reduce(1, *)).map { Float($0 % 17) / 17 }, [2, input.reduce(1, *)])
    let y = network(x, Pass(predictingWith: ParameterViews(parameters)))
    #expect(y.shape == [2, input[0], input[1], 5])
    #expect(y.values.allSatisfy { $0.isFinite })
  }

  @Test("The same parameters serve images of any size")
  func sizes() throws {
    let recipe = try recipe("{architecture: segnet-basic, filters: 4, kernel: 5}", input: [24, 32, 3])
    var (one, other) = (Layout(), Layout())
    _ = try recipe.pixelNetwork(name: "layers", outputs: 5, layout: &one)
    _ = try recipe.resized(to: [9, 11, 3]).pixelNetwork(name: "layers", outputs: 5, layout: &other)
    #expect(one == other)
  }

  @Test("Dropout behind a pooling changes numbers and leaves their places")
  func dropoutKeepsPlaces() throws {
    func places(_ layers: String, key: RandomKey?) throws -> [Bool] {
      var layout = Layout()
      let builder = try recipe("{hidden: [\(layers)]}", input: [6, 6, 2]).builder(name: "layers", layout: layout)
      layout = builder.layout
      let x = Tensor((0..<72).map { Float($0 * 37 % 71) + 1 }, [1, 72])
      let parameters = ParameterViews(FlatBuffer("parameters", layout))
      let y = builder.network(x, Pass(.given(parameters), key: key, examples: [3]))
      return y.values.map { $0 != 0 }
    }
    let plain = try places("pool max 2, unpool", key: nil)
    let dropped = try places("pool max 2, dropout 0.5, unpool", key: RandomKey(seed: 4))
    #expect(plain.count { $0 } == 18)
    #expect(dropped.count { $0 } > 3 && dropped.count { $0 } < 18)
    #expect(zip(plain, dropped).allSatisfy { $0 || !$1 })
  }

  @Test("Noise and running statistics of layers within are those of the network")
  func enclosed() throws {
    var layout = Layout()
    let network = try recipe("{architecture: segnet-basic, filters: 4}", input: [16, 16, 1])
      .pixelNetwork(name: "layers", outputs: 2, layout: &layout)
    #expect(network.drawsNoise && network.mixesExamples)
    #expect(network.runningStatistics.count == 16)
    #expect(network.allLayers.count { $0 is Dropout } == 4)
    #expect(Set(network.allLayers.compactMap { ($0 as? Dropout)?.stream }) == [0, 1, 2, 3])
    #expect(network.inserting { index, _ in Dropout(rate: 0.1) }.allLayers.count { $0 is Dropout } == 13)
  }

  @Test("What does not fit is said in a line")
  func mistakes() throws {
    func error(_ layers: String) -> String {
      message {
        var layout = Layout()
        _ = try recipe("{hidden: [\(layers)]}", input: [8, 8, 1])
          .pixelNetwork(name: "layers", outputs: 2, layout: &layout)
      }
    }
    #expect(error("conv 4 3 padding=1, unpool").contains("layer 2, `unpool`, does not fit: there is no `pool max`"))
    #expect(
      error("conv 4 3 padding=1, pool max 2, conv 5 1, unpool").contains("leaves 4 × 4 × 4, and it gets 4 × 4 × 5"))
    #expect(error("pool max 2, dense 9, unpool").contains("and it gets rows of 9 numbers"))
    #expect(error("pool max 2").contains("make 4 × 4 pixels of images of 8 × 8"))
    #expect(error("dense 9").contains("make rows of numbers of images of 8 × 8"))
    #expect(error("pool average 2 round=up, unpool").contains("has round=up, not down, or up for max"))
    #expect(error("pool max 2 round=up, unpool") == "nothing is wrong")
  }
}
