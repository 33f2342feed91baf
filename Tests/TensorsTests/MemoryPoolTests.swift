import GradientChecks
import Tensors
import Testing

/// The pool is the process's own, so its counts are read in processes of their own.
@Suite("The memory pool")
struct MemoryPoolTests {
  @Test func aStepInTheSteadyStateAllocatesNothing() async {
    await #expect(processExitsWith: .success) {
      let tape = Tape()
      let values = (0..<900).map { Float($0 % 41) / 41 - 0.5 }
      let gradients = [Tensor.zeros([20, 30]), Tensor.zeros([20])]
      func step() {
        let weight = tape.variable(Tensor(values[..<600], [20, 30]), gradient: gradients[0])
        let bias = tape.variable(Tensor(values[..<20], [20]), gradient: gradients[1])
        let x = tape.variable(Tensor(values, [30, 30]))
        let y = x.linear(weight: weight, bias: bias, activation: .tanh).softmax()
        let slope = tape.gradient(of: y.squared().sumOfRows(), withRespectTo: [x], recorded: true)[0]
        tape.backward(from: y.logSumExpOfRows().mean() + slope.squared().sum())
        tape.reset()
      }
      step()
      step()
      let before = MemoryPool.statistics
      for _ in 0..<100 { step() }
      #expect(before.systemAllocations > 10)
      #expect(MemoryPool.statistics == before)
    }
  }

  /// Every block holds what was asked for and wastes at most a fifth; tensors that live at once do not overlap.
  @Test func blocksHoldWhatIsAskedFor() async {
    await #expect(processExitsWith: .success) {
      let counts = Array(0...700) + [1000, 1023, 1024, 1025, 4095, 4096, 4097, 7807, 65_537, 1_000_001]
      var held: [Tensor] = []
      for count in counts {
        let before = MemoryPool.statistics
        let tensor = Tensor(repeating: Float(held.count), [count])
        #expect(Int(bitPattern: tensor.pointer) % 64 == 0)
        let capacity = (MemoryPool.statistics.bytesHeld - before.bytesHeld) / 4
        #expect(capacity >= count)
        #expect(Double(capacity) <= max(Double(count + 15) * 1.25, 16))
        held.append(tensor)
      }
      for (index, tensor) in held.enumerated() { #expect(tensor.buffer.allSatisfy { $0 == Float(index) }) }
    }
  }

  @Test func blocksAreUsedAgainAndReturned() async {
    await #expect(processExitsWith: .success) {
      let first = Tensor.zeros([1000]).pointer
      #expect(Tensor.zeros([990]).pointer == first)
      let tensor = Tensor.zeros([1000])
      let view = tensor.reshaped(to: [10, 100]).rows(3..<5)
      #expect(view.pointer == tensor.pointer + 300)
      let before = MemoryPool.statistics
      #expect(before.bytesHeld > 4000)
      MemoryPool.trim()
      #expect(MemoryPool.statistics == before)  // the block is in use
      _ = Tensor.zeros([50_000])
      MemoryPool.trim()
      #expect(MemoryPool.statistics.bytesHeld == before.bytesHeld)
    }
  }

  /// A block that one lane gives back another may take.
  @Test func lanesShareThePool() async {
    let sums = await withTaskGroup(of: Float.self, returning: [Float].self) { group in
      for lane in 1...8 {
        group.addTask {
          var sum: Float = 0
          for round in 0..<2000 {
            let a = Tensor(repeating: Float(lane), [1 + round % 300])
            let b = Tensor(repeating: 1, [1 + round % 200])
            sum += a.pointer[a.count - 1] * b.pointer[0]
          }
          return sum
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(sums.sorted() == (1...8).map { Float($0 * 2000) })
  }
}
