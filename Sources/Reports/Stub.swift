import Figures
import Foundation
public struct ProgressReporter: Sendable {
  public struct State: Sendable { public var step = 0; public var text = ""; public init(step: Int, text: String) {self.step = step; self.text = text} }
  public static func standard(quiet: Bool, metrics: [String]) -> ProgressReporter { ProgressReporter() }
  public mutating func update(_ s: State) {}
  public mutating func report(_ s: State) { FileHandle.standardError.write(Data((s.text + "\n").utf8)) }
  public mutating func finish() {}
}
public struct MetricsWriter: Sendable {
  public init(_ path: String, after: Int) throws {}
  public mutating func write(step: Int, epoch: Double, seconds: Double, examplesPerSecond: Double, metrics: [String: Double]) throws {}
}
public enum LearningCurves { public static func figure(from: String) throws -> Figure? { nil } }
public enum FigureWriter {
  public struct D { public var notes: [String] = []; public var files: [String] = [] }
  public static func write(_ f: Figure, into: String) throws -> D { D() } }
