import Cluster
import Messages

func configuration(_ nodes: Int) -> Membership.Configuration {
  Membership.Configuration(
    job: simulatedJob, build: "b", recipe: simulatedDigest, shards: 8, expectedNodes: nodes)
}

func hello(_ name: String, _ incarnation: UInt64 = 100, _ change: (inout Hello) -> Void = { _ in }) -> Hello {
  var hello = Hello(
    name: name, incarnation: Incarnation(rawValue: incarnation)!, build: "b", recipe: simulatedDigest,
    data: simulatedDigest, lanes: 1, dataEndpoints: ["tcp://\(name):1"], publicKey: nil)
  change(&hello)
  return hello
}

func at(_ seconds: Double) -> Timestamp { .zero + .seconds(seconds) }

func node(_ number: UInt32) -> NodeNumber { NodeNumber(rawValue: number)! }

func beat(_ sequence: UInt64, view: UInt64, _ change: (inout Heartbeat) -> Void = { _ in }) -> Heartbeat {
  var beat = Heartbeat(
    view: ViewNumber(rawValue: view), sequence: sequence, position: .start, chain: Chain(rawValue: 0),
    stage: .computing)
  change(&beat)
  return beat
}

/// So many nodes, named a, b, …, in view 1 at time 0; and what the log says of them.
func logged(_ nodes: Int) -> (Membership, log: [LogRecord]) {
  var membership = Membership(configuration: configuration(nodes))
  var log: [LogRecord] = []
  for letter in UInt8(ascii: "a")..<UInt8(ascii: "a") + UInt8(nodes) {
    let directives = membership.receive(hello(String(UnicodeScalar(letter))), provenKey: nil, now: at(0))
    for case .log(let record) in directives { log.append(record) }
  }
  return (membership, log)
}

/// Two nodes, in view 1 at time 0.
func pair() -> Membership { logged(2).0 }

/// Nodes in view 1, as a coordinator that starts at time 0 reads of them.
func restarted(_ nodes: Int) -> Membership {
  Membership(configuration: configuration(nodes), replaying: logged(nodes).log, now: at(0))
}
