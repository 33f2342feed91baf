/// The files of an archive, by the paths that they would have if the archive were a folder.
struct FileTree: Sendable {
  /// The archive's path.
  let root: String
  private let files: [String: ByteRegion]
  /// The names in each folder, sorted.
  private let folders: [String: [String]]

  /// Files by their paths within the archive; no path is also a folder.
  init(root: String, _ members: [String: ByteRegion]) {
    self.root = root
    var files: [String: ByteRegion] = [:]
    var folders: [String: Set<String>] = [root: []]
    for (path, bytes) in members {
      files["\(root)/\(path)"] = bytes
      var folder = root
      for name in path.split(separator: "/") {
        folders[folder, default: []].insert(String(name))
        folder += "/\(name)"
      }
    }
    self.files = files
    self.folders = folders.mapValues { $0.sorted() }
  }

  /// Whether a path is the archive's or lies in it.
  func covers(_ path: String) -> Bool { path == root || path.hasPrefix(root + "/") }

  func kind(of path: String) -> DataFile.Kind? {
    files[path] != nil ? .file : folders[path] != nil ? .folder : nil
  }

  func names(inFolder path: String) -> [String]? { folders[path] }

  func bytes(_ path: String) -> ByteRegion? { files[path] }

  /// The folder that an archive of one folder holds, or the archive itself: what was packed is looked at, whether with
  /// its own name or without.
  var top: String {
    var path = root
    while let names = folders[path]?.filter({ !$0.hasPrefix(".") }), names.count == 1,
      kind(of: "\(path)/\(names[0])") == .folder
    { path += "/\(names[0])" }
    return path
  }
}
