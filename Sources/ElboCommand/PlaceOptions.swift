import ArgumentParser
import ClusterRuns

/// Where trainings are computed that are independent of each other.
struct PlaceOptions: ParsableArguments {
  @Option(help: "Share the trainings out over so many processes of this machine, in place of lanes.")
  var nodes: Int?

  @Option(help: ArgumentHelp("Share the trainings out over machines, by ssh.", valueName: "hosts.yaml"))
  var hosts: String?

  /// None: on lanes of this process.
  func asked() throws -> [WorkPlace] { try WorkPlace.all(nodes: nodes, hosts: hosts) }
}
