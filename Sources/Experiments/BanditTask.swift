import Foundation
import Tensors

/// What agents of a bandit decide about.
public protocol BanditTask: Sendable {
  /// Numbers that describe a situation, and how many actions there are.
  var contextWidth: Int { get }
  var actions: Int { get }
  /// How a figure's title and axis name the task and its situations.
  var title: String { get }
  var situations: String { get }
  /// What mistakes there are, of those that are counted.
  var mistakes: [String] { get }
  /// The next situation; of two streams of random numbers, so that luck does not depend on what is met.
  func next(_ stream: inout RandomStream, luck: inout RandomStream) -> BanditSituation
}

public struct BanditSituation: Sendable {
  public let context: ArraySlice<Float>
  /// What each action would bring.
  public let rewards: [Double]
  /// The expected reward of who knows all but the luck.
  public let best: Double
  /// The number of the mistake that each action would be.
  public let mistakes: [Int?]
}

/// To eat or not to eat: each mushroom may be eaten or left, and only what was eaten shows what it was (Blundell et al.
/// 2015, section 5.4, after Guez 2015). An edible one brings 5, a poisonous one 5 or −35, each with probability ½, and
/// one that is left 0.
extension MushroomTable: BanditTask {
  public var contextWidth: Int { width }
  public var actions: Int { 2 }
  public var title: String { "Mushrooms" }
  public var situations: String { "mushrooms" }
  public var mistakes: [String] { ["poisonous eaten", "edible left"] }

  public func next(_ stream: inout RandomStream, luck: inout RandomStream) -> BanditSituation {
    let mushroom = Int(stream.next(below: UInt32(count)))
    let isLucky = luck.nextUniform() < 0.5
    let isEdible = isEdible[mushroom]
    return BanditSituation(
      context: features[mushroom * width..<(mushroom + 1) * width], rewards: [0, isEdible || isLucky ? 5 : -35],
      best: isEdible ? 5 : 0, mistakes: isEdible ? [1, nil] : [nil, 0])
  }
}

/// The wheel of Riquelme, Tucker and Snoek (2018, section 5.4): points of the unit disc and five arms. One arm brings 1.2, the others 1,
/// but beyond the radius δ the arm of the point's quadrant brings 50: who does not explore never learns of it.
public struct Wheel: BanditTask {
  private let radius: Double

  /// - Parameter radius: δ, from 0 to 1.
  public init(radius: Double) { self.radius = radius }

  public var contextWidth: Int { 2 }
  public var actions: Int { 5 }
  public var title: String { "The wheel" }
  public var situations: String { "points" }
  public var mistakes: [String] { ["50 missed"] }

  public func next(_ stream: inout RandomStream, luck: inout RandomStream) -> BanditSituation {
    var point = (0.0, 0.0)
    repeat {
      point = (2 * Double(stream.nextUniform()) - 1, 2 * Double(stream.nextUniform()) - 1)
    } while point.0 * point.0 + point.1 * point.1 > 1
    let isOutside = point.0 * point.0 + point.1 * point.1 >= radius * radius
    let quadrant = (point.0 > 0 ? 0 : 2) + (point.1 > 0 ? 0 : 1)
    func noise(_ deviation: Double) -> Double {
      // Box and Muller's: the luck of an action takes two numbers, whatever is met.
      let (u, angle) = (Double(luck.nextUniform()), 2 * Double.pi * Double(luck.nextUniform()))
      return deviation * (-2 * log(1 - u)).squareRoot() * cos(angle)
    }
    let rewards = (0..<5).map { arm in
      isOutside && arm == quadrant ? 50 + noise(0.01) : (arm == 4 ? 1.2 : 1) + noise(0.05)
    }
    return BanditSituation(
      context: [Float(point.0), Float(point.1)], rewards: rewards, best: isOutside ? 50 : 1.2,
      mistakes: (0..<5).map { isOutside && $0 != quadrant ? 0 : nil })
  }
}
