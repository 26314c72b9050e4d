// The values of literal tokens: numbers, timespans with a unit, and the four string notations.

/// Units of timespan literals such as `2.5h`.
enum TimespanUnit {
  /// Ticks of 100 ns in one unit; nil when the suffix is no unit. Nanoseconds are a hundredth of a tick and given as 0.
  static func ticks(_ suffix: String) -> Int64? {
    switch suffix {
    case "d", "day", "days": 864_000_000_000
    case "h", "hr", "hrs", "hour", "hours": 36_000_000_000
    case "m", "min", "minute", "minutes": 600_000_000
    case "s", "sec", "second", "seconds": 10_000_000
    case "ms", "milli", "millis", "millisec", "millisecond", "milliseconds": 10_000
    case "micro", "micros", "microsec", "microsecond", "microseconds": 10
    case "nano", "nanos", "nanosec", "nanosecond", "nanoseconds": 0
    case "tick", "ticks": 1
    default: nil
    }
  }
}

enum LiteralText {
  /// A long from decimal or `0x` digits; nil when it does not fit 64 bits. Sixteen hex digits give the bit pattern.
  static func long(_ text: String) -> Int64? {
    if text.hasPrefix("0x") || text.hasPrefix("0X") {
      return UInt64(text.dropFirst(2), radix: 16).map { Int64(bitPattern: $0) }
    }
    return Int64(text)
  }

  /// A real; a trailing point (`1.`) is allowed.
  static func real(_ text: String) -> Double? {
    if let value = Double(text) { return value }
    if text.hasSuffix(".") { return Double(text.dropLast()) }
    // "1.e5": Swift wants a digit after the point.
    if let point = text.firstIndex(of: "."), let next = text.index(point, offsetBy: 1, limitedBy: text.endIndex),
      next < text.endIndex, text[next] == "e" || text[next] == "E"
    {
      return Double(text[..<next] + "0" + text[next...])
    }
    return nil
  }

  /// Ticks of a timespan literal with a unit; nil when it overflows. Fractions of a tick are dropped.
  static func timespan(_ text: String) -> Int64? {
    guard let split = text.firstIndex(where: { !($0.isASCII && $0.isNumber) && $0 != "." }) else { return nil }
    guard let unit = TimespanUnit.ticks(String(text[split...])) else { return nil }
    let parts = text[..<split].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let whole = Int64(parts.first.map(String.init) ?? "") else { return nil }
    var result: Int64
    if unit == 0 {
      result = whole / 100
    } else {
      let (product, overflow) = whole.multipliedReportingOverflow(by: unit)
      if overflow { return nil }
      result = product
    }
    if parts.count == 2, unit > 0 {
      // The fraction is exact to 18 digits in 128 bits.
      let digits = parts[1].prefix(18)
      guard let fraction = Int64(digits.isEmpty ? "0" : String(digits)) else { return nil }
      var scale: Int128 = 1
      for _ in 0..<digits.count { scale *= 10 }
      let ticks = Int64(Int128(fraction) * Int128(unit) / scale)
      let (sum, overflow) = result.addingReportingOverflow(ticks)
      if overflow { return nil }
      result = sum
    }
    return result
  }

  /// The value of a string token and whether it is obfuscated. `badEscape` is the byte offset inside the token of an
  /// escape that the language does not have; the backslash is then kept.
  static func string(_ token: ArraySlice<UInt8>) -> (value: String, isObfuscated: Bool, badEscape: Int?) {
    var i = token.startIndex
    let end = token.endIndex
    var isObfuscated = false
    if i < end, token[i] | 0x20 == 0x68 {
      isObfuscated = true
      i += 1
    }
    guard i < end else { return ("", isObfuscated, nil) }
    switch token[i] {
    case 0x40:
      return (verbatim(token[min(i + 2, end)..<max(min(i + 2, end), end - 1)], quote: i + 1 < end ? token[i + 1] : 0x22), isObfuscated, nil)
    case 0x60, 0x7E:
      return (String(decoding: token[min(i + 3, end)..<max(min(i + 3, end), end - 3)], as: UTF8.self), isObfuscated, nil)
    default:
      let (value, bad) = escaped(token[min(i + 1, end)..<max(min(i + 1, end), end - 1)])
      return (value, isObfuscated, bad.map { $0 - token.startIndex })
    }
  }

  private static func verbatim(_ body: ArraySlice<UInt8>, quote: UInt8) -> String {
    var out: [UInt8] = []
    out.reserveCapacity(body.count)
    var i = body.startIndex
    while i < body.endIndex {
      out.append(body[i])
      if body[i] == quote { i += 1 }
      i += 1
    }
    return String(decoding: out, as: UTF8.self)
  }

  /// Resolves backslash escapes: the C set, `\u` with four and `\U` with eight hex digits, `\x` with two, and octal.
  /// A pair of surrogates (`\ud83d\ude00`) makes one character, as in JSON.
  private static func escaped(_ body: ArraySlice<UInt8>) -> (String, badEscape: Int?) {
    if !body.contains(0x5C) { return (String(decoding: body, as: UTF8.self), nil) }
    var out: [UInt8] = []
    out.reserveCapacity(body.count)
    var bad: Int?
    var i = body.startIndex
    while i < body.endIndex {
      guard body[i] == 0x5C, i + 1 < body.endIndex else {
        out.append(body[i])
        i += 1
        continue
      }
      let start = i
      let letter = body[i + 1]
      i += 2
      switch letter {
      case 0x22, 0x27, 0x5C, 0x2F: out.append(letter)
      case 0x61: out.append(0x07)
      case 0x62: out.append(0x08)
      case 0x66: out.append(0x0C)
      case 0x6E: out.append(0x0A)
      case 0x72: out.append(0x0D)
      case 0x74: out.append(0x09)
      case 0x76: out.append(0x0B)
      case 0x78, 0x75, 0x55:
        let length = letter == 0x78 ? 2 : letter == 0x75 ? 4 : 8
        guard var code = hex(body, at: i, length: length) else {
          bad = bad ?? start
          out.append(0x5C)
          out.append(letter)
          continue
        }
        i += length
        if code >= 0xD800 && code < 0xDC00, i + 1 < body.endIndex, body[i] == 0x5C, body[i + 1] == 0x75,
          let low = hex(body, at: i + 2, length: 4), low >= 0xDC00 && low < 0xE000
        {
          code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
          i += 6
        }
        let scalar = Unicode.Scalar(code) ?? "\u{FFFD}"
        out.append(contentsOf: Array(String(Character(scalar)).utf8))
      case 0x30...0x37:
        var code = UInt32(letter - 0x30)
        var digits = 1
        while digits < 3, i < body.endIndex, body[i] >= 0x30 && body[i] <= 0x37, code * 8 + UInt32(body[i] - 0x30) < 256 {
          code = code * 8 + UInt32(body[i] - 0x30)
          digits += 1
          i += 1
        }
        out.append(contentsOf: Array(String(Character(Unicode.Scalar(UInt8(code)))).utf8))
      default:
        bad = bad ?? start
        out.append(0x5C)
        out.append(letter)
      }
    }
    return (String(decoding: out, as: UTF8.self), bad)
  }

  private static func hex(_ body: ArraySlice<UInt8>, at start: Int, length: Int) -> UInt32? {
    guard start + length <= body.endIndex else { return nil }
    var value: UInt32 = 0
    for byte in body[start..<start + length] {
      guard isHexDigit(byte) else { return nil }
      value = value << 4 | UInt32(isDigit(byte) ? byte - 0x30 : (byte | 0x20) - 0x57)
    }
    return value
  }
}
