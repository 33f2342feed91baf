import Files

/// Opens data by name, file or folder: the one way in.
public enum DataSource {
  /// The data sets known by name.
  public static let names = ["fashion-mnist", Shapes.name] + SyntheticData.names

  /// What is read, in words. The one list of it.
  public static let readable =
    "tables as text (CSV and the like), SQLite, NPY, NPZ, HDF5, MATLAB 5 to 7.3, IDX, CIFAR's binary version, texts, CoNLL, and PNG or JPEG pictures, in folders or tar archives"

  /// Reads what the request asks for. Every fault of the data or the request is an error that says where it lies and
  /// what to do.
  public static func open(_ request: DataRequest) throws(DataError) -> Dataset {
    var request = request
    if !names.contains(request.source) { request.source = Setting.dataPath(request.source) }
    return try open(request, fashionMNIST: MNISTFolder.fashionMNISTPath)
  }

  /// - Parameter fashionMNIST: the folder in which `fashion-mnist` is looked for.
  package static func open(_ request: DataRequest, fashionMNIST folder: String) throws(DataError) -> Dataset {
    try request.validate()
    if request.source == "fashion-mnist" {
      return try MNISTFolder.open(
        folder, request, name: request.source, classNames: MNISTFolder.fashionMNISTClasses,
        remedy:
          "install it with: sudo apt-get install dataset-fashion-mnist, or name a folder with its four files")
    }
    if request.source == Shapes.name { return try Shapes.open(request) }
    if SyntheticData.names.contains(request.source) { return try SyntheticData.open(request.source, request) }
    let source = SourceName(request.source)
    var request = request
    if let array = source.array {
      guard request.columns.isEmpty || request.columns == [array] else {
        throw DataError(
          .badRequest, at: DataPlace(file: source.path), "\(DataKey.columns) names another array than #\(array)",
          advice: "name it once")
      }
      request.columns = [array]
    }
    if source.form == .standardInput {
      return try interpret(StandardInput.read(), request, path: source.path)
    }
    switch DataFile.kind(of: source.path) {
    case .file: return try openFile(source, request)
    case .folder where source.form == .any: return try openFolder(source.path, request)
    case .folder, .other:
      throw DataError(
        .unsupported, at: DataPlace(file: source.path),
        source.form == .any ? "is neither a file nor a folder" : "is not a file",
        advice: source.form == .any ? "name a file or folder of data" : "name a file")
    case nil:
      throw DataError(
        .notFound, at: DataPlace(file: request.source), "no such file or folder, and no data set of that name",
        advice: "check the path"
          + (Setting.dataFolders.isEmpty ? "" : ", or the folders of \(Setting.data.rawValue)")
          + ", or use one of the data sets known by name: \(listed(names))")
    }
  }

  private static func openFile(_ source: SourceName, _ request: DataRequest) throws(DataError) -> Dataset {
    let file = try DataFile.read(source.path)
    let place = DataPlace(file: source.path)
    let prefix = file.copy(from: 0, count: 4096)
    switch source.form {
    case .sqlite(let query):
      guard SQLiteTable.isSQLite(prefix) else { throw isNo("SQLite database", place) }
      return try database(source.path, query, request)
    case .hdf5:
      guard ForeignArrays.Format(prefix) != nil else { throw isNo("HDF5 file", place) }
      fallthrough
    case .any, .standardInput: return try interpret(file, request, path: source.path)
    }
  }

  private static func isNo(_ kind: String, _ place: DataPlace) -> DataError {
    DataError(
      .unsupported, at: place, "is no \(kind)", advice: "leave out what stands before the file's name, or name another")
  }

  /// The inputs in an NPY array, which may also come from standard input; nil where something else is named.
  package static func array(_ source: String, allowingNaN: Bool) throws(DataError) -> ExampleArray? {
    let name = SourceName(source)
    guard name.form == .standardInput || name.form == .any && DataFile.kind(of: source) == .file else { return nil }
    let file = try name.form == .standardInput ? StandardInput.read() : DataFile.read(source)
    guard NPY.isNPY(file.copy(from: 0, count: 8)) else { return nil }
    return try NPY.parse(file, place: DataPlace(file: name.path)).finiteExamples(allowingNaN: allowingNaN)
  }

