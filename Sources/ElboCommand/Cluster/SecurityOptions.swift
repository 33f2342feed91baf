import ArgumentParser
import ClusterRuns

/// Who may listen in, and who may take part.
struct SecurityOptions: ParsableArguments {
  @Flag(help: "Plain text beyond this machine: anyone on the network may read and take part.")
  var plain = false

  @Option(
    help: ArgumentHelp(
      "This process's key pair, made by `elbo keys`; -: a secret key on standard input.", valueName: "file"))
  var key: String?

  @Option(
    help: ArgumentHelp(
      "Coordinator: public keys, each with what it may do: node, status, predict.", valueName: "file"))
  var allow: String?

  @Option(help: ArgumentHelp("Node, status: the coordinator's public key.", valueName: "key"))
  var coordinatorKey: String?

  var request: SecurityRequest {
    SecurityRequest(plain: plain, key: key, allow: allow, coordinatorKey: coordinatorKey)
  }
}

struct LaunchSecurityOptions: ParsableArguments {
  @Flag(help: "With --hosts: plain text on the network, which anyone there may read and take part in.")
  var plain = false

  @Option(
    help: ArgumentHelp(
      "The coordinator's key pair, made by `elbo keys` (default: one is made for this launch).", valueName: "file"))
  var key: String?

  @Option(
    help: ArgumentHelp(
      "Public keys beside those of the nodes, each with what it may do: status, predict, node.", valueName: "file"))
  var allow: String?

  var request: SecurityRequest { SecurityRequest(plain: plain, key: key, allow: allow) }
}
