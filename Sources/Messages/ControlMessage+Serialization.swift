import CMessages
import CProtobufC

extension ControlMessage {
  /// The bytes of the envelope: one frame.
  public func encoded() -> [UInt8] {
    let arena = Arena()
    return pack(
      arena.make(elbo__v1__envelope__init) {
        $0.protocol_version = Protocol.version
        $0.job = job?.rawValue ?? 0
        $0.sender = sender?.rawValue ?? 0
        $0.incarnation = incarnation?.rawValue ?? 0
        $0.epoch = epoch.rawValue
        body.fill(&$0, in: arena)
      })
  }

  /// The message that `bytes` are. Nothing about them is trusted.
  public init(decoding bytes: UnsafeRawBufferPointer) throws(MessageError) {
    self = try withUnpacked(
      bytes, limit: Limits.controlMessage, name: "Envelope", unpack: elbo__v1__envelope__unpack
    ) { (envelope: Elbo__V1__Envelope) throws(MessageError) -> ControlMessage in
      guard envelope.protocol_version == Protocol.version else {
        throw MessageError(
          .version, "Envelope.protocol_version", "\(envelope.protocol_version), this program speaks \(Protocol.version)"
        )
      }
      return ControlMessage(
        job: JobID(rawValue: envelope.job), sender: NodeNumber(rawValue: envelope.sender),
        incarnation: Incarnation(rawValue: envelope.incarnation), epoch: Epoch(rawValue: envelope.epoch),
        body: try ControlBody(envelope))
    }
  }

  /// The message that `bytes` are.
  public init(decoding bytes: [UInt8]) throws(MessageError) {
    var result: Result<ControlMessage, MessageError>?
    bytes.withUnsafeBytes { buffer in
      result = Result { () throws(MessageError) in try ControlMessage(decoding: buffer) }
    }
    self = try result!.get()
  }
}

extension ControlBody {
  fileprivate func fill(_ envelope: inout Elbo__V1__Envelope, in arena: Arena) {
    switch self {
    case .recipeRequest(let body):
      envelope.body_case = ELBO__V1__ENVELOPE__BODY_RECIPE_REQUEST
      envelope.recipe_request = body.message(in: arena)
    case .recipe(let body):
      envelope.body_case = ELBO__V1__ENVELOPE__BODY_RECIPE
      envelope.recipe = body.message(in: arena)
    case .hello(let body):
      envelope.body_case = ELBO__V1__ENVELOPE__BODY_HELLO
      envelope.hello = body.message(in: arena)
    case .welcome(let body):
      envelope.body_case = ELBO__V1__ENVELOPE__BODY_WELCOME
      envelope.welcome = body.message(in: arena)
    case .refused(let body):
      envelope.body_case = ELBO__V1__ENVELOPE__BODY_REFUSED
      envelope.refused = body.message(in: arena)
    case .view(let body):
      envelope.body_case = ELBO__V1__ENVELOPE__BODY_VIEW
      envelope.view = body.message(in: arena)
    case .viewAcknowledgement(let body):
      envelope.body_case = ELBO__V1__ENVELOPE__BODY_VIEW_ACK
      envelope.view_ack = body.message(in: arena)
    case .dismissed(let body):
      envelope.body_case = ELBO__V1__ENVELOPE__BODY_DISMISSED
      envelope.dismissed = body.message(in: arena)
    case .leave(let body):
      envelope.body_case = ELBO__V1__ENVELOPE__BODY_LEAVE
      envelope.leave = body.message(in: arena)
    case .heartbeat(let body):
      envelope.body_case = ELBO__V1__ENVELOPE__BODY_HEARTBEAT
      envelope.heartbeat = body.message(in: arena)
    case .heartbeatReply(let body):
      envelope.body_case = ELBO__V1__ENVELOPE__BODY_HEARTBEAT_REPLY
      envelope.heartbeat_reply = body.message(in: arena)
    case .late(let body):
      envelope.body_case = ELBO__V1__ENVELOPE__BODY_LATE
      envelope.late = body.message(in: arena)
    case .execute(let body):
      envelope.body_case = ELBO__V1__ENVELOPE__BODY_EXECUTE
      envelope.execute = body.message(in: arena)
    case .stop(let body):
      envelope.body_case = ELBO__V1__ENVELOPE__BODY_STOP
      envelope.stop = body.message(in: arena)
    case .report(let body):
      envelope.body_case = ELBO__V1__ENVELOPE__BODY_REPORT
      envelope.report = body.message(in: arena)
    case .saveRequest:
      envelope.body_case = ELBO__V1__ENVELOPE__BODY_SAVE_REQUEST
      envelope.save_request = arena.make(elbo__v1__save_request__init)
    case .stateOffer(let body):
      envelope.body_case = ELBO__V1__ENVELOPE__BODY_STATE_OFFER
      envelope.state_offer = body.message(in: arena)
    case .stateRequest(let body):
      envelope.body_case = ELBO__V1__ENVELOPE__BODY_STATE_REQUEST
      envelope.state_request = body.message(in: arena)
    case .statePart(let body):
      envelope.body_case = ELBO__V1__ENVELOPE__BODY_STATE_PART
      envelope.state_part = body.message(in: arena)
    case .leaseRequest(let body):
      envelope.body_case = ELBO__V1__ENVELOPE__BODY_LEASE_REQUEST
      envelope.lease_request = body.message(in: arena)
    case .sampleLease(let body):
      envelope.body_case = ELBO__V1__ENVELOPE__BODY_SAMPLE_LEASE
      envelope.sample_lease = body.message(in: arena)
    case .sampleResult(let body):
      envelope.body_case = ELBO__V1__ENVELOPE__BODY_SAMPLE_RESULT
      envelope.sample_result = body.message(in: arena)
    case .prediction(let body):
      envelope.body_case = ELBO__V1__ENVELOPE__BODY_PREDICTION
      envelope.prediction = body.message(in: arena)
    case .assist(let body):
      envelope.body_case = ELBO__V1__ENVELOPE__BODY_ASSIST
      envelope.assist = body.message(in: arena)
    case .statusRequest:
      envelope.body_case = ELBO__V1__ENVELOPE__BODY_STATUS_REQUEST
      envelope.status_request = arena.make(elbo__v1__status_request__init)
    case .statusReply(let body):
      envelope.body_case = ELBO__V1__ENVELOPE__BODY_STATUS_REPLY
      envelope.status_reply = body.message(in: arena)
    }
  }

