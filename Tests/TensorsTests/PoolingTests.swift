import Tensors
import Testing

@Suite("Maximum pooling and unpooling of images of any size")
struct PoolingTests {
  /// Different numbers, in an order of no pattern.
  private func images(_ shape: Shape) -> Tensor {
    Tensor((0..<shape.count).map { Float($0 * 7919 % 1009) / 64 - 5 }, shape)
  }

  @Test(
    "Unpooling gives an image's shape back, with the maxima where they lay",
    arguments: [[45, 60], [15, 20], [1, 1], [1, 7], [2, 3], [8, 8]], [1, 3, 33])
  func places(_ size: [Int], _ channels: Int) {
    let x = images([2, size[0], size[1], channels])
    let (pooled, places) = x.maximumPooledWithPlaces(2, roundsUp: true)
    #expect(pooled.shape == [2, (size[0] + 1) / 2, (size[1] + 1) / 2, channels])
    let y = pooled.unpooled(places)
    #expect(y.shape == x.shape)
    for n in 0..<2 {
      for row in 0..<size[0] {
        for column in 0..<size[1] {
          for channel in 0..<channels {
            func at(_ row: Int, _ column: Int) -> Int { ((n * size[0] + row) * size[1] + column) * channels + channel }
            let (top, left) = (row / 2 * 2, column / 2 * 2)
            let window = (top..<min(top + 2, size[0])).flatMap { r in
              (left..<min(left + 2, size[1])).map { x.pointer[at(r, $0)] }
            }
            let value = x.pointer[at(row, column)]
            let wanted = value == window.max() ? value : 0
            #expect(y.pointer[at(row, column)] == wanted)
          }
        }
      }
    }
  }

  @Test("At a tie the first pixel of a window has the maximum")
  func ties() {
    let x = Tensor(repeating: 3, [1, 2, 4, 1])
    let (pooled, places) = x.maximumPooledWithPlaces(2)
    #expect(pooled.unpooled(places).values == [3, 0, 3, 0, 0, 0, 0, 0])
  }

  @Test("Where windows round down, the pixels that lie in none are zero")
  func cutOff() {
    let x = images([1, 3, 3, 1])
    let (pooled, places) = x.maximumPooledWithPlaces(2)
    let y = pooled.unpooled(places)
    let inside = [0, 1, 3, 4]
    let greatest = inside.map { x.pointer[$0] }.max()!
    #expect(pooled.values == [greatest])
    #expect(y.values == (0..<9).map { inside.contains($0) && x.pointer[$0] == greatest ? greatest : 0 })
  }

  @Test("Where windows overlap, what comes to one pixel is added")
  func overlap() {
    // The greatest lies in all four windows of 2 × 2 at a stride of 1.
    let x = Tensor([0, 0, 0, 0, 9, 0, 0, 0, 0], [1, 3, 3, 1])
    let (pooled, places) = x.maximumPooledWithPlaces(2, stride: 1)
    #expect(pooled.values == [9, 9, 9, 9])
    #expect(pooled.unpooled(places).values == [0, 0, 0, 0, 36, 0, 0, 0, 0])
  }
}
