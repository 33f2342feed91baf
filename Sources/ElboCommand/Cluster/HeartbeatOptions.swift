import ArgumentParser
import Recipes

/// How soon a silent node is given up.
struct HeartbeatOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How often nodes give a sign of life; after three in vain a node is given up.", valueName: "seconds"))
  var heartbeat = 1.0

  func interval() throws -> Duration {
    guard (0.05...3600).contains(heartbeat) else {
      throw RecipeError("--heartbeat is \(heartbeat): it must be from 0.05 to 3600 seconds")
    }
    return .milliseconds(Int(heartbeat * 1000))
  }
}
