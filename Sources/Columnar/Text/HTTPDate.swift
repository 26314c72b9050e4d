// Role: dates in HTTP headers: `Sun, 06 Nov 1994 08:49:37 GMT`. Source: RFC 9110, 5.6.7 (IMF-fixdate).

package enum HTTPDate {
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
  private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]

  /// Ticks of 100 ns since the Unix epoch; nil for other texts.
  package static func ticks(_ text: String) -> Int64? {
    let parts = text.split(separator: " ")
    guard parts.count == 6, parts[5] == "GMT", let day = Int(parts[1]), let month = months.firstIndex(of: String(parts[2])), let year = Int(parts[3]) else { return nil }
    let time = parts[4].split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
    guard time.count == 3, let hour = time[0], let minute = time[1], let second = time[2], (1...9_999).contains(year), (1...CivilTime.daysInMonth(year, month + 1)).contains(day),
      (0..<24).contains(hour), (0..<60).contains(minute), (0..<60).contains(second)
    else { return nil }
    return CivilTime.ticks(year: year, month: month + 1, day: day, hour: hour, minute: minute, second: second)
  }

  /// The moment as a header has it; fractions of a second are dropped.
  package static func text(_ ticks: Int64) -> String {
    let day = CivilTime.day(ofTicks: ticks), second = Int(CivilTime.timeOfDay(ofTicks: ticks) / CivilTime.ticksPerSecond)
    let date = CivilTime.civil(days: day)
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let year = String(repeating: "0", count: max(0, 4 - String(date.year).utf8.count)) + String(date.year)
    return "\(days[CivilTime.dayOfWeek(days: day)]), \(two(date.day)) \(months[date.month - 1]) \(year) \(two(second / 3_600)):\(two(second / 60 % 60)):\(two(second % 60)) GMT"
  }
}
