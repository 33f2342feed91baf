import Datasets
import Foundation
import Metrics
import Recipes
import Runs
import Testing

/// How `elbo fit` reads a table, before anything is trained.
@Suite("Reading of a table to fit") struct FitReadingTests {
  /// Sixty rows with a column of every kind.
  private func messy(_ files: borrowing Files) throws -> String {
    let head = "name,number,city,day,share,same,gone,twin,amount,level,price"
    let rows = (0..<60).map { i in
      let price = 3.5 * Double(i % 17) + Double(i * i % 11)
      let amount = i % 9 == 4 ? "" : "\(Double(i % 13) / 4)"
      return [
        "person-\(i)", "\(i + 1)", ["Bern", "Genf", "Basel"][i % 3], "2024-01-\(String(format: "%02d", i % 28 + 1))",
        "\(i % 7) %", "x", i < 30 ? "" : "1.5", "\(2 * price + 1)", amount, "text \(i % 40)", "\(price)",
      ].joined(separator: ",")
    }
    try files.write("messy.csv", head + "\n" + rows.joined(separator: "\n") + "\n")
    return files["messy.csv"]
  }

  private func use(_ reading: FitReading, _ name: String) -> FitReading.Use? {
    reading.columns.first { $0.name == name }?.use
  }

  @Test("Identifiers, constants, leaks, empty columns and too many levels are no inputs, and each is said why")
  func columns() throws {
    let files = Files()
    let reading = try FitReading(FitRequest(data: messy(files), target: "price"))
    #expect(reading.task == .numbers && reading.target == "price")
    for name in ["city", "day", "share", "amount"] { #expect(use(reading, name) == .input, "\(name)") }
    for name in ["name", "number"] { #expect(use(reading, name) == .identifier, "\(name)") }
    for (name, reason) in [
      ("same", "constant"), ("gone", "constant"), ("twin", "leak"), ("level", "too many levels"),
    ] {
      guard case .dropped(let said) = use(reading, name) else {
        Issue.record("\(name) is an input")
        continue
      }
      #expect(said.contains(reason), "\(name): \(said)")
    }
    // Where the amount is empty its mean stands in, and a column of its own says so.
    #expect(reading.rows.count == 60 && reading.settings.contains("data.missing=mean"))
    #expect(reading.notes.count == 1 && reading.notes[0].contains("amount") && reading.width == 7)
    #expect(reading.settings.contains("data.dates=[\"day\"]") && reading.settings.contains("data.percent=[\"share\"]"))
  }

  @Test("What the user keeps is an input, and what he drops is none") func choice() throws {
    let files = Files()
    let reading = try FitReading(
      FitRequest(data: messy(files), target: "price", keep: ["twin", "number"], drop: ["city"]))
    #expect(use(reading, "twin") == .input && use(reading, "number") == .input)
    #expect(use(reading, "city") == .dropped(reason: "--drop"))
    #expect(throws: RecipeError.self) {
      try FitReading(FitRequest(data: messy(files), target: "price", keep: ["city"], drop: ["city"]))
    }
  }

  @Test(
    "Texts, two whole numbers and numbers that count from 0 or 1 are classes; other numbers are numbers",
    arguments: [
      (["a", "b", "c"], FitTask.classes), (["0", "1"], .classes), (["1", "2", "3"], .classes), (["-1", "1"], .classes),
      (["3", "4", "5", "6"], .numbers), (["0.5", "1.5"], .numbers),
    ]) func task(_ values: [String], _ task: FitTask) throws
  {
    let files = Files()
    let rows = (0..<80).map { "\(Double($0 * 7 % 31)),\(values[$0 * $0 % 23 % values.count])" }
    try files.write("t.csv", "x,y\n" + rows.joined(separator: "\n") + "\n")
    #expect(try FitReading(FitRequest(data: files["t.csv"], target: "y")).task == task)
  }

  @Test("A decimal comma is found, and a column that names the classes is a leak") func notation() throws {
    let files = Files()
    let rows = (0..<40).map { "\($0 * 7 % 23),\($0 % 10);\($0 % 2 == 0 ? "yes" : "no");\($0 % 2)" }
    try files.write("t.csv", "x;y;code\n" + rows.joined(separator: "\n") + "\n")
    let reading = try FitReading(FitRequest(data: files["t.csv"], target: "y"))
    #expect(reading.settings.contains("data.decimal=comma"))
    #expect(use(reading, "x") == .input && use(reading, "code") == .dropped(reason: "a leak: a copy of the target"))
  }

  /// Tables that nothing can be learned from, and the errors that they give.
  static let refused: [(String, String, String?, String)] = [
    ("empty", "", "y", "is empty"), ("a header alone", "x,y\n", "y", "rows"),
    ("three rows", "x,y\n1,2\n2,3\n3,5\n", "y", "at least 20"),
    ("no target", "x,y\n" + lines { "\($0),\($0 * $0)" }, nil, "--target"),
    ("another target", "x,y\n" + lines { "\($0),\($0 * $0)" }, "z", "--target"),
    ("one class", "x,y\n" + lines { "\($0 % 7),a" }, "y", "one class"),
    ("one value", "x,y\n" + lines { "\($0 % 7),2.5" }, "y", "same value"),
    ("no value", "x,y\n" + lines { "\($0 % 7)," }, "y", "no value"),
    ("no inputs", "x,y\n" + lines { "1,\($0 * $0 % 7).5" }, "y", "no column is left"),
    (
      "rare classes", "x,y\n" + lines { "\($0 * $0 % 11),\(["a", "b", "c", "d", "e", "f", "g"][$0 % 7])" }, "y",
      "at least 20"
    ),
    ("infinite", "x,y\n" + lines { "\($0 % 7),\($0 == 3 ? "inf" : "\($0 * $0).5")" }, "y", "infinite"),
    ("zero bytes", "x,y\n1,\u{0}\n", "y", "not text"),
  ]

  private static func lines(_ line: (Int) -> String) -> String {
    (0..<30).map(line).joined(separator: "\n") + "\n"
  }

  @Test("Hostile tables are refused in one line", arguments: refused) func hostile(
    _ name: String, _ text: String, _ target: String?, _ words: String
  ) throws {
    let files = Files()
    try files.write("t.csv", text)
    do {
      _ = try FitReading(FitRequest(data: files["t.csv"], target: target))
      Issue.record("\(name) is read")
    } catch {
      let said = "\(error)"
      #expect(said.contains(words) && !said.contains("\n"), "\(name): \(said)")
    }
  }

  @Test("Two thousand columns are read, and more than are learned from are refused") func wide() throws {
    let files = Files()
    func table(_ columns: Int) throws {
      let names = (0..<columns).map { "c\($0)" }.joined(separator: ",") + ",y\n"
      let rows = (0..<24).map { row in
        (0..<columns).map { "\((row * 31 + $0 * 17) % 97)" }.joined(separator: ",") + ",\(Double(row * row) / 7)"
      }
      try files.write("t.csv", names + rows.joined(separator: "\n") + "\n")
    }
    try table(2000)
    #expect(try FitReading(FitRequest(data: files["t.csv"], target: "y")).width > 1900)
    try table(21_000)
    #expect(throws: RecipeError.self) { try FitReading(FitRequest(data: files["t.csv"], target: "y")) }
  }

  @Test("Without a target, numbers are the inputs, texts are not, and nothing calibrates") func groups() throws {
    let files = Files()
    let reading = try FitReading(FitRequest(data: messy(files), target: nil, task: .groups))
    #expect(reading.task == .groups && reading.target == nil)
    #expect(use(reading, "price") == .input && use(reading, "amount") == .input)
    guard case .dropped(let said) = use(reading, "city") else { return #expect(Bool(false), "city is an input") }
    #expect(said.contains("text"))
    let parts = FitParts(reading, seed: 0)
    #expect(parts.calibration.isEmpty && parts.test.count == Int(Double(reading.rows.count) * 0.15))
    #expect((parts.learning + parts.test).sorted() == reading.rows)
  }

  @Test("Sequences stay whole in the parts") func sequences() throws {
    let files = Files()
    let rows = (0..<240).map { "run \($0 / 12),\($0 * 7 % 31)" }
    try files.write("t.csv", "run,x\n" + rows.joined(separator: "\n") + "\n")
    let request = FitRequest(data: files["t.csv"], target: nil, task: .states, sequence: "run")
    let reading = try FitReading(request)
    #expect(use(reading, "run") == .sequence && reading.settings.contains("data.sequence=\"run\""))
    let parts = FitParts(reading, seed: 1)
    #expect(parts.test.count == 36 && (parts.learning + parts.test).sorted() == Array(0..<240))
    #expect(Set(parts.learning.map { $0 / 12 }).isDisjoint(with: parts.test.map { $0 / 12 }))
    for (task, sequence) in [(FitTask.states, nil), (.groups, "run")] {
      #expect(throws: RecipeError.self) {
        try FitReading(FitRequest(data: files["t.csv"], target: nil, task: task, sequence: sequence))
      }
    }
    #expect(throws: RecipeError.self) {
      try FitReading(FitRequest(data: files["t.csv"], target: "x", task: .groups))
    }
  }

