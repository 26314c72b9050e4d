// Role: text forms of scalars: tables of texts and values, and round trips of generated values (fixed seed).

import Columnar
import Testing

struct Seeded: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &+ 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

func parsed<T>(_ text: String, _ body: (UnsafePointer<UInt8>, Int) -> T?) -> T? {
  var text = text
  return text.withUTF8 { bytes in bytes.baseAddress.flatMap { body($0, bytes.count) } }
}

@Suite struct ScalarTextTests {
  @Test(arguments: [
    ("0", 0), ("-1", -1), ("+7", 7), ("12345678", 12_345_678), ("1234567890123456", 1_234_567_890_123_456),
    ("9223372036854775807", Int64.max), ("-9223372036854775808", Int64.min), ("00000000000000000000012", 12),
    ("9223372036854775808", nil), ("", nil), ("-", nil), ("1 ", nil), ("1.0", nil), ("1234567a", nil), ("a2345678", nil), ("12345678a", nil),
  ] as [(String, Int64?)]) func long(_ text: String, _ value: Int64?) {
    #expect(parsed(text, ScalarText.parseLong) == value)
  }

  @Test(arguments: [
    ("1", 1), ("-1.5", -1.5), (".5", 0.5), ("5.", 5), ("1e3", 1_000), ("1E-2", 0.01), ("21168.23", 21_168.23), ("1e400", .infinity),
    ("9007199254740993", 9_007_199_254_740_992), ("0.1e-320", 1e-321), ("inf", .infinity), ("-Infinity", -.infinity),
    ("123456789012345678901234567890", 1.2345678901234568e29), (".", nil), ("", nil), ("1e", nil), ("1.2.3", nil), ("e5", nil), ("0x10", nil),
  ] as [(String, Double?)]) func real(_ text: String, _ value: Double?) {
    #expect(parsed(text, ScalarText.parseReal) == value)
  }

  @Test(arguments: [
    (1, "1"), (-0.0, "-0"), (0.1, "0.1"), (1e14, "100000000000000"), (1e15, "1E+15"), (1e20, "1E+20"), (123_456_789_012_345_680, "1.2345678901234568E+17"),
    (0.0001, "0.0001"), (0.00001, "1E-05"), (1.5e-7, "1.5E-07"), (21_168.23, "21168.23"), (.nan, "NaN"), (-.infinity, "-Infinity"), (5e-324, "5E-324"),
    (Double.greatestFiniteMagnitude, "1.7976931348623157E+308"), (123456.789, "123456.789"), (99_999_999_999_999.5, "99999999999999.5"),
  ] as [(Double, String)]) func printedReal(_ value: Double, _ text: String) {
    #expect(ScalarText.text(.real(value)) == text)
  }

  @Test func generatedNumbersComeBack() {
    var rng = Seeded(state: 11)
    for i in 0..<200_000 {
      let bits = UInt64.random(in: 0...UInt64.max, using: &rng)
      var value = Double(bitPattern: bits)
      if i % 3 == 1 { value = Double(Int64(truncatingIfNeeded: bits) % 100_000_000) / 100 }
      if i % 3 == 2 { value = Double(Int64(truncatingIfNeeded: bits) >> Int64.random(in: 0..<60, using: &rng)) / Double(1 << (i % 30)) }
      if value.isNaN { continue }
      let text = ScalarText.text(.real(value)) ?? ""
      #expect(parsed(text, ScalarText.parseReal) == value)
      let pointed = ScalarText.text { ScalarText.write(realWithPoint: value, to: $0) }
      #expect(Double(pointed == "Infinity" ? "inf" : pointed == "-Infinity" ? "-inf" : pointed) == value)
      #expect(text.filter(\.isNumber).count <= value.description.filter(\.isNumber).count + 15)
      // 17 to 19 digits, which need more than 53 bits on the way.
      let digits = "\(bits / 10).\(bits % 1_000)"
      #expect(parsed(digits, ScalarText.parseReal) == Double(digits))
      let small = "0.0000\(bits)"
      #expect(parsed(small, ScalarText.parseReal) == Double(small))
      let long = Int64(truncatingIfNeeded: bits) >> Int64(i % 64)
      #expect(ScalarText.text(.long(long)) == "\(long)")
      #expect(parsed("\(long)", ScalarText.parseLong) == long)
    }
  }

  @Test(arguments: [
    ("1.50", "1.50"), ("-0.01", "-0.01"), ("12345678901234567890.1234567890123456", nil), ("1e3", "1000"), ("1.5e-3", "0.0015"), (".5", "0.5"), ("0", "0"),
    ("99999999999999999999999999999999999999", nil), ("-0.00000000000000000000000000000000000001", nil), ("1e30", "1000000000000000000000000000000"),
  ] as [(String, String?)]) func decimal(_ text: String, _ printed: String?) {
    #expect(parsed(text, ScalarText.parseDecimal).flatMap { ScalarText.text(.decimal($0)) } == printed ?? text)
  }

