import Foundation
import Recipes
import Subprocess
import Synchronization
import SystemPackage

/// Where a piece of work is computed that is independent of all others: a process of this machine, or of another one at
/// the end of an ssh.
package struct WorkPlace: Sendable {
  /// The process ended without a word on the work: another one may have more luck.
  package struct Lost: Error, CustomStringConvertible {
    package let description: String
  }

  /// Work that fails wherever it is done.
  package struct Failure: Error, CustomStringConvertible {
    package let description: String
  }

  package let name: String
  /// nil: this machine.
  package let host: HostsFile.Host?

  /// So many processes of this machine, or one of each host, or none of either.
  package static func all(nodes: Int?, hosts: String?) throws -> [WorkPlace] {
    if let hosts {
      guard nodes == nil else { throw RecipeError("--nodes and --hosts exclude each other: drop one of them") }
      return try HostsFile(contentsOf: hosts).hosts.map { WorkPlace(name: $0.host, host: $0) }
    }
    guard let nodes else { return [] }
    guard (1...1024).contains(nodes) else { throw RecipeError("--nodes is \(nodes): it must be from 1 to 1024") }
    return (1...nodes).map { WorkPlace(name: "node-\($0)", host: nil) }
  }

  /// Runs this command there, with other arguments, to its end. Its standard input stays open as long as this process lives.
  /// - Parameter children: knows the process while it runs.
  /// - Returns: what it printed.
  /// - Throws: `Lost`, or what is wrong with the work itself and would be anywhere.
  package func run(_ words: [String], among children: Children = Children()) async throws -> String {
    let command = host.map { $0.command([$0.elbo] + words) } ?? (.path("/proc/self/exe"), words)
    var options = PlatformOptions()
    // Ctrl-C is for this process, which ends the others.
    options.processGroupID = 0
    let (status, output, error): (TerminationStatus, String, String)
    do {
      let result = try await Subprocess.run(
        command.0, arguments: Arguments(command.1), platformOptions: options, input: .inputWriter, output: .sequence,
        error: .string(limit: 1 << 20)
      ) { execution in
        children.add(execution.processIdentifier.value)
        defer { children.remove(execution.processIdentifier.value) }
        var text = ""
        for try await line in execution.standardOutput.strings() {
          text += line
          guard text.utf8.count < 1 << 20 else { throw Lost(description: "\(name) printed too much") }
        }
        return text
      }
      (status, output, error) = (result.terminationStatus, result.closureResult, result.standardError)
    } catch {
      throw error as? Lost ?? Lost(description: "\(name) could not be run: \(error)")
    }
    let said = error.split(whereSeparator: \.isNewline).last.map(String.init) ?? "nothing"
    switch status {
    case .exited(0): return output
    case .exited(2): throw RecipeError("\(name): \(said)")
    case .exited(1): throw Failure(description: "\(name): \(said)")
    case .exited(let code): throw Lost(description: "\(name) ended with exit status \(code): \(said)")
    case .signaled(let signal): throw Lost(description: "\(name) was killed by signal \(signal)")
    }
  }

  /// How often in a row a worker may be lost before it is given up.
  private static let patience = 3

  /// Has workers compute pieces of work until all are done. When a worker is lost, the next free worker computes its piece.
  /// - Parameter note: hears of a piece why it was lost.
  /// - Returns: what came of each, in their order.
  static func share<Item: Sendable, Value: Sendable>(
    _ items: [Item], among workers: [@Sendable (Item) async throws -> Value],
    note: @escaping @Sendable (Item, Lost) -> Void
  ) async throws -> [Value] {
    let queue = WorkQueue(items.count)
    var (results, workers) = ([Value?](repeating: nil, count: items.count), workers)
    var left: Int { results.count { $0 == nil } }
    while left > 0 {
      let rounds = try await withThrowingTaskGroup(of: (done: [(Int, Value)], isLeft: Bool, index: Int).self) { group in
        for (index, worker) in workers.enumerated() {
          group.addTask {
            var (done, losses) = ([(Int, Value)](), 0)
            while losses < patience, let place = queue.next() {
              do {
                done.append((place, try await worker(items[place])))
                losses = 0
              } catch let error as Lost {
                // Another piece has failed and ended this one: the caller gets that failure.
                try Task.checkCancellation()
                note(items[place], error)
                queue.giveBack(place)
                losses += 1
              }
            }
            return (done, losses < patience, index)
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      for (place, value) in rounds.flatMap(\.done) { results[place] = value }
      workers = rounds.filter(\.isLeft).map { workers[$0.index] }
      guard !workers.isEmpty || left == 0 else {
        throw Failure(
          description:
            "no process is left for \(left) of \(items.count) trainings; see what was said of each, and start again"
        )
      }
    }
    return results.map { $0! }
  }
}

/// The indices of the pieces of work that no worker has taken yet.
private final class WorkQueue: Sendable {
  private let left: Mutex<[Int]>

  init(_ count: Int) { left = Mutex(Array(0..<count)) }

  func next() -> Int? { left.withLock { $0.isEmpty ? nil : $0.removeFirst() } }

  func giveBack(_ place: Int) { left.withLock { $0.append(place) } }
}
