import ArgumentParser
import ClusterRuns
import Foundation
import Recipes
import Runs
import ZeroMQ

struct DoctorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Checks libraries, processor and data on this machine, or on those of a launch.",
    discussion: """
      Examples:
        elbo doctor --data runs/images --json
        elbo doctor --hosts hosts.yaml --bind tcp://10.0.0.1:7700

      With --hosts, every machine is checked over ssh, as `elbo launch --hosts` would use it: whether all have the same
      build and the same data, and whether each reaches this machine and each other one, and in what time.
      """)

  @Option(help: ArgumentHelp("Data to check (default: fashion-mnist).", valueName: "dir|file"))
  var data = "fashion-mnist"

  @Option(help: ArgumentHelp("The machines of a launch.", valueName: "hosts.yaml"))
  var hosts: String?

  @Option(
    help: ArgumentHelp(
      "With --hosts: where a launch would listen, an address that the machines reach.", valueName: "tcp://host:port"))
  var bind: String?

  @Flag(help: "Print the results as JSON.")
  var json = false

  /// What the other end of an ssh runs: the hub's endpoint and token.
  @Option(help: .hidden)
  var probe: String?

  func run() async throws {
    if let probe { return try await HostProbe.run(toward: probe, data: data) }
    guard let hosts else {
      guard bind == nil else { throw RecipeError("--bind goes with --hosts") }
      let check = try await MachineCheck(data: data, withFingerprint: false)
      print(json ? check.json + "\n" : check.text, terminator: "")
      if !check.isGood { throw ExitStatus.failed }
      return
    }
    guard let bind else {
      throw RecipeError("--hosts needs --bind tcp://HOST:PORT, an address of this machine that the hosts reach")
    }
    let report = try await HostsCheck(
      hosts: try HostsFile(contentsOf: hosts).hosts, bind: try Endpoint(bind), data: data
    ).run()
    print(json ? report.json + "\n" : report.text, terminator: "")
    if !report.isGood { throw ExitStatus.failed }
  }
}
