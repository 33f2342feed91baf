import Messages
import Reports
import Training

/// A training, or a folder of runs, in Prometheus's text format.
struct PageMetrics {
  /// Of a training of this process.
  let live: LiveTraining?
  let cluster: ClusterWatch.State?
  let run: String
  let model: String
  /// Of all runs that are shown.
  let states: [String]

  var text: String {
    var text = PrometheusText()
    text.add(
      "elbo_build_info", .gauge, "Versions of what computes.",
      [.init(1, [("version", Version.elbo), ("kernels", Version.kernels), ("onednn", Version.oneDNN)])])
    if let live {
      add(live, to: &text)
    } else {
      let counts = Dictionary(grouping: states) { $0 }.sorted { $0.key < $1.key }
      text.add("elbo_runs", .gauge, "Runs that are shown, by state.", counts.map { .init($1.count, [("state", $0)]) })
    }
    if let reply = cluster?.reply { add(reply, to: &text) }
    text.addProcess()
    return text.text
  }

  private func add(_ live: LiveTraining, to text: inout PrometheusText) {
    let state = live.state
    let job = cluster?.reply.map { hexadecimal($0.job.job.rawValue) } ?? ""
    text.add("elbo_job_info", .gauge, "What is trained.", [.init(1, [("recipe", model), ("run", run), ("job", job)])])
    let now = state.ending ?? cluster?.reply.map { "\($0.job.state)" } ?? (state.last == nil ? "starting" : "running")
    let known = ["starting", "waiting", "running", "stalled", "finished", "interrupted", "stopped", "failed"]
    text.add(
      "elbo_job_state", .gauge, "1 for the state that the training is in.",
      known.map { .init($0 == now ? 1 : 0, [("state", $0)]) })
    if let last = state.last {
      text.add("elbo_steps_total", .counter, "Steps that are done.", [.init(last.step)])
      if !live.endsByItself { text.add("elbo_planned_steps", .gauge, "Steps in all.", [.init(last.steps)]) }
      text.add("elbo_examples_total", .counter, "Examples of the steps of this process.", [.init(state.examples)])
    }
    if let rate = state.examplesPerSecond {
      text.add("elbo_examples_per_second", .gauge, "Over the steps of this process.", [.init(rate)])
    }
    if let left = state.secondsLeft, !live.endsByItself {
      text.add("elbo_remaining_seconds", .gauge, "Until the last step.", [.init(left)])
    }
    text.add(
      "elbo_metric", .gauge, "Metrics of the last report.",
      state.metrics.sorted { $0.key < $1.key }.map { .init($0.value, [("name", $0.key)]) })
    if let checkpoint = state.checkpoint {
      text.add("elbo_checkpoint_timestamp_seconds", .gauge, "When a checkpoint was last written.", [.init(checkpoint)])
    }
  }

  private func add(_ reply: StatusReply, to text: inout PrometheusText) {
    let job = reply.job
    let states = Dictionary(grouping: reply.nodes) { "\($0.state)" }
    text.add(
      "elbo_nodes", .gauge, "Nodes by state.",
      NodeState.allCases.map { .init(states["\($0)"]?.count ?? 0, [("state", "\($0)")]) })
    func ofNodes(
      _ name: String, _ kind: PrometheusText.Kind, _ help: String, _ value: (NodeStatus) -> Double
    ) {
      text.add("elbo_node_" + name, kind, help, reply.nodes.map { .init(value($0), [("node", $0.name)]) })
    }
    ofNodes("step_seconds", .gauge, "A step's time.") { Double($0.stepMicroseconds) / 1e6 }
    ofNodes("last_seen_seconds", .gauge, "Since the last sign of life.") { $0.secondsSinceSeen }
    ofNodes("waiting_seconds", .gauge, "How long it has been waiting for others.") { $0.secondsWaiting }
    ofNodes("received_bytes_total", .counter, "From other nodes.") { Double($0.bytesReceived) }
    ofNodes("sent_bytes_total", .counter, "To other nodes.") { Double($0.bytesSent) }
    text.add("elbo_view_changes_total", .counter, "Changes of who takes part.", [.init(Int(clamping: job.viewChanges))])
    text.add(
      "elbo_coordinator_restarts_total", .counter, "Starts of the coordinator but the first.",
      [.init(Int(job.coordinatorRestarts))])
    text.add(
      "elbo_refused_messages_total", .counter, "Messages that were not believed.",
      [.init(Int(clamping: job.refusedMessages))])
  }

  private func hexadecimal(_ number: UInt64) -> String {
    let text = String(number, radix: 16)
    return String(repeating: "0", count: 16 - text.count) + text
  }
}
