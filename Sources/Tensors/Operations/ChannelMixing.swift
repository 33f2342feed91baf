/// What a pixel's channels become: a matrix of them, and an offset.
public struct ChannelMixture: Sendable, Hashable {
  /// [channels, channels], row by row: a row makes one channel of the result.
  public let matrix: [Float]
  public let offset: [Float]

  public init(matrix: [Float], offset: [Float]) {
    precondition(matrix.count == offset.count * offset.count, "a matrix of the channels, and an offset of each")
    (self.matrix, self.offset) = (matrix, offset)
  }

  /// What takes a cotangent back.
  fileprivate var transpose: ChannelMixture {
    let count = offset.count
    return ChannelMixture(
      matrix: (0..<count * count).map { matrix[$0 % count * count + $0 / count] },
      offset: [Float](repeating: 0, count: count))
  }
}

/// Each pixel's channels through the mixture of its image. The derivative is the transposed matrix, without an offset.
private struct MixChannels: Primitive {
  let mixtures: [ChannelMixture]

  func callAsFunction(_ x: Tensor) -> Tensor {
    let (pixels, channels) = (x.shape[1] * x.shape[2], x.shape[3])
    let y = Tensor(uninitialized: x.shape)
    for (image, mixture) in mixtures.enumerated() {
      let start = image * pixels * channels
      let (source, result) = (x.pointer + start, y.pointer + start)
      mixture.matrix.withUnsafeBufferPointer { matrix in
        mixture.offset.withUnsafeBufferPointer { offset in
          for pixel in stride(from: 0, to: pixels * channels, by: channels) {
            for channel in 0..<channels {
              var sum = offset[channel]
              for other in 0..<channels { sum += matrix[channel * channels + other] * source[pixel + other] }
              result[pixel + channel] = sum
            }
          }
        }
      }
    }
    return recording(self, Inputs(x), y)
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    sink.add(MixChannels(mixtures: mixtures.map(\.transpose))(dy), to: 0)
  }
}

extension Tensor {
  /// Images [n, h, w, c], the channels of each pixel through the mixture of its image.
  public func mixingChannels(_ mixtures: [ChannelMixture]) -> Tensor {
    precondition(
      shape.rank == 4 && mixtures.count == shape[0] && mixtures.allSatisfy { $0.offset.count == shape[3] },
      "\(mixtures.count) mixtures of channels of images of shape \(shape)")
    return MixChannels(mixtures: mixtures)(self)
  }
}