  /// The files of a tar archive; nil where something else is named.
  static func archive(_ path: String) throws(DataError) -> FileTree? {
    guard DataFile.kind(of: path) == .file else { return nil }
    let file = try DataFile.read(path)
    let place = DataPlace(file: path)
    let isGzipped = Inflater.isGzip(file)
    let prefix = isGzipped ? try file.gunzippedPrefix(512, place: place) : file.copy(from: 0, count: 512)
    return TarArchive.isTar(prefix) ? try archive(file, isGzipped: isGzipped, path) : nil
  }

  private static func archive(_ file: ByteRegion, isGzipped: Bool, _ path: String) throws(DataError) -> FileTree {
    let place = DataPlace(file: path)
    let bytes = isGzipped ? try file.gunzipped(place: place, limit: MachineMemory.bytes / 2) : file
    return FileTree(root: path, try TarArchive(bytes, place: place).members)
  }

  private static func database(_ path: String, _ query: String?, _ request: DataRequest) throws(DataError) -> Dataset {
    let (table, request) = try databaseTable(path, query, request)
    return try TableDataset.make(table, request, name: name(of: path))
  }

  private static func databaseTable(
    _ path: String, _ query: String?, _ request: DataRequest
  ) throws(DataError) -> (table: Table, request: DataRequest) {
    var request = request
    // What the text of the rows looks like is known.
    (request.format, request.header, request.delimiter, request.decimal) = (.table, .present, .comma, .point)
    request.skip = 0
    let text = try SQLiteTable.text(path, query: query)
    return (try Table(text, request, file: path), request)
  }

  private static func openFolder(_ path: String, _ request: DataRequest) throws(DataError) -> Dataset {
    let names = try DataFile.names(inFolder: path)
    if MNISTFolder.isLikely(names) {
      return try MNISTFolder.open(
        path, request, name: name(of: path), remedy: "put all four MNIST-style files into the folder")
    }
    if CIFAR.isLikely(names) { return try CIFAR.open(path, names, request, name: name(of: path)) }
    if let folder = LabelImageFolder(path, names, request) { return try folder.open(name: name(of: path)) }
    if let folder = CaptionFolder(path, names, request) { return try folder.open(name: name(of: path)) }
    if names.contains(where: ImageFolder.isImage) || !ImageFolder.classes(path, names).isEmpty
      || ImageFolder.parts(path, names) != nil
    {
      return try ImageFolder.open(path, names, request, name: name(of: path))
    }
    let data = names.filter { !$0.hasPrefix(".") && dataExtensions.contains(FileName($0).kind) }
    if !data.isEmpty, request.format == .conll || data.allSatisfy({ taggedExtensions.contains(FileName($0).kind) }) {
      return try TaggedText.open(data.map { "\(path)/\($0)" }, request, name: name(of: path))
    }
    if data.count > 1, data.allSatisfy({ textExtensions.contains(FileName($0).kind) }) {
      return try TextFolder.open(path, data, request, name: name(of: path))
    }
    guard data.count == 1 else {
      let foreign = names.filter(ImageFolder.isForeign)
      let problem =
        data.isEmpty
        ? foreign.isEmpty
          ? "holds no data that is read" : "holds pictures of kinds that are not read: \(listed(foreign))"
        : "holds several data files: \(listed(data))"
      throw DataError(
        .notFound, at: DataPlace(file: path), problem,
        advice: "name one file, or a folder of one kind; what is read: \(readable)")
    }
    return try openFile(SourceName("\(path)/\(data[0])"), request)
  }

  private static let tableExtensions = ["csv", "tsv", "tab", "data", "dat"]
  private static let textExtensions = ["txt", "text"]
  private static let taggedExtensions = ["conllu", "conll"]
  private static let dataExtensions =
    ["npy", "npz", "h5", "hdf5", "mat", "sqlite", "sqlite3", "db"] + tableExtensions + textExtensions + taggedExtensions

