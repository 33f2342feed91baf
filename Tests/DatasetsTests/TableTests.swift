import Datasets
import Foundation
import Testing

@Suite struct TableTests {
  /// Opens a table given as text.
  private func open(
    _ text: String, name: String = "t.csv", _ change: (inout DataRequest) -> Void = { _ in }
  ) throws -> Dataset {
    try DataSource.interpret(guarded(Array(text.utf8)), DataRequest(name, change), path: name)
  }

  private func fail(
    _ text: String, name: String = "t.csv", _ change: (inout DataRequest) -> Void = { _ in },
    sourceLocation: SourceLocation = #_sourceLocation
  ) -> DataError? {
    let error = #expect(throws: DataError.self, sourceLocation: sourceLocation) { try open(text, name: name, change) }
    #expect(error?.description.contains("\n") == false, sourceLocation: sourceLocation)
    return error
  }

  @Test("A table of numbers gives its columns and rows, without a target and without notes") func plain() throws {
    let data = try open("a,b\n1,2\n3.5,-4e2\n")
    #expect(data.name == "t" && data.columns == ["a", "b"])
    #expect(data.train.inputs.elements == [1, 2, 3.5, -400])
    #expect(data.train.inputs.shape == [2] && data.train.inputs.kind == .float64)
    #expect(data.train.labels == nil && data.train.targets == nil && data.test == nil && data.notes.isEmpty)
  }

  @Test(
    "Line ends, delimiters, quotes, spaces, comments and a byte-order mark do not change a table",
    arguments: [
      "a,b\n1,2\n3,4", "a,b\r\n1,2\r\n3,4\r\n", "a,b\r1,2\r3,4\r", "\u{feff}a,b\n1,2\n3,4\n",
      "\n\na,b\n\n1,2\n \n3,4\n\n",
      "a;b\n1;2\n3;4\n", "a\tb\n1\t2\n3\t4\n", "a b\n1 2\n3 4\n", "  a \t b\n 1   2 \n\t3\t4\t\n",
      " a , b \n 1 ,\t2\n3, 4 \n",
      "\"a\",\"b\"\n\"1\",\"2\"\n3, \"4\" \n", "# made by hand\n#\na,b\n1,2\n3,4\n", "\"a\" \"b\"\n\"1\" 2\n3 \"4\"",
      "a,b\n+1,2.\n3e0,.4E+1\n", "a,b,\n1,2,\n3,4,\n",
    ])
  func spellings(_ text: String) throws {
    let data = try open(text)
    #expect(data.columns == ["a", "b"])
    #expect(data.train.inputs.elements == [1, 2, 3, 4])
  }

