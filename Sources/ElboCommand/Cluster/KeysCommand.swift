import ArgumentParser
import ZeroMQ

struct KeysCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keys", abstract: "Make a key pair for training across machines.",
    discussion: """
      Example:
        elbo keys --out ~/.elbo/key         prints the public key; the file is for this user's eyes only
        elbo coordinator vae --bind tcp://0.0.0.0:7700 --key ~/.elbo/key --allow nodes.keys
        elbo node --coordinator tcp://HOST:7700 --key ~/.elbo/key --coordinator-key PUBLIC

      The file given with --allow lists the public keys that may take part or ask for the status, one a line.
      """)

  @Option(help: ArgumentHelp("The file to write; an existing one is never overwritten.", valueName: "file"))
  var out = "elbo.key"

  func run() throws {
    let pair = try CurveKeyPair.generate()
    try pair.save(to: out)
    print(pair.publicKey)
  }
}
