import Cluster
import Files
import Foundation
import Messages
import Training

/// What this program is, for comparison with others: nodes whose numbers might differ are not to add them up.
package enum ClusterIdentity {
  /// Version and the beginning of the executable's SHA-256, what computes, and what probes of it come to: libraries choose
  /// for themselves what they compute with.
  package static func build() throws -> String {
    var hash = SHA256()
    hash.update(try InputFile.read("/proc/self/exe"))
    let parts =
      ["elbo \(Version.elbo) \(hash.hexDigest().prefix(16))", "oneDNN \(Version.oneDNN)", "kernels \(Version.kernels)"]
      + Numerics.here.parts.map { "\($0.name) \($0.digest.prefix(8))" }
    return parts.joined(separator: "; ")
  }

  package static func digest(of text: String) -> Digest {
    var hash = SHA256()
    hash.update(text.utf8)
    return Digest(bytes: hash.digest())!
  }
}