  /// Ten years of months: a parabola, a season of a year, and noise; or without the season.
  private func series(_ files: borrowing Files, season: Double) throws -> FitRequest {
    var state: UInt64 = 5
    let rows = (0..<120).map { month in
      let year = Double(month) / 12
      // Knuth's congruences: noise without a period.
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let value = 0.1 * year * year + season * sin(2 * .pi * year) + Double(state >> 40) / Double(1 << 24)
      return "\(2000 + month / 12)-\(String(format: "%02d", month % 12 + 1))-01,\(1990 + year),\(value)"
    }
    try files.write("t.csv", "day,year,y\n" + rows.joined(separator: "\n") + "\n")
    return FitRequest(data: files["t.csv"], target: "y", time: "year")
  }

  @Test("A series is learned from in order, and its season is found, in any units of time") func order() throws {
    let files = Files()
    let request = try series(files, season: 2)
    let reading = try FitReading(request)
    #expect(reading.task == .series && reading.seeds == 1 && reading.settings.contains("data.split=position"))
    #expect(reading.columns.filter { $0.use == .input }.map(\.name) == ["year"])
    #expect(abs(try #require(reading.seasonLength) - 1) < 0.02)
    var byDay = request
    byDay.time = "day"
    #expect(abs(try #require(FitReading(byDay).seasonLength) - 365.25) < 8)
    let parts = FitParts(reading, seed: 3)
    #expect(parts.learning == Array(0..<84) && parts.calibration == Array(84..<102) && parts.test == Array(102..<120))
    #expect(try FitReading(series(files, season: 0)).seasonLength == nil)
    // Without --time a date that grows is an input, and a note says what else it may be.
    let plain = try FitReading(FitRequest(data: files["t.csv"], target: "y"))
    #expect(plain.task == .numbers && plain.notes.contains { $0.contains("--time day") })
  }

