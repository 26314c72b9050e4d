// Role: Spark's and Kusto's datetime patterns: what they accept, refuse and print.

import Columnar
import Testing

@Suite struct DateTimePatternTests {
  @Test(arguments: [
    ("M/d/yyyy h:mm:ss a", "5/17/2015 8:05:32 AM", "2015-05-17T08:05:32.0000000Z", "5/17/2015 8:05:32 AM"),
    ("M/d/yyyy h:mm:ss a", "12/1/2015 12:00:00 am", "2015-12-01T00:00:00.0000000Z", "12/1/2015 12:00:00 AM"),
    ("M/d/yyyy h:mm:ss a", "13/1/2015 1:00:00 AM", nil, nil),
    ("M/d/yyyy h:mm:ss a", "2/30/2015 1:00:00 AM", nil, nil),
    ("M/d/yyyy h:mm:ss a", "2/3/2015 1:00:00", nil, nil),
    ("yyyy-MM-dd'T'HH:mm:ss[.SSS]XXX", "2020-01-02T03:04:05+01:00", "2020-01-02T02:04:05.0000000Z", "2020-01-02T02:04:05.000Z"),
    ("yyyy-MM-dd'T'HH:mm:ss[.SSS]XXX", "2020-01-02T03:04:05.12Z", "2020-01-02T03:04:05.1200000Z", "2020-01-02T03:04:05.120Z"),
    ("yyyyMMddHHmmss", "20200102030405", "2020-01-02T03:04:05.0000000Z", "20200102030405"),
    ("yyMMdd", "200102", "2020-01-02T00:00:00.0000000Z", "200102"),
    ("EEE, d MMM yyyy", "Thu, 2 Jan 2020", "2020-01-02T00:00:00.0000000Z", "Thu, 2 Jan 2020"),
    ("EEE, d MMM yyyy", "Fri, 2 Jan 2020", nil, nil),
    ("EEEE dd MMMM yyyy 'at' HH''mm", "Thursday 02 January 2020 at 03'04", "2020-01-02T03:04:00.0000000Z", "Thursday 02 January 2020 at 03'04"),
    ("dd.MM.yyyy", "1.2.2020", nil, nil),
    ("d.M.yyyy", "01.02.2020", "2020-02-01T00:00:00.0000000Z", "1.2.2020"),
    ("yyyy-DDD", "2020-366", "2020-12-31T00:00:00.0000000Z", "2020-366"),
    ("yyyy-MM-dd HH:mm:ss.SSSSSSSSS Z", "2020-01-02 03:04:05.123456700 +0000", "2020-01-02T03:04:05.1234567Z", "2020-01-02 03:04:05.123456700 +0000"),
    ("yyyy-MM-dd HH:mm:ss.SSSSSSSSS", "2020-01-02 03:04:05.123456789", nil, nil),
    ("kk:mm yyyy", "24:10 2020", "2020-01-01T00:10:00.0000000Z", "24:10 2020"),
  ] as [(String, String, String?, String?)]) func java(_ pattern: String, _ text: String, _ value: String?, _ printed: String?) throws {
    let compiled = try DateTimePattern(pattern)
    let ticks = parsed(text, compiled.parse)
    #expect(ticks.flatMap { ScalarText.text(.datetime($0)) } == value)
    guard let ticks, let printed else { return }
    var room = [UInt8](repeating: 0, count: compiled.room)
    let text = room.withUnsafeMutableBufferPointer { out in
      out.baseAddress.map { String(decoding: UnsafeBufferPointer(start: $0, count: compiled.write(ticks, to: $0) - $0), as: UTF8.self) }
    }
    #expect(text == printed)
  }

  @Test(arguments: [
    ("yy-MM-dd [hh:mm:ss tt]", "17-01-29 [09:00:05 AM]"), ("y/M/d H:m:s.fff", "17/1/29 9:0:5.000"), ("yyyy-MM-dd HH:mm:ss.FFF", "2017-01-29 09:00:05"),
  ]) func kusto(_ pattern: String, _ printed: String) throws {
    let compiled = try DateTimePattern(pattern, dialect: .kusto)
    let ticks = try #require(CivilTime.ticks(year: 2017, month: 1, day: 29, hour: 9, second: 5))
    var room = [UInt8](repeating: 0, count: compiled.room)
    let text = room.withUnsafeMutableBufferPointer { out in
      out.baseAddress.map { String(decoding: UnsafeBufferPointer(start: $0, count: compiled.write(ticks, to: $0) - $0), as: UTF8.self) }
    }
    #expect(text == printed)
  }

  @Test(arguments: [("yyyy-QQ", 6), ("'abc", 1), ("yyyy]", 5), ("[yyyy", 6), ("yyyyyyyyyyyy", 1), ("HHHHH", 1)])
  func refused(_ pattern: String, _ position: Int) {
    #expect { try DateTimePattern(pattern) } throws: { ($0 as? DateTimePatternError)?.position == position }
  }
}