  fileprivate init(_ envelope: Elbo__V1__Envelope) throws(MessageError) {
    switch envelope.body_case {
    case ELBO__V1__ENVELOPE__BODY_RECIPE_REQUEST:
      self = .recipeRequest(try RecipeRequest(Check.present(envelope.recipe_request)))
    case ELBO__V1__ENVELOPE__BODY_RECIPE: self = .recipe(try RecipeReply(Check.present(envelope.recipe)))
    case ELBO__V1__ENVELOPE__BODY_HELLO: self = .hello(try Hello(Check.present(envelope.hello)))
    case ELBO__V1__ENVELOPE__BODY_WELCOME: self = .welcome(try Welcome(Check.present(envelope.welcome)))
    case ELBO__V1__ENVELOPE__BODY_REFUSED: self = .refused(try Refused(Check.present(envelope.refused)))
    case ELBO__V1__ENVELOPE__BODY_VIEW: self = .view(try View(Check.present(envelope.view)))
    case ELBO__V1__ENVELOPE__BODY_VIEW_ACK:
      self = .viewAcknowledgement(try ViewAcknowledgement(Check.present(envelope.view_ack)))
    case ELBO__V1__ENVELOPE__BODY_DISMISSED: self = .dismissed(try Dismissed(Check.present(envelope.dismissed)))
    case ELBO__V1__ENVELOPE__BODY_LEAVE: self = .leave(try Leave(Check.present(envelope.leave)))
    case ELBO__V1__ENVELOPE__BODY_HEARTBEAT: self = .heartbeat(try Heartbeat(Check.present(envelope.heartbeat)))
    case ELBO__V1__ENVELOPE__BODY_HEARTBEAT_REPLY:
      self = .heartbeatReply(try HeartbeatReply(Check.present(envelope.heartbeat_reply)))
    case ELBO__V1__ENVELOPE__BODY_LATE: self = .late(try Late(Check.present(envelope.late)))
    case ELBO__V1__ENVELOPE__BODY_EXECUTE: self = .execute(try Execute(Check.present(envelope.execute)))
    case ELBO__V1__ENVELOPE__BODY_STOP: self = .stop(try Stop(Check.present(envelope.stop)))
    case ELBO__V1__ENVELOPE__BODY_REPORT: self = .report(try Report(Check.present(envelope.report)))
    case ELBO__V1__ENVELOPE__BODY_SAVE_REQUEST: self = .saveRequest
    case ELBO__V1__ENVELOPE__BODY_STATE_OFFER: self = .stateOffer(try StateOffer(Check.present(envelope.state_offer)))
    case ELBO__V1__ENVELOPE__BODY_STATE_REQUEST:
      self = .stateRequest(try StateRequest(Check.present(envelope.state_request)))
    case ELBO__V1__ENVELOPE__BODY_STATE_PART: self = .statePart(try StatePart(Check.present(envelope.state_part)))
    case ELBO__V1__ENVELOPE__BODY_LEASE_REQUEST:
      self = .leaseRequest(try LeaseRequest(Check.present(envelope.lease_request)))
    case ELBO__V1__ENVELOPE__BODY_SAMPLE_LEASE:
      self = .sampleLease(try SampleLease(Check.present(envelope.sample_lease)))
    case ELBO__V1__ENVELOPE__BODY_SAMPLE_RESULT:
      self = .sampleResult(try SampleResult(Check.present(envelope.sample_result)))
    case ELBO__V1__ENVELOPE__BODY_PREDICTION:
      self = .prediction(try PredictionOffer(Check.present(envelope.prediction)))
    case ELBO__V1__ENVELOPE__BODY_ASSIST: self = .assist(try Assist(Check.present(envelope.assist)))
    case ELBO__V1__ENVELOPE__BODY_STATUS_REQUEST: self = .statusRequest
    case ELBO__V1__ENVELOPE__BODY_STATUS_REPLY:
      self = .statusReply(try StatusReply(Check.present(envelope.status_reply)))
    default: throw MessageError(.body, "Envelope.body", "none that this program knows")
    }
  }
}
