import GradientChecks
import Tensors
import Testing

@Suite("Flat buffers")
struct FlatBufferTests {
  private var layout: Layout {
    var layout = Layout()
    layout.add("encoder.0.weight", [3, 5])
    layout.add("encoder.0.bias", [17])
    layout.add("nothing", [0, 4])
    layout.add("scale", .scalar)
    return layout
  }

  @Test func slotsStartOnCacheLines() {
    #expect(layout.slots.map(\.offset) == [0, 16, 48, 48])
    #expect(layout.slots.map(\.range) == [0..<15, 16..<33, 48..<48, 48..<49])
    #expect((layout.count, layout.parameterCount) == (64, 33))
    #expect(layout["encoder.0.bias"]?.shape == [17])
    #expect(layout["encoder.1.bias"] == nil)
    #expect(Layout().count == 0)
  }

  @Test func tensorsAreViews() {
    let buffer = FlatBuffer("parameters", layout)
    let bias = buffer.tensor(layout["encoder.0.bias"]!)
    #expect(bias.pointer == buffer.float32.baseAddress! + 16)
    bias.pointer[16] = 7
    #expect(buffer.float32[32] == 7)
    #expect(buffer.float32.indices.allSatisfy { $0 == 32 || buffer.float32[$0] == 0 })
    #expect(buffer.bytes(of: layout["encoder.0.bias"]!).count == 68)
    #expect(buffer.tensor(layout["nothing"]!).values == [])
    #expect(buffer.tensor(layout["scale"]!).value == 0)
    #expect(Int(bitPattern: buffer.bytes.baseAddress!) % 64 == 0)
  }

  /// A view keeps its buffer: the memory is not another's while the view lives.
  @Test func aViewOutlivesItsBuffer() {
    func view() -> Tensor {
      let buffer = FlatBuffer("parameters", layout)
      buffer.float32[16] = 3
      return buffer.tensor(layout["encoder.0.bias"]!)
    }
    let tensor = view()
    _ = (0..<50).map { _ in FlatBuffer("other", layout) }
    #expect(tensor.values[0] == 3)
  }

  @Test func doublePrecision() {
    let buffer = FlatBuffer("statistics", layout, precision: .float64)
    #expect(buffer.bytes.count == 512)
    buffer.doubles(layout["encoder.0.bias"]!)[0] = 1e300
    #expect(buffer.float64[16] == 1e300)
    #expect(buffer.isFinite)
    buffer.float64[63] = .infinity
    #expect(!buffer.isFinite)
    #expect(buffer.bytes(of: layout["scale"]!).count == 8)
  }

  @Test func copiesAndFiniteness() {
    let (a, b) = (FlatBuffer("a", layout), FlatBuffer("b", layout))
    a.float32[5] = .nan
    #expect(!a.isFinite && b.isFinite)
    b.copy(from: a)
    #expect(!b.isFinite)
    #expect(FlatBuffer("empty", Layout()).isFinite)
  }

  @Test func misuseStops() async {
    await #expect(processExitsWith: .failure) {
      dieQuietly()
      var layout = Layout()
      layout.add("weight", [1])
      layout.add("weight", [2])
    }
    await #expect(processExitsWith: .failure) {
      dieQuietly()
      _ = FlatBuffer("statistics", Layout(), precision: .float64).float32
    }
    await #expect(processExitsWith: .failure) {
      dieQuietly()
      var layout = Layout()
      layout.add("weight", [1])
      FlatBuffer("a", layout).copy(from: FlatBuffer("b", Layout()))
    }
  }
}
