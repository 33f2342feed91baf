import Datasets
import Foundation
import Testing

/// Tables that other programs and countries write.
@Suite("Notations of tables") struct TableNotationTests {
  private func open(_ text: String, _ change: (inout DataRequest) -> Void = { _ in }) throws(DataError) -> Dataset {
    try DataSource.interpret(guarded(Array(text.utf8)), DataRequest("t.csv", change), path: "t.csv")
  }

  @Test func decimalCommas() throws {
    let numbers = [-1.5, 1234.5, 1_234_567, 0.25, 3, 2000]
    let text = "a;b\n-1,5;1.234,5\n1'234'567;,25\n\(3);2e3\n"
    #expect(try open(text) { $0.decimal = .comma }.train.inputs.elements == numbers)
    #expect(try open("a\tb\n-1,5\t1\u{A0}234,5\n") { $0.decimal = .comma }.train.inputs.elements == [-1.5, 1234.5])
    #expect(
      try open("a;b\n-1.5;1,234.5\n\"1,234,567\";.25\n3;2e3\n") { $0.decimal = .grouped }.train.inputs.elements
        == numbers)
  }

  @Test(
    "What is no number of the notation stays text",
    arguments: [
      ("3.14", DecimalRule.comma), ("1.23.456", .comma), ("12.34,5", .comma), ("1,2,3", .comma), ("1.234e5.6", .comma),
      (",", .comma), ("1.", .comma), (".123", .comma), ("12,34", .grouped), ("1,2345", .grouped), ("1,234,5", .grouped),
      ("1234,567", .grouped), ("x1", .comma),
    ])
  func strict(_ cell: String, _ rule: DecimalRule) {
    let error = #expect(throws: DataError.self) { try open("a;b\n\(cell);2\n") { $0.decimal = rule } }
    #expect(error?.code == .notNumeric)
  }

  @Test(
    "Advice about a notation can be followed",
    arguments: [
      ("3,14", ["data.decimal=comma"]), ("1.234,5", ["data.decimal=comma"]), ("1,234.5", ["data.decimal=grouped"]),
      ("1,234", ["data.decimal=comma", "data.decimal=grouped"]),
    ])
  func advice(_ cell: String, _ settings: [String]) throws {
    let text = "a;b\n\(cell);2\n\(cell);4\n"
    let error = #expect(throws: DataError.self) { try open(text) }
    for setting in settings {
      #expect(error?.advice.contains(setting) == true, "\(error!)")
      let rule = try #require(DecimalRule(rawValue: String(setting.split(separator: "=")[1])))
      _ = try open(text) { $0.decimal = rule }
    }
  }

  @Test(arguments: [
    ("12 %", "data.percent=a"), ("3.5%", "data.percent=a"), ("12\u{A0}%", "data.percent=a"),
    ("2024-02-29", "data.dates=a"), ("2024-02", "data.dates=a"),
    ("29.2.2024", "write dates as 2024-02-29"),
    ("2/29/24", "data.dates=a"), ("2024-02-29T10:00:00Z", "data.dates=a"),
  ])
  func whatElseNumbersMayLookLike(_ cell: String, _ word: String) {
    let error = #expect(throws: DataError.self) { try open("a;b\n\(cell);2\n") }
    #expect(error?.advice.contains(word) == true)
  }

  /// With their seconds since 1970.
  private static let dateCells: [(String, Double)] = [
    ("1970-01-01", 0), ("1970-01-02", 86400), ("1969-12-31", -86400), ("2000-02-29", 951_782_400),
    ("2024-02-29", 1_709_164_800), ("1900-03-01", -2_203_891_200), ("0001-01-01", -62_135_596_800),
    ("9999-12-31", 253_402_214_400), ("1970-01-01T12:00", 43200), ("1970-01-01 06:00:00Z", 21600),
    ("1970-01-01T00:00:00.5Z", 0.5), ("1970-01-02T00:00:00+02:00", 79200), ("1970-01-01T00:00-0130", 5400),
    ("1970-01-01t01:00:00,25z", 3600.25), ("1970-02", 2_678_400), ("0001-01", -62_135_596_800),
  ]

  @Test("Dates are days since 1970", arguments: dateCells)
  func dates(_ cell: String, _ seconds: Double) throws {
    let days = seconds / 86400
    let data = try open("day;b\n\"\(cell)\";2\n1970-01-03;3\n") { $0.dates = ["day"] }
    #expect(abs(data.train.inputs.elements[0] - days) < 1e-12 && data.train.inputs.elements[2] == 2)
    #expect(data.columns == ["day", "b"])
  }

  @Test(
    "What is no date is named with its line",
    arguments: [
      "29.2.2024", "2023-02-29", "1900-02-29", "2024-13-01", "2024-00-10", "2024-1-1", "2024-01-32", "0000-01-01",
      "2024-13", "2024-1", "2024-", "2024-01-", "2024-01T10:00",
      "20240101",
      "2024-01-01T", "2024-01-01T25:00", "2024-01-01T10:61", "2024-01-01T10:00:00.", "2024-01-01T10:00+",
      "2024-01-01T10:00Zx",
      "2024-01-01T10:00+24:00", "12", "-2024-01-01",
    ])
  func noDates(_ cell: String) throws {
    let error = #expect(throws: DataError.self) {
      try open("day;b\n2024-01-01;2\n\(cell);3\n") { $0.dates = ["day"] }
    }
    #expect(error?.description.hasPrefix("t.csv, line 3, column 'day': '\(cell)' is no date") == true, "\(error!)")
    #expect(error?.advice.contains("data.dates") == true)
  }

  @Test func adviceAboutDatesCanBeFollowed() throws {
    let text = "a day,b\n2024-02-28,2\n2024-03-01,4\n"
    let error = #expect(throws: DataError.self) { try open(text) }
    #expect(error?.advice.hasPrefix("for dates as numbers of days set data.dates=a day;") == true, "\(error!)")
    let data = try open(text) { $0.dates = ["a day"] }
    #expect(data.train.inputs.elements == [19781, 2, 19783, 4])
    // A date may be the target, or lack; a column that is not there has a nearest.
    let gap = try open("day,b\n2024-02-28,2\n,4\n2024-02-29,5\n") {
      ($0.dates, $0.target, $0.missing) = (["day"], "day", .drop)
    }
    #expect(gap.train.targets?.elements == [19781, 19782])
    let misspelt = #expect(throws: DataError.self) { try open(text) { $0.dates = ["a dya"] } }
    #expect(misspelt?.advice.hasPrefix("the nearest is 'a day'") == true)
  }

  @Test(
    "Per cent signs are taken away where the request says so, with every decimal rule",
    arguments: [
      ("12.5%", 12.5, DecimalRule.point), ("12.5 %", 12.5, .point), ("-3\u{A0}%", -3, .point), ("7", 7, .point),
      ("12,5 %", 12.5, .comma), ("1.012,5\u{202F}%", 1012.5, .comma), ("1,012.5%", 1012.5, .grouped),
    ])
  func percentages(_ cell: String, _ number: Double, _ decimal: DecimalRule) throws {
    let text = "a share;b\n\"\(cell)\";2\n3;4\n"
    if cell.contains("%") {
      let error = #expect(throws: DataError.self) { try open(text) { $0.decimal = decimal } }
      #expect(
        error?.advice.hasPrefix("for numbers with a per cent sign set data.percent=a share;") == true, "\(error!)")
    }
    let data = try open(text) { ($0.percent, $0.decimal) = (["a share"], decimal) }
    #expect(data.train.inputs.elements == [number, 2, 3, 4])
  }

  @Test("Advice names the key of each kind of column, and can be followed")
  func adviceAboutSeveralColumns() throws {
    let text = "id,day,share,month,y\nA1,1970-01-02,1.5 %,May,3\nA2,1970-01-03,2 %,June,4\n"
    let error = #expect(throws: DataError.self) { try open(text) }
    #expect(
      error?.advice.hasPrefix(
        "for dates as numbers of days set data.dates=day; for numbers with a per cent sign set data.percent=share; "
          + "for [id,month] correct the table, or say data.drop=[id,month], data.one_hot=[id,month],") == true,
      "\(error!)")
    let data = try open(text) {
      ($0.dates, $0.percent, $0.drop, $0.oneHot) = (["day"], ["share"], ["id"], ["month"])
    }
    #expect(data.train.inputs.elements == [1, 1.5, 0, 1, 3, 2, 2, 1, 0, 4])
  }

  @Test func whatIsNoPercentage() throws {
    for cell in ["%", " %", "12%%", "12 per cent", "12  %", "na%", "3,5%"] {
      let error = #expect(throws: DataError.self) {
        try open("share;b\n1%;2\n\(cell);3\n") { $0.percent = ["share"] }
      }
      #expect(error?.description.contains("line 3, column 'share'") == true, "\(error!)")
      #expect(error?.advice.contains("data.percent") == true)
    }
    let both = #expect(throws: DataError.self) {
      try open("day;b\n2024-01-01;2\n") { ($0.dates, $0.percent) = (["day"], ["0"]) }
    }
    #expect(both?.description.contains("data.dates and in data.percent") == true)
    let gap = try open("share;b\n1%;2\nna;3\n;4\n") { ($0.percent, $0.missing) = (["share"], .drop) }
    #expect(gap.train.inputs.elements == [1, 2])
  }

  @Test("A value that the training data does not have is an error, or zeros on request")
  func unseenValues() throws {
    var request = DataRequest("t.csv") { ($0.oneHot, $0.target) = (["color"], "y") }
    request.schema = try open("color,a,y\nred,1,2\nblue,3,4\n") { ($0.oneHot, $0.target) = (["color"], "y") }.schema
    func inputs(_ text: String) throws(DataError) -> [Double] {
      try DataSource.interpret(guarded(Array(text.utf8)), request, path: "t.csv").train.inputs.elements
    }
    let new = "color,a,y\nteal,5,0\nred,6,0\n"
    let error = #expect(throws: DataError.self) { try inputs(new) }
    #expect(error?.advice.contains("--unseen zeros") == true)
    request.unseen = .zeros
    #expect(try inputs(new) == [0, 0, 5, 0, 1, 6])
    request.missing = .keep
    #expect(try inputs("color,a,y\n,5,0\nblue,6,0\n") == [0, 0, 5, 1, 0, 6])
  }

  @Test("Values that the training data does not have are counted and named, three of a column")
  func unseenLines() throws {
    var request = DataRequest("t.csv") { ($0.oneHot, $0.target) = (["color"], "y") }
    request.schema = try open("color,a,y\nred,1,2\nblue,3,4\n") { ($0.oneHot, $0.target) = (["color"], "y") }.schema
    (request.unseen, request.missing) = (.zeros, .keep)
    func lines(_ colors: [String]) throws(DataError) -> [String] {
      let text = "color,a,y\n" + colors.map { "\($0),1,0\n" }.joined()
      return try DataSource.interpret(guarded(Array(text.utf8)), request, path: "t.csv").unseen
    }
    #expect(try lines(["red", "blue"]).isEmpty)
    #expect(
      try lines(["teal", "red", "plum", "teal"]) == [
        "column color: 3 rows have a value that training never saw (plum, teal): they count as none of its values"
      ])
    #expect(
      try lines(["red", ""]) == [
        "column color: 1 row has a value that training never saw (an empty cell): it counts as none of its values"
      ])
    #expect(
      try lines(["a", "b", "c", "d", "e"])[0].contains("5 rows have a value that training never saw (a, b, c, …)"))
  }

  @Test("Several target columns are several numbers of each row") func severalTargets() throws {
    let text = "a,x,b,y\n1,2,3,4\n5,6,7,8\n"
    let data = try open(text) { ($0.target, $0.moreTargets) = ("y", ["x"]) }
    #expect(data.columns == ["a", "b"] && data.targetName == "y, x" && data.train.labels == nil)
    #expect(data.train.inputs.elements == [1, 3, 5, 7] && data.train.targets?.elements == [4, 2, 8, 6])
    for (problem, change) in [
      ("a column is named twice", { ($0.target, $0.moreTargets) = ("y", ["y"]) }),
      ("the target column 'x' is also dropped", { ($0.target, $0.moreTargets, $0.drop) = ("y", ["x"], ["x"]) }),
      ("the target column 'x' is also an input", { ($0.target, $0.moreTargets, $0.columns) = ("y", ["x"], ["x"]) }),
      (
        "several targets are numbers, not classes",
        { ($0.target, $0.moreTargets, $0.targetKind) = ("y", ["x"], .classes) }
      ),
    ] as [(String, (inout DataRequest) -> Void)] {
      let error = #expect(throws: DataError.self) { try open(text, change) }
      #expect(error?.problem == problem)
    }
    let gap = "a,x,y\n1,2,3\n5,,7\n"
    let missing = #expect(throws: DataError.self) { try open(gap) { ($0.target, $0.moreTargets) = ("y", ["x"]) } }
    #expect(missing?.code == .missingValues)
    let kept = try open(gap) { ($0.target, $0.moreTargets, $0.missing) = ("y", ["x"], .drop) }
    #expect(kept.train.targets?.elements == [3, 2])
  }

  @Test("Missing values of a one-hot column may be a value of their own, and the advice says so") func missingCategory()
    throws
  {
    let text = "country,y\nNA,1\nDE,2\n"
    let error = #expect(throws: DataError.self) { try open(text) { $0.oneHot = ["country"] } }
    #expect(error?.advice.hasSuffix("or data.missing=keep to make them a value of their own") == true, "\(error!)")
    let kept = try open(text) { ($0.oneHot, $0.missing) = (["country"], .keep) }
    #expect(kept.columns == ["country=DE", "country=", "y"])
    let numbers = #expect(throws: DataError.self) { try open("a,y\n,1\n2,2\n") }
    #expect(numbers?.advice.contains("keep") == false)
  }

  @Test func namesThatAreNumbers() throws {
    let text = "1990,1991,1992\n3.5,2,1\n4,4,7\n"
    let note = "the first line counts up and is taken as a row; --set data.header=present takes it as names"
    #expect(try open(text).notes.contains(note))
    let named = try open(text) { $0.header = .present }
    #expect(named.columns == ["1990", "1991", "1992"] && named.notes.isEmpty)
    #expect(try !open("1,2,3\n2,3,4\n3,4,5\n").notes.contains(note))
  }

  @Test func twoColumnsOfOneName() throws {
    let error = #expect(throws: DataError.self) { try open("a,b,a\n1,2,3\n") }
    #expect(error?.problem == "2 columns are named 'a'")
    #expect(error?.advice == "rename one, or leave it out by its index: data.drop=2")
    #expect(try open("a,b,a\n1,2,3\n") { $0.drop = ["2"] }.columns == ["a", "b"])
  }

  @Test func aMisspeltColumnHasANearest() throws {
    for change in [{ $0.target = "qualty" }, { $0.drop = ["Quality"] }, { $0.columns = ["qualities"] }]
      as [(inout DataRequest) -> Void]
    {
      let error = #expect(throws: DataError.self) { try open("alcohol,quality,pH\n1,2,3\n", change) }
      #expect(error?.advice.hasPrefix("the nearest is 'quality'") == true)
    }
  }

  @Test("Advice names columns so that a recipe takes them") func names() throws {
    let error = #expect(throws: DataError.self) {
      try open("\"a, b\",c d,\"5\"\nx,y,z\nu,v,w\n") { $0.header = .present }
    }
    #expect(error?.advice.contains("data.drop=[\"a, b\",c d,\"5\"]") == true)
  }

  @Test func filesOfOtherPrograms() throws {
    let folder = try TemporaryFolder()
    func problem(_ name: String, _ bytes: [UInt8]) throws -> String? {
      failure(DataRequest(source: try folder.write(name, bytes)))?.problem
    }
    let workbook = zip([("[Content_Types].xml", [1]), ("xl/workbook.xml", [2])])
    #expect(try problem("t.xlsx", workbook) == "is an Excel workbook, which is not read")
    #expect(try problem("t.csv", workbook) == "is an Excel workbook, which is not read")
    #expect(try problem("t.xls", [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1]) == "is an Excel workbook, which is not read")
    #expect(try problem("t.ods", zip([("content.xml", [1])])) == "is an OpenDocument file, which is not read")
    #expect(try problem("t.parquet", Array("PAR1....".utf8)) == "is a Parquet file, which is not read")
    let latin = Array("name,x\nall plain,1\ncaf".utf8) + [0xE9] + Array(",2\n".utf8)
    let error = failure(DataRequest(source: try folder.write("l.csv", latin)))
    #expect(error?.problem == "is not UTF-8 text" && error?.place?.line == 3)
    #expect(error?.advice.contains("iconv -f ENCODING -t UTF-8 FILE > NEW") == true)
    _ = try open("name,x\ncaf\u{E9} \u{20AC} \u{1F600},1\n") { $0.oneHot = ["*"] }
  }
}