  @Test("A time that goes back, stands still, or is a text is refused in one line") func noTime() throws {
    let files = Files()
    for (times, words) in [
      ((0..<40).map { "\(40 - $0)" }, "goes back"), (Array(repeating: "7", count: 40), "same"),
      ((0..<40).map { "week \($0)" }, "texts"),
    ] {
      let rows = times.enumerated().map { "\($1),\($0 * $0 % 13)" }
      try files.write("t.csv", "t,y\n" + rows.joined(separator: "\n") + "\n")
      let error = #expect(throws: (any Error).self) {
        try FitReading(FitRequest(data: files["t.csv"], target: "y", time: "t"))
      }
      #expect("\(error!)".contains(words) && !"\(error!)".contains("\n"), "\(error!)")
    }
    for (task, time) in [(FitTask.series, nil), (.numbers, "t")] {
      #expect(throws: RecipeError.self) {
        try FitReading(FitRequest(data: files["t.csv"], target: "y", task: task, time: time))
      }
    }
  }

  @Test("Pictures have parts that are lists of their numbers, and these are read as data") func pictures() throws {
    let files = Files()
    try files.write("p.npz", pictures: 120)
    let reading = try FitReading(FitRequest(data: files["p.npz"], target: nil))
    #expect(reading.task == .pictures && reading.outputs == 3 && reading.rows.count == 120)
    let parts = FitParts(reading, seed: 2)
    #expect(parts.calibration.count == 30 && parts.test.count == 18)
    try parts.write(reading, to: files["fit"])
    let whole = try DataSource.open(DataRequest(source: files["p.npz"]))
    for part in FitParts.Part.allCases {
      let data = try DataSource.open(DataRequest(source: reading.path(of: part, in: files["fit"])))
      #expect(data.train.inputs.shape == [12, 12] && data.train.count == parts[part].count)
      #expect(data.train.labels!.indices == parts[part].map { whole.train.labels!.indices[$0] })
    }
    // Wherever the data lies, it is the same.
    try files.write("q.npz", pictures: 120)
    let moved = try FitReading(FitRequest(data: files["q.npz"], target: nil))
    #expect(try parts.digest(reading) == FitParts(moved, seed: 2).digest(moved))
    for asked in [
      FitRequest(data: files["p.npz"], target: nil, task: .numbers),
      FitRequest(data: files["p.npz"], target: nil, keep: ["x"]), FitRequest(data: files["p.npz"], target: "z"),
    ] {
      let error = #expect(throws: (any Error).self) { try FitReading(asked) }
      #expect(!"\(error!)".contains("\n"))
    }
  }

  @Test("Parts share no row, hold all of them, and have each class in proportion; the seed says which") func parts()
    throws
  {
    let files = Files()
    let rows = (0..<400).map { "\($0 * 7 % 31),\($0 % 10 == 0 ? "rare" : "common")" }
    try files.write("t.csv", "x,y\n" + rows.joined(separator: "\n") + "\n")
    let reading = try FitReading(FitRequest(data: files["t.csv"], target: "y"))
    let parts = FitParts(reading, seed: 3)
    let all = [parts.learning, parts.calibration, parts.test]
    #expect(all.joined().sorted() == Array(0..<400))
    #expect(parts.calibration.count == 60 && parts.test.count == 60)
    for part in all {
      let share = Double(part.count { $0 % 10 == 0 }) / Double(part.count)
      #expect(abs(share - 0.1) < 0.02, "\(share)")
    }
    #expect(FitParts(reading, seed: 3).test == parts.test && FitParts(reading, seed: 4).test != parts.test)
    try parts.write(reading, to: files["fit"])
    for (tested, count) in [(false, 340), (true, 400)] {
      let joined = try parts.writeJoined(reading, tested: tested, in: files["fit"])
      #expect(try String(contentsOfFile: joined, encoding: .utf8).split(separator: "\n").count == 1 + count)
    }
  }

  @Test(
    "Of few rows a quarter calibrates, so that bounds at 95 % have the 19 that they need",
    arguments: [80, 106, 200, 300])
  func fewRows(count: Int) throws {
    let files = Files()
    let rows = (0..<count).map { "\($0 * 7 % 31),\(Double($0 * 37 % 101) / 7)" }
    try files.write("t.csv", "x,y\n" + rows.joined(separator: "\n") + "\n")
    let parts = FitParts(try FitReading(FitRequest(data: files["t.csv"], target: "y")), seed: 0)
    #expect(abs(parts.calibration.count - max(min(count / 4, 40), count * 15 / 100)) <= 1)
    #expect(abs(parts.test.count - count * 15 / 100) <= 1)
    #expect([parts.learning, parts.calibration, parts.test].joined().sorted() == Array(0..<count))
  }
}
