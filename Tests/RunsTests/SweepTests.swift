import Foundation
import Recipes
import Runs
import Testing

@Suite("Points of a sweep") struct SweepPointTests {
  @Test(
    "Axes are read and written back",
    arguments: [
      ("train.batch=16,32", ["16", "32"]), ("network.hidden=[64],[64, 32]", ["[64]", "[64, 32]"]),
      ("data.target='a,b',c", ["'a,b'", "c"]),
    ]) func lists(_ text: String, _ values: [String]) throws
  {
    let axis = try SweepAxis(text, option: "--over")
    #expect(axis.values == .list(values))
    #expect(try SweepAxis(axis.text, option: "--over") == axis)
  }

  @Test(
    "What is no axis is refused",
    arguments: ["", "a", "=1", "a=", "a=1,,2", "a=log(0,1)", "a=log(2,1)", "a=int(1.5,3)", "a=int(1)"])
  func refused(_ text: String) {
    #expect(throws: RecipeError.self) { try SweepAxis(text, option: "--over") }
  }

  @Test("Ranges hold their ends, whole numbers are as frequent as others") func ranges() throws {
    let whole = try SweepAxis("a=int(3,6)", option: "--over")
    let counts = Dictionary(grouping: (0..<4000).map { whole.value(at: Double($0) / 4000) }) { $0 }.mapValues(\.count)
    #expect(counts == ["3": 1000, "4": 1000, "5": 1000, "6": 1000])
    let logarithmic = try SweepAxis("a=log(1e-4,1e-2)", option: "--over")
    #expect(logarithmic.value(at: 0) == "0.0001" && logarithmic.value(at: 0.5) == "0.001")
    let both = try SweepAxis("a=logint(1,1024)", option: "--over")
    #expect(both.value(at: 0) == "1" && both.value(at: 0.9999999) == "1024" && Int(both.value(at: 0.5))! < 40)
  }

  @Test("Quasi-random points leave no sixteenth of a square empty; points are drawn anew by each seed") func sampling()
    throws
  {
    let axes = try ["a=uniform(0,4)", "b=uniform(0,4)"].map { try SweepAxis($0, option: "--over") }
    for seed: UInt64 in 0..<20 {
      let points = try SweepSpace.sample(axes, count: 64, isRandom: false, seed: seed)
      let cells = Dictionary(grouping: points) { $0.map { Int(Double($0)!) } }
      #expect(cells.count == 16 && cells.values.allSatisfy { $0.count <= 8 })
    }
    let drawn = try (0..<2).map { try SweepSpace.sample(axes, count: 5, isRandom: true, seed: $0) }
    #expect(drawn[0] != drawn[1] && Set(drawn[0]).count == 5)
    // More points begin with the same ones.
    #expect(try Array(SweepSpace.sample(axes, count: 9, isRandom: true, seed: 0).prefix(5)) == drawn[0])
    let few = try SweepSpace.sample([SweepAxis("a=int(1,3)", option: "--over")], count: 50, isRandom: true, seed: 1)
    #expect(Set(few).count == few.count && few.count == 3)
  }

  @Test("A grid has every combination, and a range is none of a grid's") func grid() throws {
    let axes = try ["a=1,2", "b=x,y,z"].map { try SweepAxis($0, option: "--over") }
    #expect(try SweepSpace.grid(axes).map { $0.joined() } == ["1x", "1y", "1z", "2x", "2y", "2z"])
    #expect(throws: RecipeError.self) { try SweepSpace.grid([SweepAxis("a=int(1,3)", option: "--over")]) }
  }
}
