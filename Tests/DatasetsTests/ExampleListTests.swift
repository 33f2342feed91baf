import Datasets
import Foundation
import Testing

/// Files that list examples of other data.
@Suite("Lists of examples") struct ExampleListTests {
  private func table(_ folder: TemporaryFolder) throws -> String {
    try folder.write("t.csv", "x,y\n" + (0..<20).map { "\($0),\($0 * 10)\n" }.joined())
  }

  @Test("A list is the examples that it names, in its order, and shares for testing are of them") func opens() throws {
    let folder = try TemporaryFolder()
    let list = ExampleList(source: try table(folder), part: .train, indices: [7, 3, 19, 4])
    let path = try folder.write("some", list.text)
    let data = try DataSource.open(DataRequest(path) { $0.target = "y" })
    #expect(data.train.inputs.elements == [7, 3, 19, 4] && data.train.targets?.elements == [70, 30, 190, 40])
    let parts = try DataSource.open(
      DataRequest(path) {
        $0.testFraction = 0.25; $0.split = .position
      })
    #expect(parts.train.count == 3 && parts.test?.count == 1)
  }

  @Test("A list of itself, of examples that are not there, or with other lines is refused in one line") func faults()
    throws
  {
    let folder = try TemporaryFolder()
    let source = try table(folder)
    func code(_ text: String) throws -> DataError.Code? {
      let error = failure(DataRequest(source: try folder.write("some", text)))
      #expect(error.map { !$0.description.contains("\n") } ?? true)
      return error?.code
    }
    func text(_ source: String, _ part: ExampleList.Part, _ indices: [UInt32]) -> String {
      ExampleList(source: source, part: part, indices: indices).text
    }
    #expect(try code(text(source, .train, [20])) == .mismatched)
    #expect(try code(text(source, .test, [0])) == .badRequest)
    #expect(try code(text(source, .train, [])) == .empty)
    #expect(try code(text(folder.path + "/some", .train, [0])) == .badRequest)
    #expect(try code(text("/nowhere.csv", .train, [0])) == .notFound)
    let whole = text(source, .train, [1])
    for (line, other) in [("source: ", "sauce: "), ("part: train", "part: all"), ("\n1\n", "\n-1\n")] {
      #expect(try code(whole.replacing(line, with: other)) == .damaged, "\(other)")
    }
    #expect(try code("elbo-examples 1\n") == .damaged)
  }
}