  /// Makes a data set of a file's bytes, whose kind is found by the bytes themselves and, for texts, by the name.
  package static func interpret(
    _ file: ByteRegion, _ request: DataRequest, path: String
  ) throws(DataError) -> Dataset {
    let place = DataPlace(file: path)
    let isGzipped = Inflater.isGzip(file)
    let prefix = isGzipped ? try file.gunzippedPrefix(4096, place: place) : file.copy(from: 0, count: 4096)
    let name = name(of: path)
    guard !prefix.isEmpty else {
      throw DataError(.empty, at: place, "is empty", advice: "fetch or write the file again")
    }
    if ExampleList.isList(prefix) {
      return try ExampleList(file, place: place).open(request, place: place, name: name)
    }
    if request.format == .detect {
      if IDX.isIDX(prefix) { return try ArrayDataset.make(IDX.parse(file, place: place), request, name: name) }
      if TarArchive.isTar(prefix) {
        let tree = try archive(file, isGzipped: isGzipped, path)
        return try DataFile.reading(from: tree) { () throws(DataError) in try openFolder(tree.top, request) }
      }
      if let kind = binaryKind(prefix) {
        guard !isGzipped else {
          throw DataError(
            .unsupported, at: place, "is a gzipped \(kind)", advice: "decompress it, or use numpy.savez_compressed")
        }
        return try binary(file, prefix, request, path)
      }
      if !isGzipped, CIFAR.isBatch(path, size: file.count) { return try CIFAR.open(file, path, request, name: name) }
    }
    try refuseOtherPrograms(prefix, place)
    let format = try format(request, prefix, path)
    if format == .conll { return try TaggedText.open([path], request, name: name) }
    let text = isGzipped ? try file.gunzipped(place: place, limit: maximumDecompressedText) : file
    guard format == .table else { return try TextDataset.make(text, request, name: name, path: path) }
    return try TableDataset.make(Table(text, request, file: path), request, name: name)
  }

  /// Whether a source is a table or a text, and neither data known by name, nor a folder, an archive or arrays.
  package static func isTable(_ source: String) throws(DataError) -> Bool {
    guard !names.contains(source) else { return false }
    let name = SourceName(Setting.dataPath(source))
    guard name.form == .any, DataFile.kind(of: name.path) == .file else {
      return name.form != .hdf5 && DataFile.kind(of: name.path) != .folder
    }
    let file = try DataFile.read(name.path)
    let prefix =
      Inflater.isGzip(file)
      ? try file.gunzippedPrefix(4096, place: DataPlace(file: name.path)) : file.copy(from: 0, count: 4096)
    return SQLiteTable.isSQLite(prefix)
      || binaryKind(prefix) == nil && !IDX.isIDX(prefix)
        && !TarArchive.isTar(prefix) && !ExampleList.isList(prefix)
  }

  /// The table that a request names, before it is decided what its columns are for.
  static func table(_ request: DataRequest) throws(DataError) -> Table {
    let source = SourceName(Setting.dataPath(request.source))
    let place = DataPlace(file: source.path)
    guard source.form == .standardInput || DataFile.kind(of: source.path) != nil else {
      throw DataError(.notFound, at: place, "no such file", advice: "check the path")
    }
    guard try isTable(request.source) else {
      throw DataError(.unsupported, at: place, "is no table", advice: "name a file of rows and columns, such as CSV")
    }
    let file = try source.form == .standardInput ? StandardInput.read() : DataFile.read(source.path)
    let isGzipped = Inflater.isGzip(file)
    let prefix = isGzipped ? try file.gunzippedPrefix(4096, place: place) : file.copy(from: 0, count: 4096)
    guard !prefix.isEmpty else {
      throw DataError(.empty, at: place, "is empty", advice: "fetch or write the file again")
    }
    if SQLiteTable.isSQLite(prefix) {
      guard case .sqlite(let query) = source.form else { return try databaseTable(source.path, nil, request).table }
      return try databaseTable(source.path, query, request).table
    }
    try refuseOtherPrograms(prefix, place)
    return try Table(
      isGzipped ? file.gunzipped(place: place, limit: maximumDecompressedText) : file, request, file: source.path)
  }

