import Foundation
import Messages
import Training
import ZeroMQ

extension Node {
  public struct Configuration: Sendable {
    /// Unique in the cluster.
    public var name: String
    /// Of the program; must equal the coordinator's.
    public var build: String
    public var coordinator: Endpoint
    /// Where the data ROUTER is bound, and by which hosts peers reach it, best first; empty: by the bound one.
    public var dataBind: Endpoint
    public var advertisedHosts: [String] = []
    public var lanes: Int
    public var security: ClusterSecurity
    /// So long a coordinator may be silent at the start, or after the last step.
    public var patience: Duration = .seconds(120)
    /// Whether sums for nodes of this machine stay in memory that both see, where the system lets them.
    public var sharesMemory = true
    /// Whether parts of a contribution go to their owners while the rest of it is still computed; `nil`: where it pays.
    public var sendsEarly: Bool?
    /// Computes for a prediction, beside the training; nil: this node does not.
    public var assist: (@Sendable (Assist) -> Void)?

    public init(
      name: String, build: String, coordinator: Endpoint, dataBind: Endpoint, lanes: Int, security: ClusterSecurity
    ) {
      self.name = name
      self.build = build
      self.coordinator = coordinator
      self.dataBind = dataBind
      self.lanes = lanes
      self.security = security
    }

    /// Only in plain text on loopback are all peers known to be here.
    var isShared: Bool {
      guard case .plainOnLoopback = security else { return false }
      return sharesMemory
    }

    /// By which peers reach the data ROUTER, best first.
    func dataEndpoints(bound: Endpoint) -> [String] {
      guard case .tcp(_, let port) = bound.transport, !advertisedHosts.isEmpty else { return [bound.description] }
      return advertisedHosts.map { Endpoint(.tcp(host: $0, port: port)).description }
    }
  }

  /// What a recipe comes to on this machine.
  public struct Job: Sendable {
    public var learner: any Learner
    public var plan: TrainingPlan
    /// Fingerprint of the prepared data.
    public var data: Digest
    /// The metric that heartbeats carry.
    public var objective: String?

    public init(learner: any Learner, plan: TrainingPlan, data: Digest, objective: String?) {
      self.learner = learner
      self.plan = plan
      self.data = data
      self.objective = objective
    }
  }

  public enum Ending: Sendable {
    case stopped(Stop)
    /// By `leave`.
    case left
    /// Nothing is trained there: samples of a prediction are leased.
    case predicting
  }
}

extension Incarnation {
  /// The time of day in nanoseconds: greater than that of any earlier start.
  static var ofNow: Incarnation {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Incarnation(rawValue: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec) | 1)!
  }
}

extension JobID {
  /// Sixteen hexadecimal digits.
  public var hexadecimal: String {
    let text = String(rawValue, radix: 16)
    return String(repeating: "0", count: 16 - text.count) + text
  }
}
