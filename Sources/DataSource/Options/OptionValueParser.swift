// Role: reads option values by kind; one place for `true/false`, sizes, durations and escapes.

enum OptionValueParser {
  static func bool(_ text: String) -> Bool? {
    switch text.lowercased() {
    case "true", "yes", "on", "1": true
    case "false", "no", "off", "0": false
    default: nil
    }
  }

  static func integer(_ text: String) -> Int? { Int(text.filter { $0 != "_" }) }

  /// `4096`, `64k`, `128mb`, `1g` (powers of 1024).
  static func bytes(_ text: String) -> Int? {
    let lower = text.lowercased()
    let digits = lower.prefix { $0.isNumber || $0 == "_" }
    guard let n = integer(String(digits)), n >= 0 else { return nil }
    let shift: Int
    switch lower.dropFirst(digits.count).drop(while: { $0 == " " }) {
    case "", "b": shift = 0
    case "k", "kb", "kib": shift = 10
    case "m", "mb", "mib": shift = 20
    case "g", "gb", "gib": shift = 30
    case "t", "tb", "tib": shift = 40
    default: return nil
    }
    let (value, overflow) = n.multipliedReportingOverflow(by: 1 << shift)
    return overflow ? nil : value
  }

  /// 10,000 years: sums of a time and a duration stay far from the ends of 64 bits, also in ticks.
  private static let longestMilliseconds = 10_000 * 366 * 86_400_000

  /// `10 seconds`, `500ms`, `2 hours`, `00:00:10`-less forms only; the result is in milliseconds. Nil beyond 10,000 years.
  static func durationMilliseconds(_ text: String) -> Int? {
    let lower = text.lowercased()
    let digits = lower.prefix { $0.isNumber }
    guard let n = Int(digits) else { return nil }
    let factor: Int
    switch lower.dropFirst(digits.count).drop(while: { $0 == " " }) {
    case "ms", "millisecond", "milliseconds": factor = 1
    case "s", "sec", "second", "seconds": factor = 1_000
    case "m", "min", "minute", "minutes": factor = 60_000
    case "h", "hour", "hours": factor = 3_600_000
    case "d", "day", "days": factor = 86_400_000
    default: return nil
    }
    let (value, overflow) = n.multipliedReportingOverflow(by: factor)
    return overflow || value > longestMilliseconds ? nil : value
  }

  /// One character, or `\t`, `\n`, `\r`, `\\`, `\0`, `\u0001`; an empty text means "none" and gives nil.
  static func character(_ text: String) -> Character? {
    switch text {
    case "\\t", "tab": return "\t"
    case "\\n": return "\n"
    case "\\r": return "\r"
    case "\\\\": return "\\"
    case "\\0": return "\0"
    default: break
    }
    if text.hasPrefix("\\u"), text.count == 6, let code = UInt32(text.dropFirst(2), radix: 16), let scalar = UnicodeScalar(code) {
      return Character(scalar)
    }
    return text.count == 1 ? text.first : nil
  }

  static func check(_ value: String, _ spec: OptionSpec, source: String) throws {
    let expected: String?
    switch spec.kind {
    case .string, .path: expected = nil
    case .bool: expected = bool(value) == nil ? "true or false" : nil
    case .integer: expected = integer(value) == nil ? "a whole number" : nil
    case .bytes: expected = bytes(value) == nil ? "a size such as 128mb" : nil
    case .duration: expected = durationMilliseconds(value) == nil ? "a duration such as '10 seconds', at most 10000 years" : nil
    case .character: expected = value.isEmpty || character(value) != nil ? nil : "one character"
    case .oneOf(let words):
      expected = words.contains { $0.lowercased() == value.lowercased() } ? nil : "one of \(words.joined(separator: ", "))"
    }
    if let expected {
      let shown = spec.isSecret ? "…" : String(value.prefix(80))
      throw KConnectError(.optionInvalid, "option '\(spec.name)' of '\(source)': found '\(shown)', expected \(expected)", hint: spec.help)
    }
  }
}
