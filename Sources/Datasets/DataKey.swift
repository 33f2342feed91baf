/// The keys of a recipe's `data` section that say what a `DataRequest` says. Errors name a key by its description, such as
/// `data.one_hot`, so that their advice can be followed.
public enum DataKey: String, CaseIterable, Sendable, CustomStringConvertible {
  case source, format, target, columns, drop, dates, percent, missing, unseen, header, delimiter, decimal, skip, split,
    strict, background, void, sequence, tokens, identifier
  case targetKind = "target_kind"
  case oneHot = "one_hot"
  case imageSize = "image_size"
  case imageChannels = "image_channels"
  case wholePictures = "whole_pictures"
  case minimumCount = "minimum_count"
  case testFraction = "test_fraction"
  case validationFraction = "validation_fraction"

  public var description: String { "data.\(rawValue)" }
}
