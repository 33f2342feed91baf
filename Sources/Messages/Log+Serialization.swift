import CMessages
import CProtobufC

extension LogRecord {
  public func encoded() -> [UInt8] {
    let arena = Arena()
    return pack(
      arena.make(elbo__v1__log_record__init) { record in
        switch self {
        case .coordinatorStarted(let job, let epoch, let recipe, let build, let shards):
          record.body_case = ELBO__V1__LOG_RECORD__BODY_COORDINATOR_STARTED
          record.coordinator_started = arena.make(elbo__v1__coordinator_started__init) {
            $0.job = job.rawValue
            $0.epoch = epoch.rawValue
            $0.recipe_digest = arena.bytes(recipe.bytes)
            $0.build = arena.text(build, limit: Limits.name)
            $0.shards = UInt32(shards)
          }
        case .dataFingerprinted(let digest):
          record.body_case = ELBO__V1__LOG_RECORD__BODY_DATA_FINGERPRINTED
          record.data_fingerprinted = arena.make(elbo__v1__data_fingerprinted__init) {
            $0.digest = arena.bytes(digest.bytes)
          }
        case .nodeNumbered(let name, let node, let incarnation):
          record.body_case = ELBO__V1__LOG_RECORD__BODY_NODE_NUMBERED
          record.node_numbered = arena.make(elbo__v1__node_numbered__init) {
            $0.name = arena.text(name, limit: Limits.name)
            $0.node = node.rawValue
            $0.incarnation = incarnation.rawValue
          }
        case .viewDecided(let view):
          record.body_case = ELBO__V1__LOG_RECORD__BODY_VIEW_DECIDED
          record.view_decided = arena.make(elbo__v1__view_decided__init) { $0.view = view.message(in: arena) }
        case .checkpointWritten(let position, let chain):
          record.body_case = ELBO__V1__LOG_RECORD__BODY_CHECKPOINT_WRITTEN
          record.checkpoint_written = arena.make(elbo__v1__checkpoint_written__init) {
            $0.position = arena.position(position)
            $0.chain = chain.rawValue
          }
        case .jobEnded(let reason):
          record.body_case = ELBO__V1__LOG_RECORD__BODY_JOB_ENDED
          record.job_ended = arena.make(elbo__v1__job_ended__init) {
            $0.reason = Elbo__V1__StopReason(rawValue: reason.rawValue)
          }
        }
      })
  }

  public init(decoding bytes: UnsafeRawBufferPointer) throws(MessageError) {
    self = try withUnpacked(
      bytes, limit: Limits.logRecord, name: "LogRecord", unpack: elbo__v1__log_record__unpack
    ) { (record: Elbo__V1__LogRecord) throws(MessageError) -> LogRecord in
      switch record.body_case {
      case ELBO__V1__LOG_RECORD__BODY_COORDINATOR_STARTED:
        let started = try Check.present(record.coordinator_started)
        guard let job = JobID(rawValue: started.job) else {
          throw MessageError(.missing, "CoordinatorStarted.job", "0")
        }
        return .coordinatorStarted(
          job: job, epoch: Epoch(rawValue: started.epoch),
          recipe: try Check.digest(started.recipe_digest, "CoordinatorStarted.recipe_digest"),
          build: try Check.text(started.build, "CoordinatorStarted.build", limit: Limits.name),
          shards: try Check.integer(started.shards, "CoordinatorStarted.shards", in: 1...Limits.shards))
      case ELBO__V1__LOG_RECORD__BODY_DATA_FINGERPRINTED:
        let data = try Check.present(record.data_fingerprinted)
        return .dataFingerprinted(try Check.digest(data.digest, "DataFingerprinted.digest"))
      case ELBO__V1__LOG_RECORD__BODY_NODE_NUMBERED:
        let numbered = try Check.present(record.node_numbered)
        return .nodeNumbered(
          name: try Check.text(numbered.name, "NodeNumbered.name", limit: Limits.name, required: true),
          node: try Check.node(numbered.node, "NodeNumbered.node"),
          incarnation: try Check.incarnation(numbered.incarnation, "NodeNumbered.incarnation"))
      case ELBO__V1__LOG_RECORD__BODY_VIEW_DECIDED:
        guard let view = try Check.present(record.view_decided).view else {
          throw MessageError(.missing, "ViewDecided.view", "none")
        }
        return .viewDecided(try View(view.pointee))
      case ELBO__V1__LOG_RECORD__BODY_CHECKPOINT_WRITTEN:
        let written = try Check.present(record.checkpoint_written)
        return .checkpointWritten(
          position: try Check.position(written.position, "CheckpointWritten.position"),
          chain: Chain(rawValue: written.chain))
      case ELBO__V1__LOG_RECORD__BODY_JOB_ENDED:
        return .jobEnded(
          try Check.enumerator(try Check.present(record.job_ended).reason.rawValue, "JobEnded.reason"))
      default: throw MessageError(.body, "LogRecord.body", "none that this program knows")
      }
    }
  }

  public init(decoding bytes: [UInt8]) throws(MessageError) {
    var result: Result<LogRecord, MessageError>?
    bytes.withUnsafeBytes { buffer in
      result = Result { () throws(MessageError) in try LogRecord(decoding: buffer) }
    }
    self = try result!.get()
  }
}