  @Test func decimalsBeyondTheirRangeAreRefused() {
    for text in ["999999999999999999999999999999999999999", "", ".", "1e40", "abc", "1,5"] { #expect(parsed(text, ScalarText.parseDecimal) == nil, "\(text)") }
  }

  @Test(arguments: [
    ("2020-01-02", "2020-01-02T00:00:00.0000000Z"), ("2014-05-25T08:20:03.123456Z", "2014-05-25T08:20:03.1234560Z"),
    ("2014-05-25T08:20:03.123456", "2014-05-25T08:20:03.1234560Z"), ("2014-05-25T08:20", "2014-05-25T08:20:00.0000000Z"),
    ("2014-11-08 15:55:55.123456Z", "2014-11-08T15:55:55.1234560Z"), ("2014-11-08 15:55:55", "2014-11-08T15:55:55.0000000Z"),
    ("2014-11-08 15:55", "2014-11-08T15:55:00.0000000Z"), ("2014-11-08", "2014-11-08T00:00:00.0000000Z"),
    ("Sat, 8 Nov 14 15:05:02 GMT", "2014-11-08T15:05:02.0000000Z"), ("Sat, 8 Nov 14 15:05", "2014-11-08T15:05:00.0000000Z"),
    ("8 Nov 14 15:05:02", "2014-11-08T15:05:02.0000000Z"), ("Saturday, 08-Nov-14 15:05:02 UTC", "2014-11-08T15:05:02.0000000Z"),
    ("Saturday, 08-Nov-14 15:05", "2014-11-08T15:05:00.0000000Z"), ("Sat Nov 8 15:05:02 2014", "2014-11-08T15:05:02.0000000Z"),
    ("Sat Nov 8 15:05:02 GMT 2014", "2014-11-08T15:05:02.0000000Z"), ("11/8/2014 3:05:02 PM", "2014-11-08T15:05:02.0000000Z"),
    ("2020-01-01T00:00:00+02:00", "2019-12-31T22:00:00.0000000Z"), ("0001-01-01", "0001-01-01T00:00:00.0000000Z"),
    ("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.9999999Z"), ("2020-02-29T12:00:00.1Z", "2020-02-29T12:00:00.1000000Z"),
    ("1969-12-31T23:59:59.9999999Z", "1969-12-31T23:59:59.9999999Z"), ("2017-01-29T09:00:05.123456789Z", "2017-01-29T09:00:05.1234567Z"),
    ("2014-1-2", "2014-01-02T00:00:00.0000000Z"), ("2021-02-29", nil), ("2020-13-01", nil), ("2020-01-02T25:00", nil), ("not-a-date", nil), ("", nil),
    ("2020-01-02T", nil), ("12345678", nil), ("2020-01-02T03:04:05.Z", nil), ("0000-01-01", nil),
  ] as [(String, String?)]) func datetime(_ text: String, _ printed: String?) {
    #expect(parsed(text, ScalarText.parseDateTime).flatMap { ScalarText.text(.datetime($0)) } == printed)
  }

  @Test(arguments: [
    ("1.02:03:04.0000000", "1.02:03:04"), ("-00:00:01", "-00:00:01"), ("1d", "1.00:00:00"), ("1.5h", "01:30:00"), ("90m", "01:30:00"), ("10ms", "00:00:00.0100000"),
    ("1tick", "00:00:00.0000001"), ("3 days", "3.00:00:00"), ("2", "2.00:00:00"), ("0:1", "00:01:00"), ("10:00:00.5", "10:00:00.5000000"),
    ("24:00:00", nil), ("1x", nil), ("", nil), ("1:2:3:4", nil), ("10675199.02:48:05.4775807", "10675199.02:48:05.4775807"), ("99999999d", nil),
    ("-10675199.02:48:05.4775808", "-10675199.02:48:05.4775808"),
  ] as [(String, String?)]) func timespan(_ text: String, _ printed: String?) {
    #expect(parsed(text, ScalarText.parseTimespan).flatMap { ScalarText.text(.timespan($0)) } == printed)
  }

  @Test(arguments: [
    ("true", true), ("FALSE", false), ("1", true), ("0", false), ("t", nil), ("yes", nil),
  ] as [(String, Bool?)]) func bool(_ text: String, _ value: Bool?) { #expect(parsed(text, ScalarText.parseBool) == value) }

  @Test func guids() {
    let text = "74be27de-1e4e-49d9-b579-fe0b331d3642"
    for form in [text, text.uppercased(), "{\(text)}", "(\(text))", text.filter { $0 != "-" }] {
      #expect(parsed(form, ScalarText.parseGUID)?.description == text)
    }
    for form in ["", "74be27de", text + "0", text.replacing("-", with: "+"), "{\(text)", "74be27de-1e4e-49d9-b579-fe0b331d364g"] {
      #expect(parsed(form, ScalarText.parseGUID) == nil)
    }
  }

  @Test func calendarAgreesWithCounting() {
    var year = 1, month = 1, day = 1
    let first = CivilTime.days(year: 1, month: 1, day: 1)
    #expect(Int64(first) * CivilTime.ticksPerDay == CivilTime.minTicks)
    var dayNumber = first
    while year <= 9_999 {
      let (y, m, d) = CivilTime.civil(days: dayNumber)
      if y != year || m != month || d != day || CivilTime.days(year: year, month: month, day: day) != dayNumber {
        Issue.record("day \(dayNumber): \(y)-\(m)-\(d), expected \(year)-\(month)-\(day)")
        return
      }
      dayNumber += 1
      day += 1
      if day > CivilTime.daysInMonth(year, month) {
        day = 1
        month += 1
        if month > 12 { month = 1; year += 1 }
      }
    }
    #expect(Int64(dayNumber) * CivilTime.ticksPerDay - 1 == CivilTime.maxTicks)
    #expect(CivilTime.dayOfWeek(days: 0) == 4)
    let week = CivilTime.isoWeek(days: CivilTime.days(year: 2021, month: 1, day: 3))
    #expect(week.year == 2020 && week.week == 53)
    #expect(CivilTime.adding(months: 1, toTicks: CivilTime.ticks(year: 2020, month: 1, day: 31) ?? 0) == CivilTime.ticks(year: 2020, month: 2, day: 29))
  }
}