  @Test("A first line of names is a header, and columns without a name are numbered from 0") func headers() throws {
    let bare = try open("1,2\n3,4\n")
    #expect(bare.columns == ["0", "1"] && bare.train.count == 2 && bare.notes.count == 1)
    #expect(try open("1,2\n3,4\n") { $0.header = .present }.columns == ["1", "2"])
    #expect(try open("x,y\n3,4\n") { ($0.header, $0.oneHot) = (.absent, ["*"]) }.train.count == 2)
    #expect(try open("junk\nx,y\n3,4\n") { $0.skip = 1 }.columns == ["x", "y"])
    #expect(try open("x,\n3,4\n").columns == ["x", "1"])
    // A row of numbers and text is no header.
    #expect(try open("5,north\n6,south\n") { $0.oneHot = ["1"] }.columns == ["0", "1=north", "1=south"])
    // Lines of text alone: names do not come again, values do.
    #expect(try open("p,x\ne,x\np,y\n") { $0.oneHot = ["*"] }.columns == ["0=e", "0=p", "1=x", "1=y"])
    #expect(
      try open("class,cap\ne,x\np,y\n") { $0.oneHot = ["*"] }.columns == ["class=e", "class=p", "cap=x", "cap=y"])
  }

  @Test("The delimiter is found outside quotes, and a quote within a field is an ordinary character")
  func delimiters() throws {
    // Decimal commas keep the semicolon; the cells are then text, and said to be.
    #expect(fail("a;b\n1,5;2,5\n3,5;4,5\n")?.code == .notNumeric)
    #expect(
      try open("a;b\n1;2\n") {
        $0.delimiter = .comma; $0.oneHot = ["*"]
      }.columns == ["a;b=1;2"])
    #expect(try open("a\n1\n2\n").train.inputs.elements == [1, 2])
    #expect(
      try open("t,what\n1,\"a, b\"\n2,\"c\nd\"\n") { $0.oneHot = ["what"] }.columns
        == ["t", "what=a, b", "what=c\nd"])
    #expect(try open("a b,c\n1,2\n").columns == ["a b", "c"])
    #expect(try open("x\n\"say \"\"hi\"\"\"\n\"\"\"\"\n") { $0.oneHot = ["x"] }.columns == ["x=\"", "x=say \"hi\""])
    // A quote within a field is an ordinary character.
    #expect(try open("size,n\n5\",1\n7\",2\n") { $0.oneHot = ["size"] }.columns == ["size=5\"", "size=7\"", "n"])
  }

  @Test func raggedRows() throws {
    let error = fail("a,b\n1,2\n\n\"3\n3\",4,5\n")
    #expect(error?.code == .damaged && error?.place?.line == 4)
    #expect(error?.problem == "3 fields, but the header has 2")
    #expect(fail("1,2\n3\n")?.problem == "1 field, but the first row has 2")
    #expect(fail("a,b\n1,2\n\"3,4\n5,6\n")?.place?.line == 3)
    #expect(fail("a,b\n1,2\n\"3\"x,4\n")?.problem == "text follows a closing quote")
  }

  @Test func missingValues() throws {
    let text = "a,b,c\n1,NA,3\n4,,NaN\n7,8,?\n9,n/a,NULL\n5,6,7\n"
    let error = fail(text)
    #expect(error?.code == .missingValues)
    #expect(error?.problem == "missing values: 'b' 3 (first in line 2), 'c' 3 (first in line 3)")
    let one = fail("a,b\n1,2\n3,NaN\n")
    #expect(one?.place?.line == 3 && one?.place?.column == "b")
    let dropped = try open(text) { $0.missing = .drop }
    #expect(dropped.train.inputs.elements == [5, 6, 7])
    #expect(dropped.notes[0].hasPrefix("left out 4 rows with missing values: 'b' 3"))
    let kept = try open(text) { $0.missing = .keep }
    #expect(kept.train.count == 5 && kept.train.inputs.elements.count { $0.isNaN } == 6)
    // Only in the columns that are used.
    #expect(try open(text) { $0.columns = ["a"] }.train.inputs.elements == [1, 4, 7, 9, 5])
    #expect(try open(text) { ($0.missing, $0.drop) = (.drop, ["c"]) }.train.count == 2)
    // Not in a target.
    #expect(fail(text) { ($0.missing, $0.target) = (.keep, "c") }?.code == .missingValues)
    #expect(fail("a,b\n1,\n,2\n") { $0.missing = .drop }?.code == .empty)
  }

  @Test("Means of the training data stand in for empty cells, a mark says where, and new data is read with them")
  func means() throws {
    let data = try open("a,b,c,y\n1,2,x,5\n,4,,6\n3,3,x,7\n") { request in
      (request.missing, request.target, request.oneHot) = (.mean, "y", ["c"])
    }
    #expect(data.columns == ["a", "a=", "b", "c=x", "c="])
    #expect(data.train.inputs.elements == [1, 0, 2, 1, 0, 2, 1, 4, 0, 1, 3, 0, 3, 1, 0])
    #expect(data.schema.sourceColumns == ["a", "b", "c"])
    let schema = try Schema(json: data.schema.json, path: "schema.json")
    #expect(schema == data.schema && Dataset(schema: schema).substitutes == data.substitutes)
    // A column that had no gap has no mark, and its mean all the same; the new data's own mean is not asked.
    let new = try open("b,c,a,y\n,x,9,1\n8,,,2\n") { request in
      (request.missing, request.target, request.oneHot, request.schema) = (.mean, "y", ["c"], schema)
    }
    #expect(new.columns == data.columns && new.train.inputs.elements == [9, 0, 3, 1, 0, 2, 1, 8, 0, 1])
    #expect(try new.seen(as: schema).substitutes == data.substitutes)
    #expect(data.notes.contains { $0.contains("means") })
    #expect(fail("a,y\n1,2\n2,\n") { ($0.missing, $0.target) = (.mean, "y") }?.code == .missingValues)
    #expect(fail("a,b\n1,\n2,\n") { $0.missing = .mean } != nil)
  }

  @Test func infinitiesAndText() throws {
    for cell in ["inf", "-Infinity", "+INF", "1e999", "-123456789e400"] {
      let error = fail("a,b\n1,2\n3,\(cell)\n")
      #expect(error?.code == .notFinite && error?.place?.line == 3 && error?.place?.column == "b")
    }
    for cell in ["1x", "0x10", "1 2", "--1", "1e", "e5", ".", "+", "1.2.3", "1_000", "1,0", "nanx", "infin", "１"] {
      let error = fail("a;b\n1;2\n3;\(cell)\n")
      #expect(error?.code == .notNumeric && error?.place?.line == 3 && error?.place?.column == "b", "\(cell)")
      #expect(error?.problem == "text in 1 column: 'b' (1 of 2 rows, first '\(cell)' in line 3)")
    }
    let several = fail("a,b,c\n1,x,y\n2,z,4\n")
    #expect(
      several?.problem
        == "text in 2 columns: 'b' (2 of 2 rows, first 'x' in line 2), 'c' (1 of 2 rows, first 'y' in line 2)")
    #expect(several?.advice.contains("data.drop=[b,c]") == true)
    // Text in a column that is not used is no matter.
    #expect(try open("a,b\n1,x\n2,y\n") { $0.drop = ["b"] }.train.inputs.elements == [1, 2])
  }

  @Test func numbersAreCorrectlyRounded() throws {
    var generator = SeededGenerator(state: 7)
    var cells = [
      "9007199254740993", "0.1", "123456789012345678901234567890", "1e-400", "4.9e-324", "2.2250738585072011e-308",
      "1.7976931348623157e308", "-0", "1e22", "1e23", "8.5e-5", "00000000000000000000000000001",
      "3e0000000000000000001",
      "0.000000000000000000000000000000000000000000000001", "18446744073709551616", "100000000000000000000000e-10",
      "0e99999999999999999999", "7450580596923828125e-27", "5.0e-324",
    ]
    for _ in 0..<5000 {
      let digits = (0..<Int.random(in: 1...25, using: &generator)).map { _ in
        Character(String(Int.random(in: 0...9, using: &generator)))
      }
      let point = Int.random(in: 0...digits.count, using: &generator)
      let exponent = Bool.random(using: &generator) ? "e\(Int.random(in: -40...40, using: &generator))" : ""
      cells.append(String(digits[..<point]) + "." + String(digits[point...]) + exponent)
      cells.append("\(Double(bitPattern: generator.next() & 0xbfff_ffff_ffff_ffff))")
    }
    let data = try open("x\n" + cells.joined(separator: "\n"))
    let values = data.train.inputs.elements
    #expect(values.count == cells.count)
    for (cell, value) in zip(cells, values) {
      // The C library's conversion is an independent one.
      #expect(value.bitPattern == strtod(cell, nil).bitPattern, "\(cell)")
    }
  }

  @Test func choosingColumns() throws {
    let text = "a,b,c,d\n1,2,3,4\n5,6,7,8\n"
    let data = try open(text) { $0.target = "c" }
    #expect(data.columns == ["a", "b", "d"] && data.targetName == "c")
    #expect(data.train.targets?.elements == [3, 7] && data.train.targets?.shape == [1])
    #expect(try open(text) { $0.target = "-1" }.targetName == "d")
    #expect(try open(text) { $0.columns = ["d", "0"] }.train.inputs.elements == [4, 1, 8, 5])
    #expect(try open(text) { ($0.target, $0.drop) = ("0", ["b", "3"]) }.columns == ["c"])
    for change in [
      { $0.target = "x" }, { $0.target = "4" }, { $0.target = "-5" }, { $0.columns = ["a", "0"] }, { $0.drop = ["e"] },
      { ($0.target, $0.columns) = ("a", ["a", "b"]) }, { ($0.target, $0.drop) = ("a", ["a"]) },
      { $0.drop = ["a", "b", "c", "d"] }, { $0.oneHot = ["x"] }, { ($0.oneHot, $0.drop) = (["a"], ["a"]) },
    ] as [(inout DataRequest) -> Void] {
      #expect(fail(text, change)?.code == .badRequest)
    }
    let twins = "a,a,b\n1,2,3\n"
    #expect(fail(twins) { $0.target = "a" }?.problem == "2 columns are named 'a'")
    #expect(try open(twins) { $0.target = "1" }.columns == ["a", "b"])
    // A name comes before an index.
    #expect(try open("1,0,x\n7,8,9\n") { ($0.target, $0.header) = ("0", .present) }.train.targets?.elements == [8])
  }

  @Test("A target of text is classes and one of numbers is values, unless the request sets its kind")
  func classes() throws {
    let text = try open("x,kind\n1,dog\n2,cat\n3,dog\n4,Zebra\n") { $0.target = "kind" }
    #expect(text.train.labels?.names == ["Zebra", "cat", "dog"] && text.train.labels?.indices == [2, 1, 2, 0])
    #expect(text.train.labels?.count == 3 && text.train.targets == nil)
    let numbers = "x,kind\n1,10\n2,9\n3,10\n"
    #expect(try open(numbers) { $0.target = "kind" }.train.targets?.elements == [10, 9, 10])
    let classes = try open(numbers) { ($0.target, $0.targetKind) = ("kind", .classes) }
    #expect(classes.train.labels?.names == ["9", "10"] && classes.train.labels?.indices == [1, 0, 1])
    #expect(fail("x,y\n1,0.5\n") { ($0.target, $0.targetKind) = ("y", .classes) }?.code == .badLabel)
    #expect(fail("x,y\n1,red\n") { ($0.target, $0.targetKind) = ("y", .values) }?.code == .notNumeric)
    #expect(fail("x,y\n1,red\n2,\n") { $0.target = "y" }?.code == .missingValues)
    let missing = try open("x,y\n1,red\n2,\n3,blue\n") { ($0.target, $0.missing) = ("y", .drop) }
    #expect(missing.train.labels?.indices == [1, 0] && missing.train.inputs.elements == [1, 3])
  }

  @Test func oneHot() throws {
    let text = "n,color,size\n1,red,10\n2,blue,9\n3,red,10\n"
    let data = try open(text) { $0.oneHot = ["*", "size"] }
    #expect(data.columns == ["n", "color=blue", "color=red", "size=9", "size=10"])
    #expect(data.train.inputs.elements == [1, 0, 1, 0, 1, 2, 1, 0, 1, 0, 3, 0, 1, 0, 1])
    let kept = try open("c,n\na,1\n?,2\n") { ($0.oneHot, $0.missing) = (["c"], .keep) }
    #expect(kept.columns == ["c=a", "c=", "n"] && kept.train.inputs.elements == [1, 0, 1, 0, 1, 2])
    #expect(try open("c,n\na,1\n?,2\n") { ($0.oneHot, $0.missing) = (["c"], .drop) }.columns == ["c=a", "n"])
    #expect(fail("c,n\na,1\n?,2\n") { $0.oneHot = ["c"] }?.code == .missingValues)
  }

  @Test func theFormOfScikitLearn() throws {
    let data = try open("3,2,ham,spam\n1,2,0\n3,4,1\n5,6,0\n")
    #expect(data.train.inputs.elements == [1, 2, 3, 4, 5, 6])
    #expect(data.train.labels?.indices == [0, 1, 0] && data.train.labels?.names == ["ham", "spam"])
    #expect(fail("4,2,ham,spam\n1,2,0\n3,4,1\n5,6,0\n")?.code == .damaged)
    #expect(fail("1,2,ham,spam\n1,2,2\n")?.code == .badLabel)
    #expect(try open("1,2,ham,spam\n1,2,0\n") { $0.targetKind = .values }.train.targets?.elements == [0])
  }

  @Test func emptyAndForeignFiles() throws {
    #expect(fail("")?.code == .empty)
    #expect(fail("\n\n  \n")?.code == .empty)
    #expect(fail("# nothing\n")?.code == .empty)
    #expect(fail("a,b\n")?.code == .empty)
    #expect(fail("a,b\n1,\u{0}\n")?.code == .unsupported)
    let wide: [UInt8] = [0xff, 0xfe] + "a,b\n".utf16.flatMap { littleEndian($0) }
    let error = #expect(throws: DataError.self) {
      try DataSource.interpret(guarded(wide), DataRequest(source: "t.csv"), path: "t.csv")
    }
    #expect(error?.problem == "is UTF-16 text")
    let many = String(repeating: "1,", count: 70_000) + "1\n"
    #expect(fail(many)?.code == .unsupported)
  }

  @Test func rowNumbersAreMentioned() throws {
    #expect(
      try open("id,x\n1,5\n2,6\n3,8\n").notes == ["column 'id' only numbers the rows; data.drop=id leaves it out"])
    #expect(try open("id,x\n0,5\n1,6\n2,8\n").notes.count == 1)
    #expect(try open("id,x\n1,5\n2,6\n4,8\n").notes.isEmpty)
    #expect(try open("id,x\n1,5\n1,6\n2,8\n").notes.isEmpty)
  }

  @Test func terminalEscapesDoNotReachTheTerminal() throws {
    let error = fail("a,b\u{1b}[31m\n1,x\u{7}\n") { _ in }
    #expect(error?.description.unicodeScalars.contains { $0.value < 0x20 } == false)
  }

  @Test("A gzipped table is read like a plain one") func gzipped() throws {
    let text = Array("a,b\n1,2\n3,4\n".utf8)
    let data = try DataSource.interpret(guarded(gzip(text)), DataRequest(source: "t.csv.gz"), path: "t.csv.gz")
    #expect(data.name == "t" && data.train.inputs.elements == [1, 2, 3, 4])
  }
}
