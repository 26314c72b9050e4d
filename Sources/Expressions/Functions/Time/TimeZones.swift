// Role: local times of time zones, from the system's time zone files (TZif). Source: RFC 8536; POSIX TZ rules for times behind the last entry.

import Columnar
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// The offsets of one zone: from `starts[i]` (seconds since 1970, UTC) on, `offsets[i]` seconds are added to UTC.
final class TimeZone: Sendable {
  private let starts: [Int64]
  private let offsets: [Int64]
  private let before: Int64

  private static let known = Mutex<[String: TimeZone]>([:])

  /// The zone of that IANA name, or nil.
  static func named(_ name: String) -> TimeZone? {
    if let zone = known.withLock({ $0[name] }) { return zone }
    guard !name.isEmpty, !name.hasPrefix("/"), !name.contains(".."), let zone = TimeZone(file: "/usr/share/zoneinfo/\(name)") else { return nil }
    known.withLock { $0[name] = zone }
    return zone
  }

  /// The names of the system's zones in order, from its list of zones; empty when the system has none.
  static var names: [String] {
    // Lines `Z name …` are zones, `L zone name` links.
    guard let bytes = read("/usr/share/zoneinfo/tzdata.zi") else { return [] }
    var out: [String] = []
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      let words = line.split(separator: UInt8(ascii: " "), maxSplits: 3)
      if words.count >= 2, words[0].elementsEqual("Z".utf8) { out.append(String(decoding: words[1], as: UTF8.self)) }
      if words.count >= 3, words[0].elementsEqual("L".utf8) { out.append(String(decoding: words[2], as: UTF8.self)) }
    }
    return out.sorted()
  }

  private init?(file: String) {
    guard let bytes = Self.read(file), bytes.count >= 44, bytes.starts(with: Array("TZif".utf8)) else { return nil }
    func word(_ at: Int) -> Int { bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) } }
    // The first block has 32-bit times; the second, in version 2 and later, 64-bit ones.
    var at = 0
    var timeSize = 4
    if bytes[4] >= UInt8(ascii: "2") {
      let skipped = 44 + word(32) * 5 + word(36) * 6 + word(40) + word(28) * 8 + word(24) + word(20)
      guard skipped + 44 <= bytes.count else { return nil }
      at = skipped
      timeSize = 8
    }
    let times = word(at + 32), types = word(at + 36), names = word(at + 40)
    let body = at + 44
    guard times >= 0, types > 0, times < 10_000, types < 1_000, body + times * (timeSize + 1) + types * 6 + names <= bytes.count else { return nil }
    func offset(_ type: Int) -> Int64 {
      let p = body + times * (timeSize + 1) + min(type, types - 1) * 6
      return Int64(Int32(truncatingIfNeeded: word(p)))
    }
    var starts: [Int64] = [], offsets: [Int64] = []
    for k in 0..<times {
      let p = body + k * timeSize
      starts.append(timeSize == 8 ? Int64(truncatingIfNeeded: word(p)) << 32 | Int64(word(p + 4)) : Int64(Int32(truncatingIfNeeded: word(p))))
      offsets.append(offset(Int(bytes[body + times * timeSize + k])))
    }
    before = offset(0)
    // The text behind the data says what happens after the last entry; it is written out year by year up to 2200.
    if timeSize == 8 {
      let tail = body + times * 9 + types * 6 + names + word(at + 28) * 12 + word(at + 24) + word(at + 20)
      if tail + 1 < bytes.count, let end = bytes[(tail + 1)...].firstIndex(of: 10), let rule = ZoneRule(Array(bytes[(tail + 1)..<end])) {
        let last = starts.last ?? .min
        let year = last == .min ? 1970 : CivilTime.date(ofTicks: last * CivilTime.ticksPerSecond).year
        for y in max(1970, year)..<2200 {
          for change in rule.changes(y) where change.start > last {
            starts.append(change.start)
            offsets.append(change.offset)
          }
        }
      }
    }
    self.starts = starts
    self.offsets = offsets
  }

  // SAFETY: `bytes` has as many bytes as `fread` is asked for at most; the file is closed once, behind the last use.
  private static func read(_ path: String) -> [UInt8]? {
    guard let file = unsafe fopen(path, "rb") else { return nil }
    defer { unsafe fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 17)
    let n = unsafe fread(&bytes, 1, bytes.count, file)
    return n > 0 && n < bytes.count ? Array(bytes[..<n]) : nil
  }

  /// Ticks to add to a UTC time.
  func offset(atUTC ticks: Int64) -> Int64 {
    let seconds = ticks >= 0 ? ticks / CivilTime.ticksPerSecond : (ticks - CivilTime.ticksPerSecond + 1) / CivilTime.ticksPerSecond
    var low = 0, high = starts.count
    while low < high {
      let middle = (low + high) / 2
      if starts[middle] <= seconds { low = middle + 1 } else { high = middle }
    }
    return (low == 0 ? before : offsets[low - 1]) * CivilTime.ticksPerSecond
  }

  /// UTC of a local time; a time that occurs twice is taken with the earlier offset, one that does not occur with the offset before the gap.
  func utc(ofLocal ticks: Int64) -> Int64 {
    let first = ticks - offset(atUTC: ticks - 86_400 * CivilTime.ticksPerSecond)
    if first + offset(atUTC: first) == ticks { return first }
    let second = ticks - offset(atUTC: first)
    // A time the clocks skip: the offset behind the gap counts.
    return second + offset(atUTC: second) == ticks ? second : min(first, second)
  }
}

