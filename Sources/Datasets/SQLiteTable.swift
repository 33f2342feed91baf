import CSQLite
import Files
import Glibc

/// Makes a table of what a query finds in an SQLite database, which is opened to be read alone.
///
/// The rows become the text of a table with a line of names, so that all rules for tables apply to them. Numbers are
/// written with as many digits as represent them exactly.
struct SQLiteTable {
  static func isSQLite(_ prefix: [UInt8]) -> Bool { prefix.starts(with: Array("SQLite format 3\0".utf8)) }

  /// A result that takes more bytes as text is none that is trained on in memory.
  private static let largestText = 4 << 30
  /// Operations of SQLite's machine after which a query is taken for one without end; about a minute.
  private static let mostOperations = 4_000_000_000
  private static let operationsPerCall: Int32 = 1_000_000

  private let database: OpaquePointer
  private let place: DataPlace

  /// The text of a table.
  /// - Parameter query: one `SELECT`; nil: all rows of the one table there is.
  static func text(_ path: String, query: String?) throws(DataError) -> ByteRegion {
    let place = DataPlace(file: path)
    for suffix in ["-wal", "-journal"] where (FileStamp(path + suffix)?.size ?? 0) > 0 {
      throw DataError(
        .unreadable, at: place, "has changes that are not in it yet (\(path)\(suffix))",
        advice: "end what writes it, then: sqlite3 \(path) 'PRAGMA wal_checkpoint(TRUNCATE)'")
    }
    let before = FileStamp(path)
    var opened: OpaquePointer?
    let flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX
    let status = sqlite3_open_v2(address(path), &opened, flags, nil)
    defer { sqlite3_close_v2(opened) }
    guard status == SQLITE_OK, let opened else {
      throw DataError(.unreadable, at: place, "cannot be opened by SQLite", advice: "check the path")
    }
    let table = SQLiteTable(database: opened, place: place)
    try table.harden()
    let text =
      if let query { try table.text(query) } else {
        try table.text("SELECT * FROM \(quoted(table.onlyTable()))")
      }
    guard before == FileStamp(path) else {
      throw DataError(.unreadable, at: place, "changed while it was read", advice: "end what writes it")
    }
    return text
  }

  /// The file as an address: nothing of it is locked, since nothing may be written.
  private static func address(_ path: String) -> String {
    var address = path.hasPrefix("/") ? "file://" : "file:"
    for byte in path.utf8 {
      let isPlain = byte.isASCIILetterOrDigit || Array("/._-".utf8).contains(byte)
      let digits = String(byte, radix: 16)
      address += isPlain ? String(Unicode.Scalar(byte)) : "%" + (digits.count == 1 ? "0" : "") + digits
    }
    return address + "?mode=ro&immutable=1"
  }

  private static func quoted(_ name: String) -> String { "\"" + name.replacing("\"", with: "\"\"") + "\"" }

  // MARK: What a query may do

  private func harden() throws(DataError) {
    guard csqlite_harden(database) == SQLITE_OK else { throw failure() }
    for (limit, most) in [
      (SQLITE_LIMIT_LENGTH, 64 << 20), (SQLITE_LIMIT_SQL_LENGTH, 1 << 20), (SQLITE_LIMIT_EXPR_DEPTH, 200),
      (SQLITE_LIMIT_COMPOUND_SELECT, 100), (SQLITE_LIMIT_ATTACHED, 0), (SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000),
      (SQLITE_LIMIT_WORKER_THREADS, 0),
    ] { sqlite3_limit(database, limit, Int32(most)) }
    // Pages and cells are checked before they are believed.
    sqlite3_exec(database, "PRAGMA cell_size_check = 1; PRAGMA mmap_size = 0", nil, nil, nil)
    sqlite3_set_authorizer(
      database,
      { _, action, _, name, _, _ in
        switch action {
        case SQLITE_SELECT, SQLITE_READ, SQLITE_RECURSIVE: return SQLITE_OK
        case SQLITE_FUNCTION:
          return name.map { String(cString: $0).lowercased() } == "load_extension" ? SQLITE_DENY : SQLITE_OK
        default: return SQLITE_DENY
        }
      }, nil)
  }

  private func onlyTable() throws(DataError) -> String {
    var names: [String] = []
    let query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    try rows(query) { (statement) throws(DataError) in
      names.append(sqlite3_column_text(statement, 0).map { String(cString: $0) } ?? "")
    }
    guard names.count == 1 else {
      throw DataError(
        .badRequest, at: place,
        names.isEmpty ? "holds no tables" : "holds \(counted(names.count, "table")): \(listed(names.sorted()))",
        advice: "say which rows: 'sqlite:\(place.file)?SELECT * FROM \(names.sorted().first ?? "table")'")
    }
    return names[0]
  }

  // MARK: Rows

  private func text(_ query: String) throws(DataError) -> ByteRegion {
    var text: [UInt8] = []
    var row = 0
    try rows(query) { (statement) throws(DataError) in
      if row == 0 { header(of: statement, into: &text) }
      row += 1
      for column in 0..<sqlite3_column_count(statement) {
        if column > 0 { text.append(UInt8(ascii: ",")) }
        try append(column, of: statement, row: row, to: &text)
      }
      text.append(UInt8(ascii: "\n"))
      guard text.count <= Self.largestText else {
        throw DataError(
          .tooLarge, at: place, "the query finds more than \(Self.largestText >> 30) GiB",
          advice: "ask for fewer rows or columns, as with LIMIT")
      }
    }
    guard row > 0 else {
      throw DataError(.empty, at: place, "the query finds no rows", advice: "ask for rows that are there")
    }
    return ByteRegion(
      try ByteStorage.allocate(byteCount: text.count, for: place) { (buffer) throws(DataError) in
        text.withUnsafeBytes { buffer.copyMemory(from: $0) }
      })
  }

