import Datasets
import Foundation
import Testing

/// Well-known tables and arrays as their publishers give them; absent on most machines.
@Suite(
  .enabled(if: sharedData != nil, "skipped: no ../shared/data (or ELBO_SHARED_DATA) with tables to read")
)
struct SharedDataTests {
  private func open(_ name: String, _ change: (inout DataRequest) -> Void = { _ in }) throws -> Dataset {
    try DataSource.open(DataRequest("\(sharedData!)/\(name)", change))
  }

  @Test func oldFaithful() throws {
    let data = try open("tables/faithful.csv") { $0.drop = ["rownames"] }
    #expect(data.columns == ["eruptions", "waiting"] && data.train.count == 272)
    #expect(data.train.inputs.elements.prefix(4) == [3.6, 79, 1.8, 54])
    let all = try open("tables/faithful.csv")
    #expect(all.notes == ["column 'rownames' only numbers the rows; data.drop=rownames leaves it out"])
  }

  @Test("The iris, wine and breast cancer tables have the expected columns and classes") func iris() throws {
    let data = try open("tables/iris.csv")
    #expect(data.train.inputs.shape == [4] && data.train.count == 150)
    #expect(data.train.labels?.names == ["setosa", "versicolor", "virginica"])
    #expect((0..<3).allSatisfy { label in data.train.labels?.indices.count { $0 == label } == 50 })
    #expect(try open("tables/wine_data.csv").train.inputs.shape == [13])
    #expect(try open("tables/breast_cancer.csv").train.labels?.names == ["malignant", "benign"])
  }

  @Test("Missing cells of the air quality table are counted by column, and their rows can be dropped")
  func airquality() throws {
    let error = failure(DataRequest(source: "\(sharedData!)/tables/airquality.csv"))
    #expect(error?.problem == "missing values: 'Ozone' 37 (first in line 6), 'Solar.R' 7 (first in line 6)")
    let data = try open("tables/airquality.csv") { ($0.missing, $0.target, $0.drop) = (.drop, "Ozone", ["rownames"]) }
    #expect(data.train.count == 111 && data.train.inputs.shape == [5] && data.targetName == "Ozone")
  }

  @Test func diabetesIsGzippedAndSeparatedBySpaces() throws {
    let inputs = try open("tables/diabetes_data_raw.csv.gz")
    #expect(inputs.name == "diabetes_data_raw" && inputs.train.count == 442 && inputs.train.inputs.shape == [10])
    #expect(inputs.train.inputs.elements.prefix(3) == [59, 2, 32.1])
    let target = try open("tables/diabetes_target.csv.gz")
    #expect(target.train.inputs.elements.reduce(0, +) == 67243)
  }

  @Test func mushroomsAreCategories() throws {
    let path = "mushroom/agaricus-lepiota.data"
    let error = failure(DataRequest(source: "\(sharedData!)/\(path)"))
    #expect(
      error?.code == .notNumeric && error?.problem.hasPrefix("text in 23 columns: '0' (8124 of 8124 rows") == true)
    let data = try open(path) { ($0.target, $0.oneHot, $0.missing) = ("0", ["*"], .keep) }
    #expect(data.train.labels?.names == ["e", "p"] && data.train.count == 8124)
    // 22 columns with 117 values in all, one of them the missing stalk root.
    #expect(data.train.inputs.shape == [117] && data.columns.contains("11="))
    let ones = data.train.inputs.elements.reduce(0, +)
    #expect(ones == Double(8124 * 22))
    #expect(try open(path) { ($0.target, $0.oneHot, $0.missing) = ("0", ["*"], .drop) }.train.count == 5644)
  }

  @Test func carbonDioxide() throws {
    let error = failure(DataRequest(source: "\(sharedData!)/mauna_loa_co2/co2-mm-mlo.csv"))
    #expect(error?.problem == "7 fields, but the header has 6" && error?.place?.line == 2)
    let data = try open("mauna_loa_co2/co2-mm-mlo.csv") {
      ($0.skip, $0.header, $0.columns, $0.target) = (1, .absent, ["1"], "3")
    }
    #expect(data.train.inputs.elements.prefix(2) == [1958.2027, 1958.2877])
    #expect(data.train.targets?.elements.first == 314.44)
  }

  @Test(
    "UCI tables have the expected rows and columns, and a tenth of the rows becomes the test set",
    arguments: [
      ("bostonHousing", 506, 13), ("concrete", 1030, 8), ("energy", 768, 8), ("wine-quality-red", 1599, 11),
      ("yacht", 308, 6),
    ])
  func uci(_ name: String, _ rows: Int, _ columns: Int) throws {
    let data = try open("uci/\(name)/data.txt") { ($0.target, $0.testFraction) = ("-1", 0.1) }
    #expect(data.train.inputs.shape == [columns])
    let test = try #require(data.test)
    #expect(data.train.count + test.count == rows && test.count == Int((Double(rows) * 0.1).rounded()))
  }

  @Test("The Frey and Olivetti faces have the expected sizes") func faces() throws {
    let frey = try open("frey_faces")
    #expect(frey.train.count == 1965 && frey.train.inputs.shape == [28, 20] && frey.train.inputs.kind == .uint8)
    #expect(try open("olivetti_faces/olivetti_faces.npy").train.inputs.shape == [64, 64])
  }

  @Test("Tiny Shakespeare has 1,115,394 characters, of 65 kinds") func shakespeare() throws {
    let data = try open("tiny_shakespeare/input.txt") { $0.testFraction = 0.1 }
    let test = try #require(data.test)
    #expect(data.train.count + test.count == 1_115_394 && data.vocabulary?.count == 65)
    let first = data.train.inputs.elements.prefix(5).map { data.vocabulary![Int($0)] }
    #expect(first.joined() == "First")
  }
}
