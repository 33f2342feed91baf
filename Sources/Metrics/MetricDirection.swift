/// Whether a model is better for a smaller or for a larger value of a metric.
public enum MetricDirection: String, Sendable, Codable {
  case smaller, larger

  /// Of a metric by its name without the part of the data, such as `cls/NLL`; nil for one by which models are not
  /// compared, such as a divergence or a count.
  public init?(of name: String) {
    guard let direction = MetricDirection.table[name] ?? MetricDirection.ofOneClass(name) else { return nil }
    self = direction
  }

  /// Whether one value is better than another; not a number is better than none.
  public func isBetter(_ value: Double, than other: Double) -> Bool {
    self == .smaller ? value < other : value > other
  }

  /// Worse than every value.
  public var worst: Double { self == .smaller ? .infinity : -.infinity }

  /// The names that have a direction, those of one class left out.
  public static var names: [String] { table.keys.sorted() }

  private static let table: [String: MetricDirection] = {
    let smaller = [
      "cal/ECE", "cap/nll", "cap/perplexity", "cls/Brier", "cls/NLL", "codes/prior_bits", "distortion", "gen/FID_own",
      "gen/KID_own", "gen/PPL_own",
      "lm/nll", "lm/perplexity", "lm/perplexity_of_means", "nmse", "ood/FPR95", "perplexity", "reg/MAE", "reg/NLL",
      "reg/RMSE", "rmse", "seg/NLL", "squared_error",
    ]
    let larger = [
      "cap/BLEU1", "cap/BLEU4", "cap/CIDEr", "cls/AUPR", "cls/AUROC", "cls/Acc", "cls/BalancedAcc", "cls/F1", "elbo",
      "gen/Good", "gen/Modes", "gen/Precision_own", "gen/Recall_own", "iw_log_likelihood", "log_likelihood",
      "log_predictive", "ood/AUPR", "ood/AUROC", "reg/R2", "sc/AccAt50Cov", "sc/AccAt80Cov", "sc/AccAt90Cov",
      "seg/mAcc", "seg/mIoU", "seg/pixAcc", "sr/PSNR", "sr/SSIM",
    ]
    let pairs = smaller.map { ($0, MetricDirection.smaller) } + larger.map { ($0, .larger) }
    return Dictionary(uniqueKeysWithValues: pairs)
  }()

  /// Shares of one class: `cls/Recall/shirt`, `seg/IoU/road`.
  private static func ofOneClass(_ name: String) -> MetricDirection? {
    let words = name.split(separator: "/", maxSplits: 2)
    guard words.count == 3 else { return nil }
    return ["cls/Recall", "cls/Precision", "cls/F1", "seg/IoU"].contains("\(words[0])/\(words[1])") ? .larger : nil
  }
}
