/// Where an image is set in its frame: mirrored or not, then moved. What leaves the frame is lost.
public struct Placement: Sendable {
  let down: Int
  let right: Int
  let isMirrored: Bool

  public init(down: Int = 0, right: Int = 0, isMirrored: Bool = false) {
    (self.down, self.right, self.isMirrored) = (down, right, isMirrored)
  }

  /// What takes each pixel that stayed in the frame back. A mirrored image that was moved right is moved right again.
  fileprivate var inverse: Placement {
    Placement(down: -down, right: isMirrored ? right : -right, isMirrored: isMirrored)
  }
}

/// Each image set in its frame, zeros where it is not. The transpose is the inverse.
private struct Place: Primitive {
  let placements: [Placement]

  func callAsFunction(_ x: Tensor) -> Tensor {
    let (height, width, channels) = (x.shape[1], x.shape[2], x.shape[3])
    let y = Tensor.zeros(x.shape)
    for (image, placement) in placements.enumerated() {
      let right = placement.right
      let columns = max(right, 0)..<min(width + right, width)
      for row in max(placement.down, 0)..<min(height + placement.down, height) {
        let source = x.pointer + (image * height + row - placement.down) * width * channels
        let target = y.pointer + (image * height + row) * width * channels
        if placement.isMirrored {
          for column in columns {
            (target + column * channels).update(
              from: source + (width - 1 - (column - right)) * channels, count: channels)
          }
        } else {
          (target + columns.lowerBound * channels).update(
            from: source + (columns.lowerBound - right) * channels, count: columns.count * channels)
        }
      }
    }
    return recording(self, Inputs(x), y)
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    sink.add(Place(placements: placements.map(\.inverse))(dy), to: 0)
  }
}

extension Tensor {
  /// Images [n, h, w, c], each set in its frame as its placement says, zeros where nothing comes to lie.
  public func placed(_ placements: [Placement]) -> Tensor {
    precondition(
      shape.rank == 4 && placements.count == shape[0]
        && placements.allSatisfy { abs($0.down) <= shape[1] && abs($0.right) <= shape[2] },
      "\(placements.count) placements of images of shape \(shape)")
    return Place(placements: placements)(self)
  }
}
