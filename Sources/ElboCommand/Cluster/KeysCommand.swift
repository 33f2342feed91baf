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

      The file given with --allow lists public keys, one a line, with what each may do behind it: node (take part), predict
      (have the nodes predict), status (ask for the status, which every listed key may), with commas between them.
      """)

  @Option(help: ArgumentHelp("The file to write; an existing one is never overwritten.", valueName: "file"))
  var out = "elbo.key"

  func run() throws {
    let pair = try CurveKeyPair.generate()
    try pair.save(to: out)
    print(pair.publicKey)
  }
}
