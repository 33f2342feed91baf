import Reports
import Testing

@Suite struct TableTests {
  private let results = ResultsTable([
    .init("test/elbo", -241.382, error: 0.052, unit: "nats"),
    .init("test/kl", 15.884, unit: "nats"),
    .init("cls/Acc", 0.98765, digits: 4),
    .init("examples/s", .integer(81_234)),
    .init("diverged", -Double.nan),
    .init("run", .text("runs/vae \"1\"")),
  ])

  @Test func resultsAlignTheirPoints() {
    #expect(
      results.text == """
        test/elbo    -241.38   ± 0.05  nats
        test/kl        15.88           nats
        cls/Acc         0.9877
        examples/s  81234
        diverged      nan
        run         runs/vae "1"

        """)
    #expect(ResultsTable().text == "")
  }

  @Test func smallNumbersHaveSignificantDigits() {
    let rows = [0.5, 0.00123456, -0.00002, 4e-12, 0].map { ResultsTable.Row("x", $0, digits: 4) }
    let shown = ResultsTable(rows).text.split(separator: "\n").map { $0.split(separator: " ").last! }
    #expect(shown == ["0.5000", "0.0012", "-2e-05", "4e-12", "0.0000"])
  }

  @Test(
    "Significant digits have no exponent below a million",
    arguments: [
      (14853.2, "14850"), (-123_456, "-123500"), (999_999, "1000000"), (1_485_000, "1.485e+06"), (12.345, "12.35"),
      (0.00002, "2e-05"), (0, "0"), (9999.9, "10000"),
    ])
  func written(value: Double, text: String) {
    #expect(NumberText.written(value, digits: 4) == text)
  }

  @Test func resultsAsJSON() {
    #expect(
      results.json
        == #"{"test/elbo":-241.382,"test/elbo_se":0.052,"test/kl":15.884,"cls/Acc":0.98765,"examples/s":81234,"#
        + #""diverged":null,"run":"runs/vae \"1\""}"#)
    #expect(ResultsTable().json == "{}")
  }

  @Test func listingsAlignTheirColumns() {
    var table = TextTable([.init("recipe"), .init("parameters", .right), .init("what it is")])
    table.append(["vae", "652824", "variational autoencoder"])
    table.append(["gmm", "11", ""])
    #expect(
      table.text == """
        recipe  parameters  what it is
        vae         652824  variational autoencoder
        gmm             11

        """)
    var wide = TextTable([.init("가나"), .init("b")])
    wide.append(["x", "y"])
    #expect(wide.text == "가나  b\nx     y\n" && "가e\u{301}".terminalWidth == 3)
    var bare = TextTable([.init(""), .init("")])
    bare.append(["é", "x"])
    bare.append(["ab", "y"])
    #expect(bare.text == "é   x\nab  y\n")
  }
}
