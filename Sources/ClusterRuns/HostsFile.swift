import Files
import Foundation
import Recipes
import Subprocess
import Yams

/// The machines of a launch over ssh.
///
///     hosts:
///       - host: one.example.org
///       - host: me@two.example.org
///         port: 2222
///         identity: ~/.ssh/cluster
///         lanes: 8
///         elbo: /opt/elbo/bin/elbo
///         data: /data/fashion-mnist
package struct HostsFile {
  package struct Host {
    /// What ssh is given.
    package var host: String
    package var port: Int?
    /// The private key's file, for ssh.
    package var identity: String?
    package var lanes: Int?
    /// The command there.
    package var elbo = "elbo"
    package var data: String?

    /// How to run a command there: ssh and its arguments.
    package func command(_ words: [String]) -> (Executable, [String]) {
      // The shell at the other end reads one line.
      let line = words.map { "'" + $0.replacingOccurrences(of: "'", with: "'\\''") + "'" }.joined(separator: " ")
      var options = ["-o", "BatchMode=yes", "-o", "ConnectTimeout=15", "-o", "ServerAliveInterval=15"]
      if let port { options += ["-p", "\(port)"] }
      if let identity { options += ["-i", identity] }
      return (.name("ssh"), options + [host, line])
    }
  }

  package let hosts: [Host]

  package init(contentsOf path: String) throws {
    let bytes = try InputFile.read(path, limit: 1 << 20)
    guard let text = String(validating: bytes, as: UTF8.self), let root = try? Yams.compose(yaml: text),
      let list = root["hosts"]?.sequence, !list.isEmpty
    else { throw RecipeError("\(path) has no list `hosts:` of entries such as `- host: one.example.org`") }
    hosts = try list.map { node in
      guard let entries = node.mapping, let name = entries["host"]?.string, !name.isEmpty, !name.hasPrefix("-") else {
        throw RecipeError("\(path): an entry of hosts has no `host`")
      }
      var host = Host(host: name)
      for (key, value) in entries {
        switch (key.string, value.string) {
        case ("host", _): break
        case ("lanes", let text?):
          guard let lanes = Int(text), (1...1024).contains(lanes) else {
            throw RecipeError("\(path): lanes of \(name) is \(text): it must be from 1 to 1024")
          }
          host.lanes = lanes
        case ("port", let text?):
          guard let port = Int(text), (1...65535).contains(port) else {
            throw RecipeError("\(path): port of \(name) is \(text): it must be from 1 to 65535")
          }
          host.port = port
        case ("identity", let text?): host.identity = (text as NSString).expandingTildeInPath
        case ("elbo", let text?): host.elbo = text
        case ("data", let text?): host.data = text
        default:
          throw RecipeError(
            "\(path): \(name) has an unknown key \(key.string ?? "?"); known are host, port, identity, lanes, elbo, data"
          )
        }
      }
      return host
    }
  }
}
