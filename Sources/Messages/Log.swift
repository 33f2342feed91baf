/// What the coordinator must know again after a restart.
public enum LogRecord: Hashable, Sendable {
  /// The coordinator has started, for the `epoch`-th time for this job.
  case coordinatorStarted(job: JobID, epoch: Epoch, recipe: Digest, build: String, shards: Int)
  case dataFingerprinted(Digest)
  /// A name has got its number, or a later start of it is known.
  case nodeNumbered(name: String, node: NodeNumber, incarnation: Incarnation)
  /// Written and synced before the view is announced.
  case viewDecided(View)
  case checkpointWritten(position: PhaseIndex, chain: Chain)
  case jobEnded(Stop.Reason)
}
