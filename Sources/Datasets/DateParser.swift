/// Dates of ISO 8601 as numbers of days: `2024-02`, `2024-02-29`, `2024-02-29T10:30`, `2024-02-29 10:30:15.25+02:00`. A month is
/// its first day.
enum DateParser {
  /// Days since 1970-01-01T00:00Z in the Gregorian calendar, the time of day as a part of one; a time without a zone is
  /// UTC. Nil for what is no such date.
  static func days(_ field: UnsafeBufferPointer<UInt8>) -> Double? {
    var reader = Reader(bytes: field)
    guard let year = reader.number(4), reader.take("-"), let month = reader.number(2), year >= 1,
      (1...12).contains(month)
    else { return nil }
    if reader.isAtEnd { return Double(days(year, month, 1)) }
    guard reader.take("-"), let day = reader.number(2), (1...length(of: month, year)).contains(day) else { return nil }
    let days = Double(days(year, month, day))
    if reader.isAtEnd { return days }
    guard reader.take("T") || reader.take("t") || reader.take(" "), let seconds = reader.timeOfDay(),
      let zone = reader.zone(), reader.isAtEnd
    else { return nil }
    return days + (seconds - zone) / 86_400
  }

  private static func length(of month: Int, _ year: Int) -> Int {
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
  }

  /// Of years that begin in March, so that a leap day is the last of its year: 400 of them have 146,097 days (H. Hinnant,
  /// "chrono-Compatible Low-Level Date Algorithms").
  private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let shifted = month > 2 ? year : year - 1
    let (era, yearOfEra) = (shifted / 400, shifted % 400)
    let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  private struct Reader {
    let bytes: UnsafeBufferPointer<UInt8>
    var position = 0

    var isAtEnd: Bool { position == bytes.count }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
      guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
      position += 1
      return true
    }

    /// Exactly so many digits.
    mutating func number(_ digits: Int) -> Int? {
      guard position + digits <= bytes.count else { return nil }
      var result = 0
      for byte in bytes[position..<position + digits] {
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
        result = result * 10 + Int(byte - UInt8(ascii: "0"))
      }
      position += digits
      return result
    }

    /// Seconds since midnight: hours and minutes, perhaps with seconds and parts of them.
    mutating func timeOfDay() -> Double? {
      guard let hour = number(2), take(":"), let minute = number(2), hour < 24, minute < 60 else { return nil }
      var seconds = Double(hour * 3600 + minute * 60)
      guard take(":") else { return seconds }
      guard let second = number(2), second <= 60 else { return nil }
      seconds += Double(second)
      guard take(".") || take(",") else { return seconds }
      var (place, hasDigits) = (0.1, false)
      while let digit = number(1) {
        seconds += place * Double(digit)
        (place, hasDigits) = (place / 10, true)
      }
      return hasDigits ? seconds : nil
    }

    /// Seconds that a zone is ahead of UTC; 0 where none is named.
    mutating func zone() -> Double? {
      if isAtEnd || take("Z") || take("z") { return 0 }
      let isAhead = take("+")
      guard isAhead || take("-"), let hours = number(2), hours < 24 else { return nil }
      var minutes = 0
      if !isAtEnd {
        _ = take(":")
        guard let number = number(2), number < 60 else { return nil }
        minutes = number
      }
      let seconds = Double(hours * 3600 + minutes * 60)
      return isAhead ? seconds : -seconds
    }
  }
}
