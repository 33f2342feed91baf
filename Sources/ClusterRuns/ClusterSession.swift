import Cluster
import Datasets
import Files
import Foundation
import Learners
import Messages
import Recipes
import Reports
import Runs
import Training
import ZeroMQ

/// A training by nodes, with this process as their coordinator: the run folder is that of a training here.
package struct ClusterSession: Sendable {
  package let session: TrainingSession
  package let coordinator: Coordinator
  /// Where the coordinator listens.
  package let endpoint: Endpoint
  private let job: TrainingJob
  private let checkpoint: Checkpoint?
  private let stopping = StopRequest()

  /// Opens the session, and listens. When that fails, nothing is left open.
  /// - Parameters:
  ///   - run: to which only this process writes.
  ///   - checkpoint: where to go on from, which the learner is filled from; nil starts anew.
  ///   - isRestart: whether an earlier coordinator of the same job was killed, and its nodes may still be at work.
  ///   - observer: hears how the training goes, besides the run folder.
  package init(
    _ job: TrainingJob, run: RunFolder, from checkpoint: Checkpoint?, isRestart: Bool, bind: Endpoint,
    security: ClusterSecurity, nodes: Int, heartbeat: Duration, wait: Duration = .seconds(60), lanes: Int, quiet: Bool,
    pictures: PictureFormat? = .png, observer: (any TrainingObserver)? = nil
  ) async throws {
    self.job = job
    self.checkpoint = checkpoint
    let recipe = job.resolvedRecipe
    let state = checkpoint.map {
      (step: $0.state.step, state: LearnerState(of: job.trained, converged: $0.state.converged))
    }
    var configuration = Coordinator.Configuration(
      bind: bind, security: security, build: try ClusterIdentity.build(), name: job.model.name, recipe: recipe,
      recipeDigest: ClusterIdentity.digest(of: recipe), data: job.dataDigest, shards: job.plan.shards,
      steps: job.plan.steps, stateCount: LearnerState.count(of: job.trained), expectedNodes: nodes,
      log: run.coordinatorLog)
    configuration.isNewJob = !isRestart
    configuration.checkpointInterval = job.plan.checkpointInterval
    configuration.heartbeat = heartbeat
    configuration.startPatience = wait
    configuration.reportPeriods = job.plan.reportPeriods
    let coordinator = try Coordinator(configuration, resuming: state)
    self.coordinator = coordinator
    do {
      // The log has been compared and the address is taken: only now is anything of the run changed.
      endpoint = try await coordinator.bind()
      session = try TrainingSession(
        job, run: run, from: checkpoint, keepingMetrics: isRestart, lanes: lanes, quiet: quiet,
        isComputedHere: false, pictures: pictures, observer: observer)
      if let last = session.lastRecordedStep { await coordinator.keptReports(upTo: last) }
      try await coordinator.begin()
      try AtomicFile.write(run.coordinatorEndpoint, "\(endpoint)\n")
    } catch {
      await coordinator.close()
      throw error
    }
  }

  /// Whether nothing is left to train.
  package var isDone: Bool {
    guard let state = checkpoint?.state else { return false }
    return state.converged || state.step >= job.plan.steps
  }

  /// Ends the training after a checkpoint; at once when asked again, or when no node answers.
  package func stop() {
    let isFirst = !stopping.isRequested
    stopping.request()
    let stop = Stop(reason: .asked, explanation: "the coordinator was asked to stop")
    guard isFirst else { return coordinator.end(stop) }
    coordinator.save(orEnd: stop)
    Task { [coordinator] in
      try await Task.sleep(for: .seconds(10))
      coordinator.end(stop)
    }
  }

  /// From the first node's arrival to the end of the job. Writes what nodes report, and checkpoints; what cannot be
  /// written is tried again, and ends nothing.
  package func run() async throws -> Summary {
    try await session.run(until: stopping) { recorder in
      var moment = Trainer.Moment(
        step: checkpoint?.state.step ?? 0, epoch: checkpoint?.state.epoch ?? 0,
        seconds: checkpoint?.state.seconds ?? 0, converged: checkpoint?.state.converged ?? false)
      let earlier = moment.seconds
      var began: ContinuousClock.Instant?
      var lastReport = earlier
      var shownStep = moment.step
      /// Whether what the learner holds is not written yet, and the state that it is then.
      var unwritten: StateOffer?
      var lastWaitsSince: ContinuousClock.Instant?
      /// Writes what the learner holds. After the last state, or when the user wants the end, that ends the job.
      func save() {
        guard let offer = unwritten else { return }
        let isLast = offer.converged || offer.step >= UInt64(job.plan.steps)
        let isWritten = recorder.save(moment)
        coordinator.tell(recorder.trouble)
        if !isWritten {
          if isLast, lastWaitsSince == nil { lastWaitsSince = .now }
          if let lastWaitsSince, .now - lastWaitsSince > LastWrite.patience {
            coordinator.end(Stop(reason: .failed, explanation: recorder.trouble ?? ""))
          }
          return coordinator.wake(after: recorder.timeToRetry)
        }
        unwritten = nil
        if isLast {
          let explanation = offer.converged ? "more steps would change nothing" : "all steps are done"
          coordinator.end(Stop(reason: .completed, explanation: explanation))
        } else if stopping.isRequested {
          coordinator.end(Stop(reason: .asked, explanation: "the coordinator was asked to stop"))
        }
      }
      func seconds() -> Double {
        guard let began else { return earlier }
        return earlier + ContinuousClock.now.durationSeconds(since: began)
      }
      if isDone { return .finished(moment) }
      for await event in coordinator.events {
        switch event {
        case .view(let view):
          if began == nil { began = .now }
          recorder.note("\(view.number): \(view.members.map(\.name).joined(separator: ", ")) (\(view.cause))")
        case .note(let text): recorder.note(text)
        case .progress(let status):
          guard status.position.step > UInt64(shownStep) else { continue }
          recorder.step(report(status, after: shownStep, seconds: seconds()))
          shownStep = Int(status.position.step)
        case .report(let report):
          let now = seconds()
          let rate = now > lastReport ? Double(report.examples) / (now - lastReport) : 0
          lastReport = now
          try recorder.report(
            TrainingReport(
              step: Int(report.step), steps: job.plan.steps, epoch: epochs(Int(report.step)),
              epochs: epochs(job.plan.steps), seconds: now, examples: Int(report.examples), examplesPerSecond: rate,
              metrics: Dictionary(report.metrics.map { ($0.name, $0.value) }) { $1 }, isWhole: true))
          coordinator.tell(recorder.trouble)
        case .state(let offer, let state):
          defer { coordinator.wroteState() }
          guard state.fill(job.trained) else { continue }
          let step = Int(offer.step)
          moment = Trainer.Moment(
            step: step, epoch: step / job.stepsPerEpoch, seconds: seconds(), converged: offer.converged)
          unwritten = offer
          save()
        case .awake: save()
        case .ended(let stop):
          switch stop.reason {
          case .completed: return .finished(moment)
          case .asked:
            if unwritten != nil { throw LastWrite.failure(recorder.trouble ?? "") }
            return .interrupted(moment)
          case .failed:
            if unwritten != nil { throw LastWrite.failure(recorder.trouble ?? "") }
            throw ClusterError(.failed, stop.explanation)
          }
        }
      }
      return .interrupted(moment)
    }
  }

  private func epochs(_ steps: Int) -> Double { Double(steps) / Double(job.stepsPerEpoch) }

  /// What the progress line shows.
  private func report(_ status: JobStatus, after shown: Int, seconds: Double) -> TrainingReport {
    let step = Int(status.position.step)
    var metrics: [String: Double] = [:]
    if let name = job.progressMetrics.first, status.objective.isFinite { metrics[name] = status.objective }
    return TrainingReport(
      step: step, steps: job.plan.steps, epoch: epochs(step), epochs: epochs(job.plan.steps), seconds: seconds,
      examples: (step - shown) * job.examplesPerStep, examplesPerSecond: status.examplesPerSecond, metrics: metrics,
      isWhole: true)
  }
}

extension ContinuousClock.Instant {
  fileprivate func durationSeconds(since other: Self) -> Double {
    let (seconds, attoseconds) = (self - other).components
    return Double(seconds) + Double(attoseconds) * 1e-18
  }
}

extension TrainingJob {
  /// The fingerprint of the prepared data, as the wire has it.
  package var dataDigest: Digest {
    Digest(hexadecimal: data.fingerprint) ?? ClusterIdentity.digest(of: data.fingerprint)
  }
}
