import CKernels
import COneDNN

/// Versions of what computes.
public enum Version {
  public static let elbo = "0.1.0"

  public static var oneDNN: String {
    var (major, minor, patch): (Int32, Int32, Int32) = (0, 0, 0)
    elbo_onednn_version(&major, &minor, &patch)
    return "\(major).\(minor).\(patch)"
  }

  /// The instruction set that the kernels use.
  public static var kernels: String { String(cString: elbo_kernels_name()) }
}
