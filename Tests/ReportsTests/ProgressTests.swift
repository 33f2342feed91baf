import Reports
import Synchronization
import Testing

/// A clock that is turned by hand and a sink that keeps what is written.
final class Stage: Sendable {
  private let state = Mutex((time: Duration.zero, text: ""))

  var clock: @Sendable () -> Duration {
    { self.state.withLock { $0.time } }
  }

  var write: @Sendable (String) -> Void {
    { text in self.state.withLock { $0.text += text } }
  }

  func advance(_ duration: Duration) {
    state.withLock { $0.time += duration }
  }

  /// What was written since the last call.
  func take() -> String {
    state.withLock { state in
      defer { state.text = "" }
      return state.text
    }
  }

  func reporter(_ output: ProgressReporter.Output) -> ProgressReporter {
    ProgressReporter(output, write: write, clock: clock)
  }
}

private func progress(_ step: Int, epoch: Int = 1, elbo: Double = -243.1) -> TrainingProgress {
  TrainingProgress(
    step: step, totalSteps: 12_000, epoch: epoch, totalEpochs: 20, examples: step * 100,
    metrics: [.init("ELBO", elbo), .init("KL", 15.88)])
}

@Suite struct TerminalProgressTests {
  @Test func drawsOneLineAgain() {
    let stage = Stage()
    var reporter = stage.reporter(.terminal(width: { 120 }))
    reporter.update(progress(0))
    #expect(
      stage.take()
        == "\r" + "epoch 1/20  [..............................]  0%  step 0/12000  ELBO -243.1  KL 15.88" + "\u{1B}[K")
    stage.advance(.seconds(1))
    reporter.update(progress(600))
    #expect(
      stage.take()
        == "\repoch 1/20  [#.............................]  5%  step 600/12000  ELBO -243.1  KL 15.88  60.0k examples/s  19 s left"
        + "\u{1B}[K")
    reporter.finish()
    #expect(stage.take() == "\n")
  }

  @Test func drawsAtMostTenTimesASecond() {
    let stage = Stage()
    var reporter = stage.reporter(.terminal(width: { 80 }))
    var drawn = 0
    for step in 0..<1000 {
      reporter.update(progress(step))
      if !stage.take().isEmpty { drawn += 1 }
      stage.advance(.milliseconds(1))
    }
    #expect(drawn == 10)
    reporter.finish()
    #expect(stage.take().contains("step 999/"), "the last state is drawn, however soon it came")
  }

  @Test(arguments: 0...130)
  func neverIsWiderThanTheTerminal(width: Int) {
    let stage = Stage()
    var reporter = stage.reporter(.terminal(width: { width }))
    reporter.update(progress(0))
    _ = stage.take()
    stage.advance(.seconds(2))
    reporter.update(progress(1234))
    let line = stage.take().dropFirst().dropLast(3)
    #expect(line.count <= max(width - 1, 0))
    // The more room there is, the more the line shows, from the most important on.
    if width > 30 { #expect(line.contains("epoch 1/20") && line.contains("ELBO")) }
    if width > 45 { #expect(line.contains("left")) }
    if width > 110 { #expect(line.contains("[##")) }
  }

  @Test func notesStandAboveTheLine() {
    let stage = Stage()
    var reporter = stage.reporter(.terminal(width: { 60 }))
    reporter.note("before anything is drawn")
    #expect(stage.take() == "before anything is drawn\n")
    reporter.update(progress(10))
    _ = stage.take()
    reporter.note("checkpoint")
    let text = stage.take()
    #expect(text.hasPrefix("\r\u{1B}[Kcheckpoint\n\repoch"))
  }
}

@Suite struct ProgressLineTests {
  @Test func linesComeAtEpochsAndEveryTenSeconds() {
    let stage = Stage()
    var reporter = stage.reporter(.lines)
    reporter.update(progress(0))
    #expect(stage.take() == "")
    stage.advance(.seconds(9))
    reporter.update(progress(180))
    #expect(stage.take() == "")
    stage.advance(.seconds(1))
    reporter.update(progress(200))
    #expect(
      stage.take()
        == "epoch 1/20, step 200/12000, ELBO -243.1, KL 15.88, 2.00k examples/s, 9:50 left\n")
    stage.advance(.seconds(2))
    reporter.update(progress(600, epoch: 2))
    #expect(stage.take().hasPrefix("epoch 2/20, step 600"))
    // Epochs that take no time do not flood the log.
    for epoch in 3..<20 {
      stage.advance(.milliseconds(50))
      reporter.update(progress(600 * epoch, epoch: epoch))
      #expect(stage.take() == "")
    }
    reporter.finish()
    #expect(stage.take().hasPrefix("epoch 19/20, step 11400"))
    reporter.finish()
    #expect(stage.take() == "")
  }

  @Test func quietIsQuiet() {
    let stage = Stage()
    var reporter = stage.reporter(.none)
    for step in 0..<10 {
      stage.advance(.seconds(60))
      reporter.update(progress(step))
      reporter.note("x")
    }
    reporter.finish()
    #expect(stage.take() == "")
  }

  @Test func saysWhatItKnows() {
    let stage = Stage()
    var reporter = stage.reporter(.lines)
    reporter.update(TrainingProgress(step: 0, examples: 0))
    reporter.update(TrainingProgress(step: 7, examples: 0, metrics: [.init("bound", .nan)]))
    reporter.finish()
    #expect(stage.take() == "step 7, bound nan\n")
  }
}

@Suite struct RateTests {
  private func lastLine(_ stage: Stage, _ reporter: inout ProgressReporter, _ update: TrainingProgress) -> String {
    stage.advance(.seconds(10))
    reporter.update(update)
    return stage.take()
  }

  /// Right after a resumption only this process's steps count: 6000 steps that took no time here are no speed.
  @Test func timeLeftIsRightAfterResumption() {
    let stage = Stage()
    var reporter = stage.reporter(.lines)
    reporter.update(progress(6000))
    let line = lastLine(stage, &reporter, progress(6100))
    #expect(line.contains("1.00k examples/s, 9:50 left"))
  }

  @Test func followsAChangeOfSpeed() {
    let stage = Stage()
    var reporter = stage.reporter(.lines)
    reporter.update(progress(0))
    for second in 1...100 {
      stage.advance(.seconds(1))
      reporter.update(progress(second * 10))
    }
    #expect(stage.take().hasSuffix("1.00k examples/s, 18:20 left\n"))
    for second in 1...60 {
      stage.advance(.seconds(1))
      reporter.update(progress(1000 + second * 40))
    }
    // After six time constants the old speed counts e⁻⁶.
    #expect(stage.take().hasSuffix("3.99k examples/s, 3:35 left\n"))
  }

  @Test func goingBackStartsAnew() {
    let stage = Stage()
    var reporter = stage.reporter(.lines)
    reporter.update(progress(1000))
    _ = lastLine(stage, &reporter, progress(2000))
    #expect(!lastLine(stage, &reporter, progress(1500)).contains("examples/s"))
    #expect(lastLine(stage, &reporter, progress(1700)).contains("2.00k examples/s"))
  }

  @Test func aClockThatStandsGivesNoSpeed() {
    let stage = Stage()
    var reporter = stage.reporter(.lines)
    reporter.update(progress(0))
    reporter.update(progress(100))
    reporter.finish()
    let line = stage.take()
    #expect(!line.contains("examples/s") && !line.contains("left"))
  }
}
