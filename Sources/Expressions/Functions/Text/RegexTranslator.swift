// Role: Kusto's regular expression syntax to RE2's. Unicode \d \s \w, \u escapes, long property names and class set operations are rewritten;
// what RE2 cannot do is refused by name. RE2's \b and \B know ASCII words only, which differs for letters beyond ASCII.
// Source: Kusto "Regex syntax"; RE2 "Syntax".

import Columnar

struct RegexTranslator {
  private let pattern: [UInt8]
  private let function: String
  private var at = 0
  private var out: [UInt8] = []

  private static let space = #"\t\n\v\f\r \x{85}\p{Z}"#
  private static let word = #"\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\x{200C}\x{200D}"#
  private static let properties: [String: String] = [
    "Letter": "L", "Uppercase_Letter": "Lu", "Lowercase_Letter": "Ll", "Titlecase_Letter": "Lt", "Modifier_Letter": "Lm", "Other_Letter": "Lo",
    "Uppercase": "Lu", "Lowercase": "Ll", "Alphabetic": "L", "alpha": "L", "Number": "N", "Decimal_Number": "Nd", "digit": "Nd", "Mark": "M",
    "Letter_Number": "Nl", "Other_Number": "No", "Punctuation": "P", "punct": "P", "Symbol": "S", "Separator": "Z", "Space_Separator": "Zs",
    "Other": "C", "Control": "Cc", "Format": "Cf", "White_Space": "Z", "Connector_Punctuation": "Pc", "Dash_Punctuation": "Pd",
    "Currency_Symbol": "Sc", "Math_Symbol": "Sm",
  ]

  /// The RE2 pattern; throws `ExpressionError`.
  static func translate(_ pattern: String, function: String) throws -> String {
    var translator = RegexTranslator(pattern: Array(pattern.utf8), function: function)
    try translator.run()
    return String(decoding: translator.out, as: UTF8.self)
  }

  private init(pattern: [UInt8], function: String) {
    self.pattern = pattern
    self.function = function
  }

  private mutating func put(_ text: String) { out += Array(text.utf8) }

  private func refuse(_ what: String) -> ExpressionError { .notSupported("\(what) in the regular expression of \(function)") }

  private func invalid(_ what: String) -> ExpressionError {
    .invalidArgument(function: function, message: "the regular expression '\(String(decoding: pattern, as: UTF8.self))' is not valid: \(what)")
  }

  private mutating func run() throws {
    while at < pattern.count {
      let b = pattern[at]
      switch b {
      case UInt8(ascii: "\\"): try escape(inClass: false)
      case UInt8(ascii: "["): try characterClass()
      case UInt8(ascii: "("): try group()
      default:
        out.append(b)
        at += 1
      }
    }
  }

  private mutating func group() throws {
    out.append(pattern[at])
    at += 1
    guard at + 1 < pattern.count, pattern[at] == UInt8(ascii: "?") else { return }
    let rest = String(decoding: pattern[at...], as: UTF8.self)
    for (look, name) in [("?=", "look-ahead (?=…)"), ("?!", "look-ahead (?!…)"), ("?<=", "look-behind (?<=…)"), ("?<!", "look-behind (?<!…)"), ("?>", "atomic group (?>…)")]
    where rest.hasPrefix(look) { throw refuse(name) }
    if rest.hasPrefix("?<") {
      put("?P<")
      at += 2
      return
    }
    if rest.hasPrefix("?P") || rest.hasPrefix("?:") { return }
    // Flags: i, m, s, U are RE2's; u is the default; x, R and turning u off are not.
    out.append(pattern[at])
    at += 1
    var isOff = false
    while at < pattern.count, pattern[at] != UInt8(ascii: ":"), pattern[at] != UInt8(ascii: ")") {
      switch pattern[at] {
      case UInt8(ascii: "x"): throw refuse("the verbose flag (?x)")
      case UInt8(ascii: "R"): throw refuse("the flag (?R)")
      case UInt8(ascii: "u"): if isOff { throw refuse("turning Unicode off, (?-u)") }
      case UInt8(ascii: "-"):
        isOff = true
        out.append(pattern[at])
      default: out.append(pattern[at])
      }
      at += 1
    }
    if out.last == UInt8(ascii: "?"), at < pattern.count, pattern[at] == UInt8(ascii: ")") { throw refuse("the flag (?u) alone") }
  }

