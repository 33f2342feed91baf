/// One message between a node (or a status client) and the coordinator.
public struct ControlMessage: Hashable, Sendable {
  /// `nil` from a peer that does not know the job yet.
  public var job: JobID?
  /// `nil`: the coordinator, a node before its Welcome, or a status client.
  public var sender: NodeNumber?
  /// Of the sending node; `nil` from the coordinator and from status clients.
  public var incarnation: Incarnation?
  /// From the coordinator; 0 from others.
  public var epoch: Epoch
  public var body: ControlBody

  public init(job: JobID?, sender: NodeNumber?, incarnation: Incarnation?, epoch: Epoch, body: ControlBody) {
    self.job = job
    self.sender = sender
    self.incarnation = incarnation
    self.epoch = epoch
    self.body = body
  }
}

public enum ControlBody: Hashable, Sendable {
  case recipeRequest(RecipeRequest)
  case recipe(RecipeReply)
  case hello(Hello)
  case welcome(Welcome)
  case refused(Refused)
  case view(View)
  case viewAcknowledgement(ViewAcknowledgement)
  case dismissed(Dismissed)
  case leave(Leave)
  case heartbeat(Heartbeat)
  case heartbeatReply(HeartbeatReply)
  case late(Late)
  case execute(Execute)
  case stop(Stop)
  case report(Report)
  case saveRequest
  case stateOffer(StateOffer)
  case stateRequest(StateRequest)
  case statePart(StatePart)
  case leaseRequest(LeaseRequest)
  case sampleLease(SampleLease)
  case sampleResult(SampleResult)
  case prediction(PredictionOffer)
  case assist(Assist)
  case statusRequest
  case statusReply(StatusReply)
}
