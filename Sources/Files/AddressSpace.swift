import CFiles
import Glibc

/// The memory addresses that the system lets this process have. A program that links this module does not begin where
/// they are too few (start.c of CFiles).
public enum AddressSpace {
  /// Bytes; `nil`: they are not limited.
  private static let limit: rlim_t? = {
    var limit = rlimit()
    let status = getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
    return status == 0 && limit.rlim_cur < rlim_t(Int64.max) ? limit.rlim_cur : nil
  }()

  /// Where they are limited, has a failure that ends the process say so in one line, with exit status 1: what needs memory
  /// in the middle of libraries and of the runtime traps when there is none.
  public static func explainFailures() {
    guard let limit else { return }
    elbo_files_explain_faults(
      "elbo: ended by a fault, most likely since the address space is limited to \(limit >> 20) MiB (ulimit -v); "
        + "raise the limit\n")
  }
}
