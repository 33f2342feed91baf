import Messages
import ZeroMQ

extension Coordinator {
  /// Somebody predicts and asks the members for help. The samples are leased there, not here: inputs and results are
  /// many, and heartbeats do not wait behind them. The answer is the view, with the keys of those who will come.
  func pass(_ assist: Assist, from route: RoutingID) {
    if let stop = membership.stop { return reply(.stop(stop), to: route) }
    guard let view = membership.view else { return }
    helped.hear(assist, now: .now)
    var passed = assist
    passed.status = nil
    for member in view.members { send(.assist(passed), to: member.node) }
    reply(.view(view), to: route)
  }
}

/// How far predictions are that members compute for: what was last heard of each.
struct HelpedPredictions {
  private var known: [UInt64: (status: PredictionStatus, at: Timestamp)] = [:]

  /// Somebody who predicts asks again every other second.
  private static let patience = Duration.seconds(5)
  private static let most = 16

  mutating func hear(_ assist: Assist, now: Timestamp) {
    known = known.filter { now - $0.value.at < Self.patience }
    guard let status = assist.status, known.count < Self.most || known[assist.prediction] != nil else { return }
    known[assist.prediction] = (status, now)
  }

  /// Ascending by number.
  func statuses(now: Timestamp) -> [HelpStatus] {
    known.filter { now - $0.value.at < Self.patience }.sorted { $0.key < $1.key }
      .map { HelpStatus(prediction: $0.key, status: $0.value.status) }
  }
}