  private mutating func escape(inClass: Bool) throws {
    guard at + 1 < pattern.count else { throw invalid("it ends in a backslash") }
    let c = pattern[at + 1]
    at += 2
    switch c {
    case UInt8(ascii: "d"): put(#"\p{Nd}"#)
    case UInt8(ascii: "D"): put(#"\P{Nd}"#)
    case UInt8(ascii: "s"): put(inClass ? Self.space : "[\(Self.space)]")
    case UInt8(ascii: "S"): put("[^\(Self.space)]")
    case UInt8(ascii: "w"): put(inClass ? Self.word : "[\(Self.word)]")
    case UInt8(ascii: "W"): put("[^\(Self.word)]")
    case UInt8(ascii: "u"), UInt8(ascii: "U"), UInt8(ascii: "x"):
      let scalar = try codePoint(c)
      put("\\x{\(String(scalar, radix: 16))}")
    case UInt8(ascii: "p"), UInt8(ascii: "P"): try property(c)
    case UInt8(ascii: "<"), UInt8(ascii: ">"): throw refuse("the word boundary \\\(Character(UnicodeScalar(c)))")
    case UInt8(ascii: "b") where at < pattern.count && pattern[at] == UInt8(ascii: "{"): throw refuse("the word boundary \\b{…}")
    case UInt8(ascii: "1")...UInt8(ascii: "9"): throw refuse("the back reference \\\(Character(UnicodeScalar(c)))")
    default:
      out.append(UInt8(ascii: "\\"))
      out.append(c)
    }
  }

  private mutating func codePoint(_ kind: UInt8) throws -> UInt32 {
    var digits: [UInt8] = []
    if at < pattern.count, pattern[at] == UInt8(ascii: "{") {
      at += 1
      while at < pattern.count, pattern[at] != UInt8(ascii: "}") { digits.append(pattern[at]); at += 1 }
      at += 1
    } else {
      let n = kind == UInt8(ascii: "x") ? 2 : kind == UInt8(ascii: "u") ? 4 : 8
      guard at + n <= pattern.count else { throw invalid("an escape is cut short") }
      digits = Array(pattern[at..<at + n])
      at += n
    }
    guard let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16), Unicode.Scalar(value) != nil else {
      throw invalid("'\(String(decoding: digits, as: UTF8.self))' is no code point")
    }
    return value
  }

  private mutating func property(_ c: UInt8) throws {
    guard at < pattern.count else { throw invalid("\\\(Character(UnicodeScalar(c))) without a class") }
    out += [UInt8(ascii: "\\"), c]
    guard pattern[at] == UInt8(ascii: "{") else { return }
    var name = ""
    at += 1
    while at < pattern.count, pattern[at] != UInt8(ascii: "}") { name.append(Character(UnicodeScalar(pattern[at]))); at += 1 }
    at += 1
    put("{\(Self.properties[name] ?? name)}")
  }

  // MARK: - Classes

  /// At `[`: passes a plain class through; one with nested classes, set operations, \W or \S is computed.
  private mutating func characterClass() throws {
    let start = at
    var depth = 0
    var i = at
    var isPlain = true
    while i < pattern.count {
      let b = pattern[i]
      if b == UInt8(ascii: "\\") {
        if i + 1 < pattern.count, pattern[i + 1] == UInt8(ascii: "W") || pattern[i + 1] == UInt8(ascii: "S") { isPlain = false }
        i += 2
        continue
      }
      if b == UInt8(ascii: "[") {
        if i > start, i + 1 < pattern.count, pattern[i + 1] == UInt8(ascii: ":"), let end = posixEnd(i) {
          i = end
          continue
        }
        depth += 1
        if i > start { isPlain = false }
        // A bracket right behind the opening stands for itself.
        var next = i + 1
        if next < pattern.count, pattern[next] == UInt8(ascii: "^") { next += 1 }
        if next < pattern.count, pattern[next] == UInt8(ascii: "]") { i = next }
      } else if b == UInt8(ascii: "]") {
        depth -= 1
        if depth == 0 { break }
      } else if i + 1 < pattern.count, pattern[i + 1] == b, [UInt8(ascii: "&"), UInt8(ascii: "-"), UInt8(ascii: "~")].contains(b) {
        isPlain = false
      }
      i += 1
    }
    guard depth == 0, i < pattern.count else { throw invalid("a class does not end") }
    if !isPlain {
      var parser = RegexClassParser(pattern: pattern, at: start, function: function)
      put(try parser.parse().text)
      at = parser.at
      return
    }
    while at < i {
      if pattern[at] == UInt8(ascii: "\\") { try escape(inClass: true) } else {
        out.append(pattern[at])
        at += 1
      }
    }
    out.append(UInt8(ascii: "]"))
    at = i + 1
  }

  private func posixEnd(_ i: Int) -> Int? {
    var k = i + 2
    while k + 1 < pattern.count, pattern[k] | 0x20 >= 0x61 && pattern[k] | 0x20 <= 0x7A || pattern[k] == UInt8(ascii: "^") { k += 1 }
    return k + 1 < pattern.count && pattern[k] == UInt8(ascii: ":") && pattern[k + 1] == UInt8(ascii: "]") ? k + 2 : nil
  }
}
