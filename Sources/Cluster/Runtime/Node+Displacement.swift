import Messages

extension Node {
  /// The coordinator of another job answers at the address of this node's coordinator. The node goes on, as it does
  /// without a coordinator, for its own may come back; but not for ever, since its place is taken.
  func follow(stranger body: ControlBody) {
    guard case .refused(let refused) = body, refused.code == .otherJob, refused.incarnation == session?.incarnation
    else { return }
    guard let displacement, displacement.explanation == refused.explanation else {
      displacement = (refused.explanation, participant.clock.now)
      return note(
        "\(displaced); this node goes on and looks for its own for \(configuration.patience.milliseconds / 1000) s")
    }
    if participant.clock.now - displacement.since > configuration.patience { endDisplaced() }
  }

  func endDisplaced() {
    end(
      .failure(
        ClusterError(
          .displaced, displaced, advice: "start its coordinator again with the same --out, there, and then this node")))
  }

  private var displaced: String {
    "the coordinator at \(configuration.coordinator) is now that of \(displacement?.explanation ?? ""), and this node is of job \(jobID!.hexadecimal)"
  }
}
