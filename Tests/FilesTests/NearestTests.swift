import Files
import Testing

@Suite("The nearest name") struct NearestTests {
  @Test(arguments: [
    ("lr", "learning_rate"), ("Batch-Size", "batch"), ("standardize", "normalisation"), ("hiden", "hidden"),
    ("learning", "learning_rate"), ("test_size", "test_fraction"),
  ])
  func ofKeys(_ word: String, _ name: String) {
    let names = ["weight_decay", "learning_rate", "batch", "hidden", "normalisation", "test_fraction", "steps", "name"]
    #expect(nearest(to: word, among: names) == name)
  }

  @Test(arguments: [
    ("gaussian-mixture", "gmm"), ("logistic-regression", "bayesian-logistic-regression"), ("gp", "gaussian-process"),
    ("kmean", "kmeans"), ("BNN", "bbb"), ("gaussian", "gaussian-process"), ("ppa", "ppca"),
  ])
  func ofModels(_ word: String, _ name: String) {
    let names = [
      "vae", "gmm", "kmeans", "bbb", "ppca", "linear-regression", "bayesian-logistic-regression", "gaussian-process",
    ]
    #expect(nearest(to: word, among: names) == name)
  }

  /// A hint that is far away misleads.
  @Test(arguments: ["latent", "class_weights", "zz"]) func ofOtherWords(_ word: String) {
    #expect(nearest(to: word, among: ["target", "source", "components"]) == nil)
  }

  @Test func amongNothing() { #expect(nearest(to: "x", among: [String]()) == nil) }

  @Test func ofVeryLongWordsInNoTime() {
    let long = String(repeating: "a", count: 10_000)
    #expect(nearest(to: long, among: (0..<1_000_000).lazy.map { "\($0)" + long }) != nil)
  }
}
