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
    ("12 %", "per cent"), ("3.5%", "per cent"), ("2024-02-29", "dates"), ("29.2.2024", "dates"),
    ("2/29/24", "dates"), ("2024-02-29T10:00:00Z", "dates"),
  ])
  func whatElseNumbersMayLookLike(_ cell: String, _ word: String) {
    let error = #expect(throws: DataError.self) { try open("a;b\n\(cell);2\n") }
    #expect(error?.advice.contains(word) == true)
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
    #expect(error?.problem == "is not UTF-8 text, but perhaps Latin-1" && error?.place?.line == 3)
    #expect(error?.advice == "convert it: iconv -f LATIN1 -t UTF-8 FILE > NEW")
    _ = try open("name,x\ncaf\u{E9} \u{20AC} \u{1F600},1\n") { $0.oneHot = ["*"] }
  }
}
