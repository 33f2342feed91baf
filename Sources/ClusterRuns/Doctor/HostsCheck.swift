import Files
import Foundation
import Recipes
import Reports
import Subprocess
import ZeroMQ

/// Looks at the machines of a launch, all at once, over ssh: what each is, and whom each reaches.
package struct HostsCheck {
  package let hosts: [HostsFile.Host]
  package let bind: Endpoint
  package let data: String

  package init(hosts: [HostsFile.Host], bind: Endpoint, data: String) {
    (self.hosts, self.bind, self.data) = (hosts, bind, data)
  }

  /// What was seen of a machine.
  package struct Report: Sendable {
    package var name: String
    package var greeting: HostProbe.Greeting?
    /// By machine; nil: not tried.
    package var reaches: [HostProbe.Reach?] = []
    /// Why there is less than that.
    package var failure: String?
  }

  package func run() async throws -> HostsReport {
    guard case .tcp(let host, let port) = bind.transport, !["*", "0.0.0.0", "::"].contains(host) else {
      throw RecipeError("--bind \(bind): name the address at which the hosts reach this machine")
    }
    let number: UInt16 = if case .number(let number) = port { number } else { 0 }
    let server: TokenServer
    do { server = try TokenServer(host: host, port: number) } catch {
      throw RecipeError("--bind \(bind): \(error)")
    }
    let hub = HostProbe.Place(host: host, port: server.port, token: server.token)
    let places = Meeting<HostProbe.Place>(hosts.count)
    let done = Meeting<Bool>(hosts.count)
    let reports = await withTaskGroup(of: (Int, Report).self) { group in
      for (index, host) in hosts.enumerated() {
        group.addTask {
          let report = await look(at: host, index, hub, places, done)
          // The others do not wait for a host that could not come.
          await places.bring(nil, by: index)
          await done.bring(nil, by: index)
          return (index, report)
        }
      }
      return await group.reduce(into: [Report?](repeating: nil, count: hosts.count)) { $0[$1.0] = $1.1 }
    }
    return HostsReport(
      here: try await MachineCheck(data: data, withFingerprint: true), there: reports.compactMap { $0 })
  }

  /// Talks with one machine's probe.
  private func look(
    at host: HostsFile.Host, _ index: Int, _ hub: HostProbe.Place, _ places: Meeting<HostProbe.Place>,
    _ done: Meeting<Bool>
  ) async -> Report {
    var report = Report(name: host.host)
    let (executable, arguments) = host.command([
      host.elbo, "doctor", "--probe", hub.word, "--data", host.data ?? data,
    ])
    do {
      let result = try await Subprocess.run(
        executable, arguments: Arguments(arguments), input: .inputWriter, output: .sequence,
        error: .string(limit: 1 << 16)
      ) { execution in
        var lines = execution.standardOutput.strings().makeAsyncIterator()
        guard let first = try await lines.next() else { return }
        report.greeting = try JSONDecoder().decode(HostProbe.Greeting.self, from: Data(first.utf8))
        await places.bring(report.greeting?.place, by: index)
        var others = await places.all()
        others[index] = nil
        let line = String(decoding: try JSONEncoder().encode(others), as: UTF8.self) + "\n"
        _ = try await execution.standardInputWriter.write(line)
        guard let second = try await lines.next() else { return }
        report.reaches = try JSONDecoder().decode([HostProbe.Reach?].self, from: Data(second.utf8))
        // Others may still want to reach it.
        await done.bring(true, by: index)
        _ = await done.all()
        try await execution.standardInputWriter.finish()
      }
      if report.reaches.count != hosts.count {
        let said = result.standardError.split(separator: "\n").last.map { ": \($0)" } ?? ""
        report.failure = "`\(host.elbo) doctor` there ended with \(result.terminationStatus)\(said)"
      }
    } catch {
      report.failure = "\(error)"
    }
    return report
  }
}

/// Parties bring what they have, or that they have nothing, and get what all have brought.
private actor Meeting<Value: Sendable> {
  private var values: [Value?]
  private var absent: Set<Int>
  private var waiting: [CheckedContinuation<Void, Never>] = []

  init(_ count: Int) {
    values = Array(repeating: nil, count: count)
    absent = Set(0..<count)
  }

  /// What a party brings first counts.
  func bring(_ value: Value?, by party: Int) {
    guard absent.remove(party) != nil else { return }
    values[party] = value
    guard absent.isEmpty else { return }
    for continuation in waiting { continuation.resume() }
    waiting = []
  }

  func all() async -> [Value?] {
    if !absent.isEmpty { await withCheckedContinuation { waiting.append($0) } }
    return values
  }
}

/// What `elbo doctor --hosts` prints.
package struct HostsReport {
  package let here: MachineCheck
  package let there: [HostsCheck.Report]

  /// Each machine's items, those by which machines must agree among them.
  private func check(of report: HostsCheck.Report) -> MachineCheck? {
    guard var check = report.greeting?.check else { return nil }
    if check.build != here.build {
      check.items.append(.init(isGood: false, name: "build", text: "\(check.build); here it is \(here.build)"))
    }
    if let fingerprint = check.fingerprint, let own = here.fingerprint, fingerprint != own {
      check.items.append(.init(isGood: false, name: "fingerprint", text: "the data are not those of this machine"))
    }
    return check
  }

  package var isGood: Bool { problems.isEmpty && here.isGood && there.allSatisfy { check(of: $0)?.isGood ?? false } }

  /// Who does not reach whom, and who does not answer.
  private var problems: [String] {
    there.flatMap { from in
      var list: [String] = []
      if let failure = from.failure { list.append("\(from.name): \(failure)") }
      if case .failed(let reason)? = from.greeting?.hub { list.append("\(from.name) to this machine: \(reason)") }
      if from.greeting != nil, from.greeting?.place == nil {
        list.append("\(from.name) has no address on the way here")
      }
      for (to, reach) in zip(there, from.reaches) {
        if case .failed(let reason)? = reach { list.append("\(from.name) to \(to.name): \(reason)") }
      }
      return list
    }
  }

  /// An object: whether all is `good`, `here` and each of `hosts` as `MachineCheck.json` has them, and `problems`.
  package var json: String {
    let hosts = there.map { report in
      JSONText.object([("name", JSONText.string(report.name)), ("machine", check(of: report)?.json ?? "null")])
    }
    return JSONText.object([
      ("good", "\(isGood)"), ("here", here.json), ("hosts", "[" + hosts.joined(separator: ",") + "]"),
      ("problems", "[" + problems.map(JSONText.string).joined(separator: ",") + "]"),
    ])
  }

  package var text: String {
    var text = "this machine\n\(here.text)"
    for report in there {
      if let check = check(of: report) { text += "\(report.name)\n\(check.text)" }
    }
    var table = TextTable(
      [.init("from \\ to"), .init("this machine", .right)] + there.map { .init($0.name, .right) })
    for from in there where from.greeting != nil {
      let cells = there.indices.map { from.reaches.indices.contains($0) ? from.reaches[$0] : nil }
      table.append([from.name] + ([from.greeting?.hub] + cells).map(cell))
    }
    if !table.rows.isEmpty { text += "milliseconds to connect and be answered\n" + table.text }
    return text + problems.map { "failed  \($0)\n" }.joined()
  }

  private func cell(_ reach: HostProbe.Reach?) -> String {
    switch reach {
    case .reached(let milliseconds)?: milliseconds.formatted(.number.precision(.fractionLength(2)))
    case .failed?: "failed"
    case nil: ""
    }
  }
}
