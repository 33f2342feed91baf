import CKernels

/// One of several equal parts of the processors, for processes of one machine that compute side by side: left to the
/// system, a thread that hands sums over often waits behind another process's lane while a processor is idle.
public struct ProcessorShare: Hashable, Sendable {
  /// From 0 to below `count`.
  public let index: Int
  public let count: Int

  public init?(index: Int, count: Int) {
    guard (1...1024).contains(count), (0..<count).contains(index) else { return nil }
    (self.index, self.count) = (index, count)
  }

  /// Keeps this process there, with the threads that it has and will have.
  public func keep() { elbo_keep_to_share(Int32(index), Int32(count)) }
}
