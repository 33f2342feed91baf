import Cluster
import Files
import Foundation
import Messages
import Recipes
import Runs
import Subprocess
import Synchronization
import SystemPackage
import Training

/// Node processes, children of this one: on this machine, or on others at the end of an ssh. None outlives it: each
/// ends when its standard input does, which this process holds open, and those that do not end by themselves are
/// killed.
package struct NodeProcesses: Sendable {
  package struct Command: Sendable {
    package var executable: Executable
    package var arguments: [String]
    /// What it finds on its standard input, which then stays open.
    package var input = ""

    package init(executable: Executable, arguments: [String], input: String = "") {
      (self.executable, self.arguments, self.input) = (executable, arguments, input)
    }
  }

  /// By node; they are named node-1, node-2, ….
  package let commands: [Command]
  /// Where each node's log is kept; nil: nowhere.
  package let folder: String?
  package let note: @Sendable (String) -> Void

  package init(commands: [Command], folder: String?, note: @escaping @Sendable (String) -> Void) {
    (self.commands, self.folder, self.note) = (commands, folder, note)
  }

  /// Throws where so many nodes need more descriptors than there may be: pipes, a log and a connection each.
  static func checkDescriptors(_ nodes: Int) throws {
    if let shortage = Descriptors.shortage(of: 64 + 8 * nodes) { throw RecipeError("--nodes is \(nodes): \(shortage)") }
  }

  private static let timeStyle = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

  /// Starts the nodes, trains, and returns when all of them are gone.
  package func run(_ cluster: ClusterSession) async -> Result<Summary, any Error> {
    await run { name, left, end in
      if left > 0 { return cluster.coordinator.gone(name, left: left) }
      // Of a job that is over already this changes nothing.
      cluster.coordinator.end(
        Stop(reason: .failed, explanation: "all nodes have ended" + (end.map { "; \(name) \($0)" } ?? "")))
    } work: {
      do {
        return try await cluster.run()
      } catch {
        cluster.coordinator.end(Stop(reason: .failed, explanation: "\(error)"))
        throw error
      }
    }
  }

  /// Starts the nodes, works, and returns when all of them are gone.
  /// - Parameters:
  ///   - gone: hears that a node has ended, how many are left, and how it ended unless that was well.
  ///   - work: when it returns, the nodes have been asked to end.
  package func run<Value: Sendable>(
    gone: @escaping @Sendable (_ name: String, _ left: Int, _ end: String?) -> Void,
    work: @Sendable () async throws -> Value
  ) async -> Result<Value, any Error> {
    if let folder {
      do {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      } catch {
        return .failure(FileError("make the folder", folder, systemError: EACCES))
      }
    }
    let children = Children(commands.count)
    return await withTaskGroup(of: Void.self) { group in
      for index in 1...commands.count {
        group.addTask {
          let end = await child(index, children)
          let left = children.ended()
          // Of the work's end there is nothing to say: a node that was still starting then is killed.
          if let end, !children.wereKilled { note("node-\(index) \(end)") }
          gone("node-\(index)", left, end)
        }
      }
      let result: Result<Value, any Error>
      do { result = .success(try await work()) } catch { result = .failure(error) }
      // The nodes were asked to end; those that do not are killed.
      let killer = Task {
        try await Task.sleep(for: .seconds(5))
        children.killAll()
      }
      await group.waitForAll()
      killer.cancel()
      return result
    }
  }

  /// Starts a node and keeps its log, until it ends. Returns how, unless it ended well.
  private func child(_ index: Int, _ children: Children) async -> String? {
    let name = "node-\(index)"
    let last = Mutex("")
    var options = PlatformOptions()
    // Ctrl-C is for this process, which ends the nodes after a checkpoint.
    options.processGroupID = 0
    do {
      let log = try folder.map { try OutputFile("\($0)/\(name).log", .append) }
      let result = try await Subprocess.run(
        commands[index - 1].executable, arguments: Arguments(commands[index - 1].arguments), platformOptions: options,
        input: .inputWriter, output: .sequence, error: .combinedWithOutput
      ) { execution in
        children.add(execution.processIdentifier.value)
        defer { children.remove(execution.processIdentifier.value) }
        let input = commands[index - 1].input
        if !input.isEmpty { _ = try? await execution.standardInputWriter.write(input) }
        for try await line in execution.standardOutput.strings() {
          let text = line.trimmingCharacters(in: .newlines)
          // A log that cannot be written is no reason to lose the node.
          try? log?.append(Array("\(Date().formatted(Self.timeStyle)) [\(name)] \(text)\n".utf8))
          last.withLock { $0 = text }
        }
      }
      let said = last.withLock { $0 }
      let tail = said.isEmpty ? "" : ": \(said)"
      switch result.terminationStatus {
      case .exited(0): return nil
      case .exited(let code): return "ended with exit status \(code)\(tail)"
      case .signaled(let signal): return "was killed by signal \(signal)"
      }
    } catch {
      return "could not be run: \(error)"
    }
  }
}
