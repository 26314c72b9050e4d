// Role: dates in HTTP headers: `Sun, 06 Nov 1994 08:49:37 GMT`.
// Source: RFC 9110, 5.6.7 (IMF-fixdate).

import Columnar

package enum HTTPDate {
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
  private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]

  /// Ticks of 100 ns since the Unix epoch; nil for other texts.
  package static func ticks(_ text: String) -> Int64? {
    let parts = text.split(separator: " ")
    guard parts.count == 6, parts[5] == "GMT", let day = Int(parts[1]), let month = months.firstIndex(of: String(parts[2])), let year = Int(parts[3]) else { return nil }
    func padded(_ n: Int) -> String { n < 10 ? "0\(n)" : "\(n)" }
    guard case .datetime(let ticks)? = ScalarText.parse("\(year)-\(padded(month + 1))-\(padded(day))T\(parts[4])Z", as: .datetime) else { return nil }
    return ticks
  }

  /// The moment as a header has it; fractions of a second are dropped.
  package static func text(_ ticks: Int64) -> String {
    let iso = Array((ScalarText.text(.datetime(ticks)) ?? "1970-01-01T00:00:00").utf8)
    func part(_ range: Range<Int>) -> String { String(decoding: iso[range], as: UTF8.self) }
    let dayNumber = Int((ticks >= 0 ? ticks : ticks - 863_999_999_999) / 864_000_000_000)
    let name = days[((dayNumber % 7) + 7) % 7]
    return "\(name), \(part(8..<10)) \(months[(Int(part(5..<7)) ?? 1) - 1]) \(part(0..<4)) \(part(11..<19)) GMT"
  }
}
