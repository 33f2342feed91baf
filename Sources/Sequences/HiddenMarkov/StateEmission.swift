import LinearAlgebra
import Statistics

/// What a hidden state emits: the density of an element in each state, and how it is estimated from elements that belong to
/// states with given probabilities. Elements without a value never come here.
public protocol StateEmission: Sendable {
  associatedtype Parameters: Sendable
  /// Working memory of one thread.
  associatedtype Scratch
  /// The same emission as a point: with parameters in place of a distribution over them.
  associatedtype Point: StateEmission

  /// K
  var states: Int { get }
  /// Numbers of an element.
  var dimension: Int { get }
  var statisticsCount: Int { get }
  func makeScratch() -> Scratch

  /// log p(x | state), or its expectation, of each row: N × K, row by row.
  func logDensities(
    of rows: RowBlock, _ parameters: Parameters, into target: UnsafeMutablePointer<Double>, scratch: Scratch
  ) throws(ExactError)

  /// Adds the statistics of rows that belong to states with probabilities, N × K.
  func accumulate(
    _ rows: RowBlock, posteriors: UnsafePointer<Double>, parameters: Parameters,
    into statistics: UnsafeMutablePointer<Double>, scratch: Scratch
  ) throws(ExactError)

  /// The next parameters. A state that nothing belongs to keeps its own.
  func update(_ parameters: Parameters, statistics: [Double]) throws(ExactError) -> Parameters

  /// What a prior adds to the objective, in nats: 0, its log-density, or −KL(q ‖ prior).
  func penalty(_ parameters: Parameters) -> Double

  /// Parameters to start from.
  func start(
    from rows: RowBlock, using generator: inout some RandomNumberGenerator
  ) throws(ExactError) -> Parameters

  /// Parameters with the states in another order: state k is what state `order[k]` was.
  func reordered(_ parameters: Parameters, _ order: [Int]) throws(ExactError) -> Parameters

  /// A number by which states are put in order.
  func rank(_ parameters: Parameters, state: Int) -> Double

  func freeParameters(_ parameters: Parameters) -> Int

  func point(_ parameters: Parameters) throws(ExactError) -> (Point, Point.Parameters)

  /// An element that a state emits.
  func sample(
    _ state: Int, _ parameters: Parameters, using generator: inout some RandomNumberGenerator
  ) throws(ExactError) -> [Double]
}

extension ExactError.Code {
  /// An element that the emission gives no probability: half a count, a symbol that is not there.
  public static let wrongElement = ExactError.Code(rawValue: "wrong element")
}
