/// A numpy archive of named arrays (`numpy.savez`, `numpy.savez_compressed`). Arrays are read when asked for, into
/// memory, with their checksum verified.
public struct NPZ: Sendable {
  private let archive: ZipArchive
  let place: DataPlace

  public init(_ path: String) throws(DataError) {
    try self.init(DataFile.read(path), place: DataPlace(file: path))
  }

  package init(_ file: ByteRegion, place: DataPlace) throws(DataError) {
    archive = try ZipArchive(file, place: place)
    self.place = place
  }

  /// The arrays' names, in the archive's order.
  public var keys: [String] {
    archive.members.compactMap { $0.name.hasSuffix(".npy") ? String($0.name.dropLast(4)) : nil }
  }

  /// As `NPY.examples`.
  public func examples(_ key: String) throws(DataError) -> ExampleArray {
    try array(key).examples()
  }

  /// As `NPY.labels`.
  public func labels(_ key: String) throws(DataError) -> [UInt32] {
    try array(key).labels()
  }

  package func array(_ key: String) throws(DataError) -> RawArray {
    let (bytes, place) = try contents(key)
    return try NPY.parse(bytes, place: place)
  }

  /// As `NPY.texts`.
  package func texts(_ key: String) throws(DataError) -> [String]? {
    let (bytes, place) = try contents(key)
    return try NPY.texts(bytes, place: place)
  }

  private func contents(_ key: String) throws(DataError) -> (ByteRegion, DataPlace) {
    guard let member = archive.members.first(where: { $0.name == key + ".npy" }) else {
      throw DataError(
        .notFound, at: place, "no array '\(key)'",
        advice: keys.isEmpty ? "the archive holds no arrays at all" : "it holds \(listed(keys))")
    }
    var place = place
    place.member = key
    return (try archive.contents(of: member), place)
  }
}
