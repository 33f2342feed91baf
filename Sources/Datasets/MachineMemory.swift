import Glibc

enum MachineMemory {
  /// The machine's physical memory.
  static var bytes: Int {
    let pages = Int(sysconf(Int32(_SC_PHYS_PAGES)))
    let pageSize = Int(sysconf(Int32(_SC_PAGESIZE)))
    return pages > 0 && pageSize > 0 ? pages * pageSize : Int.max
  }
}
