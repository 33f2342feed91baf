import Messages
import ZeroMQ

extension Coordinator {
  /// What is trained, for a node that wants to join.
  func answer(_ request: RecipeRequest, to route: RoutingID) {
    if let stop = membership.stop { return reply(.stop(stop), to: route) }
    guard request.build == configuration.build else {
      let text = BuildDifference.text(configuration.build, request.build)
      note("\(request.name.isEmpty ? "a node" : request.name) is refused: \(text)", of: route)
      return reply(
        .refused(Refused(code: .buildDiffers, explanation: text, incarnation: Incarnation(rawValue: 1)!)), to: route)
    }
    routes.prepares(route)
    // With members about, theirs is the newer state.
    let offer = membership.view == nil ? states.offer : nil
    reply(
      .recipe(
        RecipeReply(
          yaml: Array(configuration.recipe.utf8), digest: configuration.recipeDigest, shards: configuration.shards,
          steps: UInt64(configuration.steps), start: offer)), to: route)
  }
}
