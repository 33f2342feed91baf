/// In what a metric is measured, for axes.
public enum MetricUnit {
  /// Of a metric by its name without the part of the data, such as `cls/NLL`; empty where nothing general can be said, as
  /// of errors in the units of the data. Numbers whose unit is % are shares from 0 to 1.
  public static func of(_ name: String) -> String {
    if let unit = table[name] { return unit }
    let isShare = ["reg/Coverage", "sc/AccAt", "cls/Recall/", "cls/Precision/", "cls/F1/", "seg/IoU/"].contains {
      name.hasPrefix($0)
    }
    return isShare ? "%" : ""
  }

  /// The name with its unit behind it.
  public static func label(_ name: String) -> String {
    let unit = of(name)
    return unit.isEmpty ? name : "\(name) (\(unit))"
  }

  private static let table: [String: String] = {
    let groups = [
      (
        "nats per example",
        [
          "elbo", "nll", "log_likelihood", "iw_log_likelihood", "log_predictive", "cls/NLL", "reg/NLL",
          "cls/Entropy", "cls/MI",
        ]
      ),
      ("nats", ["kl", "lower_bound", "log_evidence", "log_joint", "total_log_likelihood"]),
      ("nats per token", ["lm/nll", "lm/entropy", "lm/entropy_gap", "cap/nll"]),
      ("nats per pixel", ["seg/NLL", "seg/Aleatoric", "seg/Epistemic"]),
      (
        "%",
        [
          "cls/Acc", "cls/BalancedAcc", "cls/Majority", "cal/ECE", "seg/pixAcc", "seg/mAcc", "seg/mIoU", "gen/Good",
          "real_accuracy", "generated_accuracy", "code_accuracy", "fooled", "gen/Precision_own", "gen/Recall_own",
          "ood/FPR95",
        ]
      ),
    ]
    return Dictionary(uniqueKeysWithValues: groups.flatMap { unit, names in names.map { ($0, unit) } })
  }()
}
