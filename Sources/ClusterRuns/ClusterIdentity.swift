import Cluster
import Files
import Foundation
import Messages
import Training

/// What this program is, for comparison with others: nodes whose numbers might differ are not to add them up.
package enum ClusterIdentity {
  /// Version, what computes, and the beginning of the executable's SHA-256.
  package static func build() throws -> String {
    var hash = SHA256()
    hash.update(try InputFile.read("/proc/self/exe"))
    return "elbo \(Version.elbo) \(hash.hexDigest().prefix(16)) oneDNN \(Version.oneDNN) \(Version.kernels)"
  }

  package static func digest(of text: String) -> Digest {
    var hash = SHA256()
    hash.update(text.utf8)
    return Digest(bytes: hash.digest())!
  }
}
