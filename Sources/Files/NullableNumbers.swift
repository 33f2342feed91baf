/// Numbers by name that are read from JSON, where null stands for a number that is not finite: it is NaN.
///
/// `JSONDocument` writes such numbers as null. Files of earlier versions have `"nan"`, `"inf"` and `"-inf"`, which a decoder may
/// be set to read too.
@propertyWrapper
public struct NullableNumbers: Codable, Sendable {
  public var wrappedValue: [String: Double]

  public init(wrappedValue: [String: Double]) { self.wrappedValue = wrappedValue }

  public init(from decoder: any Decoder) throws {
    wrappedValue = try decoder.singleValueContainer().decode([String: Double?].self).mapValues { $0 ?? .nan }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(wrappedValue)
  }
}
