import Foundation
import Models
import Recipes
import Runs
import Subprocess
import SystemPackage

/// Where a split of a protocol is computed: a process of this machine, or of another one at the end of an ssh.
package struct UCIPlace: Sendable {
  /// The process ended without a word on the split: another place may have more luck.
  package struct Lost: Error, CustomStringConvertible {
    package let description: String
  }

  package let name: String
  /// nil: this machine.
  package let host: HostsFile.Host?

  /// So many processes of this machine, or one of each host, or none of either.
  package static func all(nodes: Int?, hosts: String?) throws -> [UCIPlace] {
    if let hosts {
      guard nodes == nil else { throw RecipeError("--nodes and --hosts exclude each other: drop one of them") }
      return try HostsFile(contentsOf: hosts).hosts.map { UCIPlace(name: $0.host, host: $0) }
    }
    guard let nodes else { return [] }
    guard (1...1024).contains(nodes) else { throw RecipeError("--nodes is \(nodes): it must be from 1 to 1024") }
    return (1...nodes).map { UCIPlace(name: "node-\($0)", host: nil) }
  }

  /// - Parameter arguments: recipe, options and grid.
  /// - Throws: `Lost`, or what is wrong with the training itself and would be anywhere.
  package func run(_ split: Int, _ arguments: [String]) async throws -> UCIProtocol.Result {
    let words =
      ["train"] + arguments + ["--protocol", "uci", "--splits", "\(split)", "--lanes", "1", "--json", "--quiet"]
    let command = host.map { $0.command([$0.elbo] + words) } ?? (.path("/proc/self/exe"), words)
    let (status, output, error): (TerminationStatus, String, String)
    do {
      let result = try await Subprocess.run(
        command.0, arguments: Arguments(command.1), input: .none, output: .string(limit: 1 << 20),
        error: .string(limit: 1 << 20))
      (status, output, error) = (result.terminationStatus, result.standardOutput, result.standardError)
    } catch {
      throw Lost(description: "\(name) could not be run: \(error)")
    }
    let said = error.split(whereSeparator: \.isNewline).last.map(String.init) ?? "nothing"
    switch status {
    case .exited(0):
      guard let result = try? UCIProtocol.Result(json: output), result.split == split else {
        throw Lost(description: "\(name) printed no result")
      }
      return result
    case .exited(2): throw RecipeError("\(name): \(said)")
    case .exited(1): throw TrainingFailure(description: "\(name): \(said)")
    case .exited(let code): throw Lost(description: "\(name) ended with exit status \(code): \(said)")
    case .signaled(let signal): throw Lost(description: "\(name) was killed by signal \(signal)")
    }
  }

  /// A training that fails wherever it is done.
  package struct TrainingFailure: Error, CustomStringConvertible {
    package let description: String
  }
}

extension UCIProtocol.Result {
  package init(json: String) throws { self = try JSONDecoder().decode(Self.self, from: Data(json.utf8)) }

  /// For people.
  package var line: String {
    let chosen = choice.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
    return "split \(split): RMSE \(rootMeanSquaredError), log-likelihood \(logLikelihood)\(chosen)"
  }

  /// For programs, one line.
  package var json: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = .sortedKeys
      return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
  }
}