  private static func refuseOtherPrograms(_ prefix: [UInt8], _ place: DataPlace) throws(DataError) {
    if prefix.starts(with: [0xd0, 0xcf, 0x11, 0xe0]) { throw otherProgram("an Excel workbook", "sheet", place) }
    if prefix.starts(with: Array("PAR1".utf8)) { throw otherProgram("a Parquet file", "table", place) }
  }

  /// What a file is that is known by its first bytes and is not gzipped, in words.
  private static func binaryKind(_ prefix: [UInt8]) -> String? {
    if NPY.isNPY(prefix) || ZipArchive.isZip(prefix) || ForeignArrays.Format(prefix) != nil { return "array file" }
    return SQLiteTable.isSQLite(prefix) ? "database" : nil
  }

  private static func binary(
    _ file: ByteRegion, _ prefix: [UInt8], _ request: DataRequest, _ path: String
  ) throws(DataError) -> Dataset {
    let (place, name) = (DataPlace(file: path), name(of: path))
    if NPY.isNPY(prefix) { return try ArrayDataset.make(NPY.parse(file, place: place), request, name: name) }
    if let format = ForeignArrays.Format(prefix) {
      return try ArrayDataset.make(ForeignArrays(file, format, place: place), request, name: name)
    }
    guard ZipArchive.isZip(prefix) else {
      guard DataFile.kind(of: path) == .file else {
        throw DataError(.unsupported, at: place, "is a database", advice: "write it to a file, and name that")
      }
      return try database(path, nil, request)
    }
    if let kind = try ZipArchive(file, place: place).document { throw otherProgram(kind, "sheet", place) }
    return try ArrayDataset.make(NPZ(file, place: place), request, name: name)
  }

  private static func otherProgram(_ kind: String, _ part: String, _ place: DataPlace) -> DataError {
    DataError(.unsupported, at: place, "is \(kind), which is not read", advice: "save the \(part) as CSV in UTF-8")
  }

  /// A gzipped text that expands to more is taken for a bomb.
  private static let maximumDecompressedText = 4 << 30

  /// Whether a file that is no array file is a table or a text.
  private static func format(_ request: DataRequest, _ prefix: [UInt8], _ path: String) throws(DataError) -> DataFormat
  {
    guard request.format == .detect else { return request.format }
    let kind = FileName(path).kind
    if path == StandardInput.title { return .table }
    if tableExtensions.contains(kind) { return .table }
    if taggedExtensions.contains(kind) { return .conll }
    if textExtensions.contains(kind) {
      return request.target != nil || !request.columns.isEmpty || beginsWithNumbers(prefix) ? .table : .text
    }
    throw DataError(
      .unsupported, at: DataPlace(file: path), "not known what kind of data this is",
      advice: "set \(DataKey.format) to table, text or conll if it is one of these; what is read: \(readable)")
  }

  /// Whether the first line that is not empty is made of numbers.
  private static func beginsWithNumbers(_ prefix: [UInt8]) -> Bool {
    let lines = prefix.split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
    let separators = Array(" \t,;".utf8)
    guard let fields = lines.lazy.map({ $0.split { separators.contains($0) } }).first(where: { !$0.isEmpty }) else {
      return false
    }
    return fields.allSatisfy { field in
      Array(field).withUnsafeBufferPointer { FieldValue($0) != .text }
    }
  }

  /// A data set's name by the path it comes from: the last part, without extensions.
  private static func name(of path: String) -> String {
    let last = path.split(separator: "/").last.map(String.init) ?? path
    return FileName(last).stem
  }
}

extension ByteRegion {
  /// The first bytes of gzip data, decompressed.
  fileprivate func gunzippedPrefix(_ count: Int, place: DataPlace) throws(DataError) -> [UInt8] {
    try withUnsafeBytes { (input) throws(DataError) in
      var inflater = try Inflater(input, .gzip, place: place)
      return try inflater.read(upTo: count)
    }
  }
}