/// A POSIX TZ text such as `EST5EDT,M3.2.0,M11.1.0`.
private struct ZoneRule {
  private struct Change { var month = 0, week = 0, day = 0, seconds: Int64 = 7_200 }

  private let standard: Int64
  private let daylight: Int64
  private let toDaylight: Change
  private let toStandard: Change

  /// Nil without daylight saving, or for day forms other than `Mm.w.d`.
  init?(_ text: [UInt8]) {
    var i = 0
    func name() {
      if i < text.count, text[i] == UInt8(ascii: "<") {
        while i < text.count, text[i] != UInt8(ascii: ">") { i += 1 }
        i += 1
      } else {
        while i < text.count, (text[i] | 0x20) &- 0x61 < 26 { i += 1 }
      }
    }
    func number() -> Int64 {
      var n: Int64 = 0
      while i < text.count, text[i] &- 0x30 < 10 { n = min(n * 10 + Int64(text[i] - 0x30), 1 << 30); i += 1 }
      return n
    }
    func time() -> Int64? {
      guard i < text.count else { return nil }
      var sign: Int64 = 1
      if text[i] == UInt8(ascii: "-") { sign = -1; i += 1 } else if text[i] == UInt8(ascii: "+") { i += 1 }
      guard i < text.count, text[i] &- 0x30 < 10 else { return nil }
      var seconds = number() * 3_600
      if i < text.count, text[i] == UInt8(ascii: ":") { i += 1; seconds += number() * 60 }
      if i < text.count, text[i] == UInt8(ascii: ":") { i += 1; seconds += number() }
      return sign * seconds
    }
    func change() -> Change? {
      guard i + 1 < text.count, text[i] == UInt8(ascii: ","), text[i + 1] == UInt8(ascii: "M") else { return nil }
      i += 2
      var out = Change()
      out.month = Int(number())
      i += 1
      out.week = Int(number())
      i += 1
      out.day = Int(number())
      if i < text.count, text[i] == UInt8(ascii: "/") {
        i += 1
        guard let seconds = time() else { return nil }
        out.seconds = seconds
      }
      return (1...12).contains(out.month) && (1...5).contains(out.week) && (0...6).contains(out.day) ? out : nil
    }
    name()
    guard let west = time() else { return nil }
    standard = 0 - west
    guard i < text.count else { return nil }
    name()
    daylight = i < text.count && text[i] != UInt8(ascii: ",") ? 0 - (time() ?? 0) : standard + 3_600
    guard let first = change(), let second = change() else { return nil }
    toDaylight = first
    toStandard = second
  }

  /// The two changes of a year in order, as UTC seconds and the offset from then on.
  func changes(_ year: Int) -> [(start: Int64, offset: Int64)] {
    func start(_ change: Change, _ offset: Int64) -> Int64 {
      let first = CivilTime.days(year: year, month: change.month, day: 1)
      var day = 1 + (change.day - CivilTime.dayOfWeek(days: first) + 7) % 7 + (change.week - 1) * 7
      while day > CivilTime.daysInMonth(year, change.month) { day -= 7 }
      return Int64(first + day - 1) * 86_400 + change.seconds - offset
    }
    return [(start(toDaylight, standard), daylight), (start(toStandard, daylight), standard)].sorted { $0.0 < $1.0 }
  }
}

private func zoneShift(_ name: String, _ summary: String, _ example: String, _ f: @escaping @Sendable (TimeZone, Int64) -> Int64) -> FunctionSpec {
  FunctionSpec(name, .time, 2...2, parameters: "date, zone", summary, example: example) { call in
    if let zone = call.constants[1], TimeZone.named(zone.plainText) == nil { throw call.invalid("unknown time zone '\(zone.plainText)'") }
    return BoundFunction(.datetime, [.datetime, .string], kernel: rows(LongRows.self, StringRows.self) { ticks, name -> Int64? in
      guard let zone = TimeZone.named(name) else { return nil }
      let shifted = f(zone, ticks)
      return CivilTime.isInRange(shifted) ? shifted : nil
    })
  }
}

let timeZoneFunctions: [FunctionSpec] = [
  FunctionSpec("datetime_list_timezones", .time, 0...0, parameters: "", "The names of all time zones.", example: "datetime_list_timezones()") { _ in
    let names = DynamicValue.array(TimeZone.names.map { .string($0) })
    return BoundFunction(.dynamic, []) { _, n in .constant(.dynamic(names), count: n) }
  },
  zoneShift("datetime_utc_to_local", "The local time of a zone.", "datetime_utc_to_local(now(), 'US/Pacific')") { zone, t in t + zone.offset(atUTC: t) },
  zoneShift("datetime_local_to_utc", "UTC of a zone's local time.", "datetime_local_to_utc(now(), 'US/Pacific')") { zone, t in zone.utc(ofLocal: t) },
]
