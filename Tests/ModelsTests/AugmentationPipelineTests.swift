import Adversarial
import Tensors
import Testing

/// Changes that come with a probability each (issue 23: adaptive augmentation).
@Suite struct AugmentationPipelineTests {
  private let examples = (0..<1000).map { UInt32($0) }
  private let key = RandomKey(seed: 3)

  private func changed(
    _ group: AugmentationPipeline.Group, _ image: [Float], shape: [Int], probability: Double
  ) -> [[Float]] {
    let x = Tensor(examples.flatMap { _ in image }, [examples.count, image.count])
    let y = AugmentationPipeline([group], shape: shape)(x, probability: probability, key: key, examples: examples)
    return examples.indices.map { Array(y.values[$0 * image.count..<($0 + 1) * image.count]) }
  }

  private let ramp = (0..<256).map { Float($0) / 256 }

  @Test("Without a probability nothing changes", arguments: AugmentationPipeline.Group.allCases)
  func nothing(_ group: AugmentationPipeline.Group) {
    #expect(changed(group, ramp, shape: [16, 16], probability: 0).allSatisfy { $0 == ramp })
  }

  /// Defect 14: the same numbers for all examples, or for other shards others.
  @Test func anExamplesChangesAreItsOwn() {
    let pipeline = AugmentationPipeline(AugmentationPipeline.Group.allCases, shape: [8, 8, 3])
    let x = Tensor.normal(RandomKey(seed: 1), rows: [7, 2, 9], columns: 192)
    func seen(_ x: Tensor, _ examples: [UInt32], _ key: RandomKey) -> Tensor {
      pipeline(x, probability: 0.8, key: key, examples: examples)
    }
    let together = seen(x, [7, 2, 9], key)
    let alone = seen(x.rows(1..<2), [2], key)
    #expect(together.rows(1..<2).values == alone.values)
    #expect(alone.values != seen(x.rows(1..<2), [3], key).values)
    #expect(alone.values != seen(x.rows(1..<2), [2], key.at(step: 1)).values)
    #expect(alone.values != seen(x.rows(1..<2), [2], key.at(tensor: 1)).values)
    // All of a step's are distinct.
    let all = Set(changed(.geometry, ramp, shape: [16, 16], probability: 1))
    #expect(all.count == examples.count)
  }

  /// Of whole pixels: mirrored half of the times, turned 3/4, moved nearly always: with p = 0.2 an image stays as it is
  /// with probability 0.9 · 0.85 · (0.8 + 0.2 / 25), and no number is made that was not there.
  @Test func wholePixelsStayWhatTheyAre() {
    let images = changed(.pixels, ramp, shape: [16, 16], probability: 0.2)
    let same = images.count { $0 == ramp }
    #expect((550...680).contains(same), "\(same)")
    #expect(images.allSatisfy { Set($0).isSubset(of: Set(ramp)) })
  }

  /// Scale, turns, stretch and shift leave an image with probability (1 − p)⁴: both turns share one p.
  @Test func turnsShareAProbability() {
    let same = changed(.geometry, ramp, shape: [16, 16], probability: 0.3).count { $0 == ramp }
    #expect((190...290).contains(same), "\(same)")
  }

  /// Hue and saturation leave gray pixels, and brightness, contrast and inversion change all channels of those alike.
  @Test func grayStaysGray() {
    let gray: [Float] = [0.5, 0.5, 0.5, -0.25, -0.25, -0.25, 0, 0, 0, 1, 1, 1]
    let images = changed(.color, gray, shape: [2, 2, 3], probability: 1)
    for image in images.prefix(200) {
      for pixel in 0..<4 {
        let (red, green, blue) = (image[3 * pixel], image[3 * pixel + 1], image[3 * pixel + 2])
        #expect(abs(red - green) < 1e-4 && abs(green - blue) < 1e-4)
      }
      // y = c f (x + b): the same line for all pixels.
      #expect(abs((image[9] - image[6]) - 2 * (image[0] - image[6])) < 1e-4)
    }
    let slopes = images.map { $0[9] - $0[6] }
    #expect((430...570).contains(slopes.count { $0 < 0 }), "half are inverted")
    let contrasts = slopes.map { abs($0) }.sorted()
    // 2 to the power of N(0, 0.5²): the median is 1, a sixth lies above 2^0.5.
    #expect((0.95...1.05).contains(contrasts[500]) && (1.3...1.55).contains(contrasts[841]))
  }

  /// The colors of a pixel keep their sum but for what grays do, and turn about it.
  @Test func hueAndSaturationActOnWhatIsNotGray() {
    let images = changed(.color, [1, 0, -1, 0.5, 0, -0.5, 0, 0, 0, 0, 0, 0], shape: [2, 2, 3], probability: 1)
    let lengths = images.map { image -> Float in
      let mean = (image[0] + image[1] + image[2]) / 3
      // A pixel that is half as far from gray stays half as far, in the same direction.
      for channel in 0..<3 { #expect(abs((image[channel] - mean) - 2 * (image[3 + channel] - mean)) < 1e-3) }
      return ((0..<3).reduce(0) { $0 + (image[$1] - mean) * (image[$1] - mean) } / 2).squareRoot()
    }.sorted()
    // 2 to the power of N(0, 1² + 0.5²), contrast and saturation.
    #expect((0.9...1.1).contains(lengths[500]) && (1.9...2.5).contains(lengths[841]))
    #expect(Set(images.map { $0[0] > $0[1] }).count == 2)
  }
}
