import Foundation

enum Clock {
  /// Seconds since 1970.
  static var now: Double { Date().timeIntervalSince1970 }
}
