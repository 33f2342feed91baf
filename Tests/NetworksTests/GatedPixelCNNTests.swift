import Distributions
import Foundation
import Networks
import Tensors
import Testing

@Suite("Gated PixelCNN") struct GatedPixelCNNTests {
  private func network(
    codes: Int, size: [Int], kernel: Int = 3, depth: Int = 3
  ) -> (GatedPixelCNN, ParameterViews) {
    var layout = Layout()
    let network = GatedPixelCNN(
      name: "prior", codes: codes, size: size, filters: 16, kernel: kernel, depth: depth, layout: &layout)
    let parameters = FlatBuffer("parameters", layout)
    network.initialize(parameters, seed: 3)
    return (network, ParameterViews(parameters))
  }

  @Test("A place sees the places before it, and no others", arguments: [1, 3, 5], [1, 2, 4])
  func order(kernel: Int, depth: Int) {
    let (network, views) = network(codes: 4, size: [4, 5], kernel: kernel, depth: depth)
    let pass = Pass(predictingWith: views)
    let codes = (0..<20).map { $0 * 7 % 4 }
    let before = network(codes, pass).values
    var seen = [Set<Int>](repeating: [], count: 20)
    for changed in 0..<20 {
      // Of all other codes, one at least moves what a rectifier does not hold at 0.
      for step in 1...3 {
        var other = codes
        other[changed] = (codes[changed] + step) % 4
        let after = network(other, pass).values
        for place in 0..<20 where after[4 * place..<4 * place + 4] != before[4 * place..<4 * place + 4] {
          seen[place].insert(changed)
        }
      }
    }
    for place in 0..<20 { #expect(seen[place].allSatisfy { $0 < place }, "\(place) sees \(seen[place])") }
    // What lies to the left is seen at once; with layers and windows enough, all that came before.
    for place in 1..<20 where place % 5 > 0 { #expect(seen[place].contains(place - 1)) }
    if kernel == 5, depth == 4 {
      for place in 0..<20 { #expect(seen[place] == Set(0..<place), "\(place) sees \(seen[place])") }
    }
  }

  @Test("Drawn place by place, logits are those of whole images", arguments: [1, 3, 5], [1, 2, 4])
  func drawing(kernel: Int, depth: Int) {
    for size in [[4, 5], [1, 6], [6, 1], [3, 3]] {
      let (network, views) = network(codes: 4, size: size, kernel: kernel, depth: depth)
      let (pass, places) = (Pass(predictingWith: views), size[0] * size[1])
      let codes = (0..<3 * places).map { $0 * $0 * 7 % 4 }
      let whole = network(codes, pass).values
      var drawing = CodeDrawing(network, images: 3, pass)
      for place in 0..<places {
        let logits = drawing.logits().values
        for image in 0..<3 {
          let row = whole[4 * (image * places + place)..<4 * (image * places + place + 1)]
          #expect(zip(row, logits[4 * image..<4 * image + 4]).allSatisfy { abs($0 - $1) < 1e-5 }, "\(size) \(place)")
        }
        drawing.take((0..<3).map { codes[$0 * places + place] })
      }
    }
  }

  @Test("Probabilities of all images add up to 1")
  func sum() {
    let (network, views) = network(codes: 2, size: [2, 3])
    let images = (0..<64).flatMap { number in (0..<6).map { number >> $0 & 1 } }
    let logits = network(images, Pass(predictingWith: views))
    let densities = Categorical.logLikelihood(logits: logits, labels: images.map { UInt32($0) }).values
    let probabilities = (0..<64).map { (image: Int) -> Double in
      exp(densities[image * 6..<(image + 1) * 6].reduce(0.0) { $0 + Double($1) })
    }
    #expect(abs(probabilities.reduce(0, +) - 1) < 1e-5)
    // It is no even distribution.
    #expect(probabilities.max()! > 2.0 / 64)
  }

  @Test("An image's logits do not depend on the others beside it")
  func companions() {
    let (network, views) = network(codes: 3, size: [3, 3])
    let pass = Pass(predictingWith: views)
    let images = (0..<4 * 9).map { $0 * $0 % 3 }
    let all = network(images, pass)
    let last = network(Array(images[27...]), pass)
    for (one, other) in zip(all.values.dropFirst(81), last.values) { #expect(abs(one - other) < 1e-5) }
  }
}