  private func header(of statement: OpaquePointer, into text: inout [UInt8]) {
    let names = (0..<sqlite3_column_count(statement)).map { column in
      Self.quoted(sqlite3_column_name(statement, column).map { String(cString: $0) } ?? "")
    }
    text += Array((names.joined(separator: ",") + "\n").utf8)
  }

  private func append(
    _ column: Int32, of statement: OpaquePointer, row: Int, to text: inout [UInt8]
  ) throws(DataError) {
    switch sqlite3_column_type(statement, column) {
    case SQLITE_NULL: text += [UInt8(ascii: "\""), UInt8(ascii: "\"")]
    case SQLITE_INTEGER: text += Array(String(sqlite3_column_int64(statement, column)).utf8)
    case SQLITE_FLOAT: text += Array(String(sqlite3_column_double(statement, column)).utf8)
    case SQLITE_TEXT:
      let count = Int(sqlite3_column_bytes(statement, column))
      let bytes = UnsafeBufferPointer(start: sqlite3_column_text(statement, column), count: count)
      guard !bytes.contains(0) else { throw refused(column, of: statement, row, "a text with a zero byte") }
      text.append(UInt8(ascii: "\""))
      for byte in bytes {
        if byte == UInt8(ascii: "\"") { text.append(byte) }
        text.append(byte)
      }
      text.append(UInt8(ascii: "\""))
    default: throw refused(column, of: statement, row, "bytes (a blob), which are not read")
    }
  }

  private func refused(_ column: Int32, of statement: OpaquePointer, _ row: Int, _ what: String) -> DataError {
    var place = place
    place.column = sqlite3_column_name(statement, column).map { String(cString: $0) }
    return DataError(
      .unsupported, at: place, "row \(row) of the query has \(what)", advice: "name the columns to use in the query")
  }

  /// Counts the operations of a query.
  private final class Budget {
    var left = SQLiteTable.mostOperations / Int(SQLiteTable.operationsPerCall)
  }

  private func rows(_ query: String, _ body: (OpaquePointer) throws(DataError) -> Void) throws(DataError) {
    let budget = Budget()
    sqlite3_progress_handler(
      database, Self.operationsPerCall,
      { context in
        let budget = Unmanaged<Budget>.fromOpaque(context!).takeUnretainedValue()
        budget.left -= 1
        return budget.left > 0 ? 0 : 1
      }, Unmanaged.passUnretained(budget).toOpaque())
    defer { withExtendedLifetime(budget) { sqlite3_progress_handler(database, 0, nil, nil) } }
    let statement = try prepared(query)
    defer { sqlite3_finalize(statement) }
    while true {
      switch sqlite3_step(statement) {
      case SQLITE_ROW: try body(statement)
      case SQLITE_DONE: return
      case SQLITE_INTERRUPT:
        throw DataError(
          .tooLarge, at: place, "the query takes too many operations", advice: "ask for less, or make a table of it")
      default: throw failure()
      }
    }
  }

  /// One statement that reads and gives rows, and nothing behind it.
  private func prepared(_ query: String) throws(DataError) -> OpaquePointer {
    func bad(_ problem: String) -> DataError {
      DataError(.badRequest, at: place, problem, advice: "ask for rows by one SELECT: 'sqlite:FILE?SELECT …'")
    }
    guard !query.utf8.contains(0) else { throw bad("the query has a zero byte") }
    var statement: OpaquePointer?
    var rest = ""
    let status = query.withCString { text in
      var tail: UnsafePointer<CChar>?
      let status = sqlite3_prepare_v2(database, text, -1, &statement, &tail)
      rest = tail.map { String(cString: $0) } ?? ""
      return status
    }
    guard status == SQLITE_OK else {
      sqlite3_finalize(statement)
      guard status != SQLITE_AUTH else { throw bad("the query does more than read") }
      throw failure()
    }
    guard let statement else { throw bad("the query is empty") }
    let isAlone = rest.allSatisfy { $0.isWhitespace || $0 == ";" }
    let reads = sqlite3_stmt_readonly(statement) != 0 && sqlite3_stmt_isexplain(statement) == 0
    guard isAlone, reads, sqlite3_column_count(statement) > 0 else {
      sqlite3_finalize(statement)
      throw bad(isAlone ? "the query is no SELECT" : "there is more than one statement")
    }
    return statement
  }

  private func failure() -> DataError {
    let reason = sqlite3_errmsg(database).map { String(cString: $0) } ?? "it failed"
    switch sqlite3_errcode(database) & 0xff {
    case SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_IOERR, SQLITE_FORMAT:
      return DataError(
        .damaged, at: place, "SQLite says: \(reason)", advice: "fetch the file again, or: sqlite3 FILE .recover")
    case SQLITE_NOMEM, SQLITE_TOOBIG:
      return DataError(.tooLarge, at: place, "SQLite says: \(reason)", advice: "ask for less")
    default:
      return DataError(.badRequest, at: place, "SQLite says: \(reason)", advice: "correct the query")
    }
  }
}

extension UInt8 {
  fileprivate var isASCIILetterOrDigit: Bool {
    switch self {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"):
      true
    default: false
    }
  }
}
