import Metrics
import Testing

@Suite struct ClassScoresTests {
  /// The example of scikit-learn's `roc_auc_score` and `average_precision_score`: 0.75 and 0.8333.
  @Test func twoClasses() {
    let probabilities = ClassProbabilities([0.9, 0.1, 0.6, 0.4, 0.65, 0.35, 0.2, 0.8], classes: 2)
    let labels = [0, 0, 1, 1]
    let summary = probabilities.summary(labels)
    #expect(summary["cls/AUROC"] == 0.75 && abs(summary["cls/AUPR"]! - 5 / 6.0) < 1e-15)
    #expect(summary["cls/Majority"] == 0.5 && summary["cls/BalancedAcc"] == 0.75)
    #expect(probabilities.confusion(labels) == [[2, 0], [1, 1]])
    let scores = probabilities.scores(labels)
    #expect(scores.map(\.precision) == [2 / 3.0, 1] && scores.map(\.recall) == [1, 0.5])
    #expect(abs(summary["cls/F1"]! - (0.8 + 2 / 3.0) / 2) < 1e-15)
  }

  /// A class without examples has no recall, and does not count.
  @Test func aClassWithoutExamples() {
    let probabilities = ClassProbabilities([0.7, 0.2, 0.1, 0.1, 0.8, 0.1, 0.2, 0.1, 0.7], classes: 3)
    let labels = [0, 1, 1]
    let scores = probabilities.scores(labels)
    #expect(scores[2].recall == nil && scores[2].areaUnderROC == nil && scores[2].precision == 0)
    let summary = probabilities.summary(labels)
    #expect(summary["cls/BalancedAcc"] == 0.75 && summary["cls/Majority"] == 2 / 3.0)
    // One class alone ranks nothing.
    let alone = probabilities.summary([0, 0, 0])
    #expect(alone["cls/AUROC"] == nil && alone["cls/AUPR"] == nil && alone["cls/Majority"] == 1)
    #expect(ClassProbabilities([], classes: 2).summary([]) == [:])
  }

  /// Scores of one class have its name; pairs that do not occur have no score.
  @Test func eachClass() {
    let probabilities = ClassProbabilities([0.9, 0.1, 0.6, 0.4, 0.65, 0.35, 0.2, 0.8], classes: 2)
    let summary = probabilities.summary([0, 0, 1, 1], names: ["no", "a/b"])
    #expect(summary["cls/Precision/no"] == 2 / 3.0 && summary["cls/Recall/no"] == 1 && summary["cls/Support/no"] == 2)
    #expect(summary["cls/Recall/a/b"] == 0.5 && abs(summary["cls/F1/a/b"]! - 2 / 3.0) < 1e-15)
    #expect(summary["cls/Confusion/no/no"] == 2 && summary["cls/Confusion/no/a/b"] == nil)
    #expect(summary[ClassMetric.confusion("a/b", given: "no")] == 1)
    let whole = probabilities.summary([0, 0, 1, 1])
    #expect(summary.filter { !ClassMetric.isOne("test/" + $0.key) } == whole)
    #expect(!ClassMetric.isOne("test/seg/IoU/car") && !ClassMetric.isOne("test/cls/F1"))
    // A class without examples has no recall.
    let three = ClassProbabilities([0.7, 0.2, 0.1], classes: 3).summary([0], names: ["x", "y", "z"])
    #expect(three["cls/Recall/y"] == nil && three["cls/Precision/y"] == 0 && three["cls/Support/y"] == 0)
    let many = ClassProbabilities([Double](repeating: 1, count: 300), classes: 300)
    #expect(!many.summary([0], names: (0..<300).map(String.init)).keys.contains { ClassMetric.isOne("test/" + $0) })
  }

  @Test("Coverage is measured at 50, 80, 90 and 95 percent") func coverage() {
    #expect(
      Regression.coverageLevels.map(Regression.coverageName)
        == ["reg/Coverage50", "reg/Coverage80", "reg/Coverage90", "reg/Coverage95"])
  }

  @Test("MAE, R² and the targets' deviation follow their definitions, also for targets far from zero")
  func regression() {
    let summary = Regression.summary([1, 2, 4], [1, 3, 5])
    #expect(abs(summary["reg/MAE"]! - 2 / 3.0) < 1e-15 && abs(summary["reg/R2"]! - 0.75) < 1e-15)
    #expect(abs(summary["reg/TargetStd"]! - (8 / 3.0).squareRoot()) < 1e-15)
    #expect(Regression.summary([2], [2])["reg/R2"] == nil)
    // Targets such as times keep their spread.
    let far = Regression.summary([1.7e9, 1.7e9 + 2], [1.7e9, 1.7e9 + 2])
    #expect(far["reg/TargetStd"] == 1 && far["reg/R2"] == 1)
  }
}
