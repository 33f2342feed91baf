/// What the text that names data says: a place, how it is to be read, and what of it is wanted.
struct SourceName {
  enum Form: Equatable {
    /// A data set known by name, a file or a folder.
    case any
    case standardInput
    /// `sqlite:FILE` or `sqlite:FILE?SELECT …`.
    case sqlite(query: String?)
    /// `hdf5:FILE`.
    case hdf5
  }

  let form: Form
  let path: String
  /// Of `FILE#NAME` the name of an array.
  let array: String?

  init(_ text: String) {
    guard text != StandardInput.name else {
      (form, path, array) = (.standardInput, StandardInput.title, nil)
      return
    }
    if let rest = text.dropping(prefix: "sqlite:") {
      let mark = rest.firstIndex(of: "?")
      path = String(rest[..<(mark ?? rest.endIndex)])
      form = .sqlite(query: mark.map { String(rest[rest.index(after: $0)...]) })
      array = nil
      return
    }
    let rest = text.dropping(prefix: "hdf5:")
    form = rest == nil ? .any : .hdf5
    let name = String(rest ?? text[...])
    // A file may have such a name itself.
    if DataFile.kind(of: name) == nil, let mark = name.firstIndex(of: "#"),
      DataFile.kind(of: String(name[..<mark])) == .file
    {
      (path, array) = (String(name[..<mark]), String(name[name.index(after: mark)...]))
    } else {
      (path, array) = (name, nil)
    }
  }
}

extension String {
  fileprivate func dropping(prefix: String) -> Substring? { hasPrefix(prefix) ? dropFirst(prefix.count) : nil }
}

/// The parts of a file's name, `.gz` left aside.
struct FileName {
  let stem: String
  /// The extension in lower case, or nothing.
  let kind: String

  init(_ path: String) {
    var name = path.split(separator: "/").last ?? ""
    if name.lowercased().hasSuffix(".gz") { name = name.dropLast(3) }
    guard let dot = name.lastIndex(of: "."), dot > name.startIndex else {
      stem = String(name)
      kind = ""
      return
    }
    stem = String(name[..<dot])
    kind = name[name.index(after: dot)...].lowercased()
  }
}
