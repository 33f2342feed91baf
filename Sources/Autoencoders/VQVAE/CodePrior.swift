import Foundation
import Networks
import Recipes
import Tensors
import Training

/// What images of codes are likely: a gated PixelCNN, which learns beside the auto-encoder from the codes of each step. No
/// derivative goes from it to the auto-encoder, whose codes settle long before the end, so it begins late.
struct CodePrior: Sendable {
  private let network: GatedPixelCNN
  /// The share of the training after which it learns.
  private let start: Double

  private enum Kind: String, CaseIterable { case none, pixelcnn }

  /// Reads `prior`, `prior_filters`, `prior_layers`, `prior_kernel` of the network and `prior_start` of the objective; nil:
  /// there is none.
  static func read(
    _ recipe: Recipe, codes: Int, size: [Int], layout: inout Layout
  ) throws -> CodePrior? {
    let section = recipe["network"]
    guard try section.choice("prior", default: Kind.none) == .pixelcnn else {
      section.passOver(["prior_filters", "prior_layers", "prior_kernel"])
      recipe["objective"].passOver(["prior_start"])
      return nil
    }
    let kernel = try section.integer("prior_kernel", default: 3, in: 1...31)
    guard kernel % 2 == 1 else { throw RecipeError("network.prior_kernel is \(kernel): it must be odd") }
    let network = GatedPixelCNN(
      name: "prior", codes: codes, size: size,
      filters: try section.integer("prior_filters", default: 32, in: 1...4096), kernel: kernel,
      depth: try section.integer("prior_layers", default: 6, in: 1...100), layout: &layout)
    return CodePrior(
      network: network, start: try recipe["objective"].number("prior_start", default: 0.5, in: 0...1))
  }

  func initialize(_ parameters: FlatBuffer, seed: UInt64) { network.initialize(parameters, seed: seed) }

  func learns(at step: Step) -> Bool { Double(step.number) >= start * Double(step.total) }

  private func loss(_ codes: [Int], _ pass: Pass) -> Tensor {
    Loss.crossEntropy(logits: network(codes, pass), labels: codes.map { UInt32($0) }).sum()
  }

  /// Σ −log p of images of codes, in nats.
  func loss(_ codes: [Int], _ parameters: ParameterViews) -> Tensor {
    loss(codes, Pass(predictingWith: parameters))
  }

  /// Images of codes, place after place: each place is drawn given those before it.
  func sample(_ images: Range<Int>, _ parameters: ParameterViews, key: RandomKey) -> [Int] {
    let places = network.size[0] * network.size[1]
    let uniform = Tensor.uniform(key, rows: images.map { UInt32($0) }, columns: places)
    var codes = [Int](repeating: 0, count: images.count * places)
    var drawing = CodeDrawing(network, images: images.count, Pass(predictingWith: parameters))
    for place in 0..<places {
      let logits = drawing.logits()
      let chosen = (0..<images.count).map { image in
        CodePrior.choice(
          UnsafeBufferPointer(start: logits.pointer + image * network.codes, count: network.codes),
          Double(uniform.pointer[image * places + place]))
      }
      for (image, code) in chosen.enumerated() { codes[image * places + place] = code }
      drawing.take(chosen)
    }
    return codes
  }

  /// The code at which the distribution function of the softmax passes a number from 0 to 1.
  private static func choice(_ logits: UnsafeBufferPointer<Float>, _ uniform: Double) -> Int {
    let greatest = Double(logits.max() ?? 0)
    let weights = logits.map { exp(Double($0) - greatest) }
    var rest = uniform * weights.reduce(0, +)
    for (code, weight) in weights.enumerated() {
      rest -= weight
      if rest < 0 { return code }
    }
    return weights.lastIndex { $0 > 0 } ?? 0
  }
}
