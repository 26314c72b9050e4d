// Role: character classes with nested classes, the set operations && -- ~~ and properties beyond RE2's, computed as ranges of code points.

import Columnar

/// A set of code points as ascending ranges that do not touch.
struct CodePointSet {
  private(set) var ranges: [ClosedRange<UInt32>]

  init(_ ranges: [ClosedRange<UInt32>] = []) {
    var out: [ClosedRange<UInt32>] = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = out.last, range.lowerBound <= last.upperBound || range.lowerBound == last.upperBound + 1 {
        out[out.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        out.append(range)
      }
    }
    self.ranges = out
  }

  func union(_ other: CodePointSet) -> CodePointSet { CodePointSet(ranges + other.ranges) }

  var complement: CodePointSet {
    var out: [ClosedRange<UInt32>] = []
    var next: UInt32 = 0
    for range in ranges {
      if range.lowerBound > next { out.append(next...range.lowerBound - 1) }
      next = range.upperBound + 1
    }
    if next <= 0x10FFFF { out.append(next...0x10FFFF) }
    return CodePointSet(out)
  }

  func intersection(_ other: CodePointSet) -> CodePointSet { complement.union(other.complement).complement }
  func subtracting(_ other: CodePointSet) -> CodePointSet { intersection(other.complement) }
  func symmetricDifference(_ other: CodePointSet) -> CodePointSet { subtracting(other).union(other.subtracting(self)) }

  /// As a RE2 class; the empty set matches nothing.
  var text: String {
    if ranges.isEmpty { return #"[^\x{0}-\x{10FFFF}]"# }
    return "[" + ranges.map { "\\x{\(String($0.lowerBound, radix: 16))}-\\x{\(String($0.upperBound, radix: 16))}" }.joined() + "]"
  }

  /// All scalars a test holds for.
  static func scanning(_ test: (Unicode.Scalar) -> Bool) -> CodePointSet {
    var out: [ClosedRange<UInt32>] = []
    var start: UInt32?
    for value: UInt32 in 0...0x110000 {
      let holds = Unicode.Scalar(value).map(test) ?? false
      if holds, start == nil { start = value }
      if !holds, let first = start {
        out.append(first...value - 1)
        start = nil
      }
    }
    return CodePointSet(out)
  }

  static let digits = scanning { $0.properties.generalCategory == .decimalNumber }
  static let spaces = scanning { $0.properties.isWhitespace }
  static let words = scanning { scalar in
    switch scalar.properties.generalCategory {
    case .decimalNumber, .connectorPunctuation, .nonspacingMark, .spacingMark, .enclosingMark: true
    default: scalar.properties.isAlphabetic || scalar.properties.isJoinControl
    }
  }

  /// `[:name:]` classes, ASCII only.
  static func posix(_ name: String) -> CodePointSet? {
    func set(_ text: String) -> CodePointSet {
      let s = Array(text.unicodeScalars).map(\.value)
      return CodePointSet(stride(from: 0, to: s.count, by: 2).map { s[$0]...s[$0 + 1] })
    }
    return switch name {
    case "alnum": set("09AZaz")
    case "alpha": set("AZaz")
    case "ascii": CodePointSet([0...0x7F])
    case "blank": set("\t\t  ")
    case "cntrl": CodePointSet([0...0x1F, 0x7F...0x7F])
    case "digit": set("09")
    case "graph": set("!~")
    case "lower": set("az")
    case "print": set(" ~")
    case "punct": set("!/:@[`{~")
    case "space": set("\t\r  ")
    case "upper": set("AZ")
    case "word": set("09AZaz__")
    case "xdigit": set("09AFaf")
    default: nil
    }
  }
}

extension CodePointSet {
  /// The code points that have others beside them when case does not count, ascending, each with all of its class. Source: Unicode, "CaseFolding.txt",
  /// simple case folding.
  private static let caseClasses: [(value: UInt32, others: [UInt32])] = {
    func single(_ text: String) -> Unicode.Scalar? { text.unicodeScalars.count == 1 ? text.unicodeScalars.first : nil }
    var classes: [UInt32: [UInt32]] = [:]
    var keys: [(value: UInt32, key: UInt32)] = []
    for value: UInt32 in 0..<0x20000 {
      // The dotless i is an i to Turkish alone.
      guard let scalar = Unicode.Scalar(value), scalar.properties.changesWhenCaseMapped, value != 0x131 else { continue }
      let upper = single(scalar.properties.uppercaseMapping) ?? scalar
      let key = (single(upper.properties.lowercaseMapping) ?? upper).value
      classes[key, default: []].append(value)
      keys.append((value, key))
    }
    return keys.compactMap { value, key in classes[key].flatMap { $0.count > 1 ? (value, $0) : nil } }
  }()

  /// The set with all that is the same when case does not count.
  var foldingCase: CodePointSet {
    var more: [ClosedRange<UInt32>] = []
    var i = 0
    for (value, others) in Self.caseClasses {
      while i < ranges.count, ranges[i].upperBound < value { i += 1 }
      if i == ranges.count { break }
      if ranges[i].contains(value) { more += others.map { $0...$0 } }
    }
    return more.isEmpty ? self : CodePointSet(ranges + more)
  }
}

/// Gathers ranges to a set, and brings them in order now and then.
private struct CodePointCollector {
  private var ranges: [ClosedRange<UInt32>] = []
  private var limit = 1 << 14

  mutating func add(_ more: CodePointSet) {
    ranges += more.ranges
    guard ranges.count > limit else { return }
    ranges = CodePointSet(ranges).ranges
    limit = max(limit, 2 * ranges.count)
  }

  var gathered: CodePointSet { CodePointSet(ranges) }
}

/// Reads one bracketed class into a set.
struct RegexClassParser {
  private let pattern: [UInt8]
  private(set) var at: Int
  private let modes: RegexModes
  private let function: String
  private var depth = 0
  /// Set operations of one class, as Rust nests them.
  private static let mostOperations = 250

  init(pattern: [UInt8], at: Int, modes: RegexModes, function: String) {
    self.pattern = pattern
    self.at = at
    self.modes = modes
    self.function = function
  }

  private func fail(_ what: String) -> ExpressionError {
    .invalidArgument(function: function, message: "the regular expression '\(String(decoding: pattern, as: UTF8.self))' is not valid: \(what)")
  }

  /// At `[`; stops behind the matching `]`.
  mutating func parse() throws -> CodePointSet {
    depth += 1
    defer { depth -= 1 }
    guard depth < 50 else { throw fail("classes are nested too deeply") }
    at = skipped(from: at + 1)
    var isNegated = false
    if at < pattern.count, pattern[at] == UInt8(ascii: "^") {
      if modes.isASCII { throw fail("a negated class without Unicode would match parts of characters") }
      isNegated = true
      at = skipped(from: at + 1)
    }
    var result = CodePointSet()
    var operation: UInt8 = 0
    var operations = 0
    var current = CodePointCollector()
    var isFirst = true
    let ignoresCase = modes.ignoresCase
    func combined() -> CodePointSet {
      let operand = ignoresCase ? current.gathered.foldingCase : current.gathered
      return switch operation {
      case UInt8(ascii: "&"): result.intersection(operand)
      case UInt8(ascii: "-"): result.subtracting(operand)
      case UInt8(ascii: "~"): result.symmetricDifference(operand)
      default: operand
      }
    }
    // Hyphens right behind the opening stand for themselves.
    while at < pattern.count, pattern[at] == UInt8(ascii: "-") {
      current.add(CodePointSet([0x2D...0x2D]))
      isFirst = false
      at = skipped(from: at + 1)
    }
    while at < pattern.count {
      if let next = modes.skipped(pattern, at) {
        at = next
        continue
      }
      let b = pattern[at]
      if b == UInt8(ascii: "]"), !isFirst {
        at += 1
        result = combined()
        return isNegated ? result.complement : result
      }
      isFirst = false
      if at + 1 < pattern.count, pattern[at + 1] == b, [UInt8(ascii: "&"), UInt8(ascii: "-"), UInt8(ascii: "~")].contains(b) {
        operations += 1
        guard operations <= Self.mostOperations else { throw fail("a class has more than \(Self.mostOperations) set operations") }
        result = combined()
        current = CodePointCollector()
        operation = b
        at += 2
        continue
      }
      current.add(try item())
    }
    throw fail("a class does not end")
  }

  private mutating func item() throws -> CodePointSet {
    if pattern[at] == UInt8(ascii: "[") {
      guard at + 1 < pattern.count, pattern[at + 1] == UInt8(ascii: ":") else { return try parse() }
      var name = ""
      at += 2
      while at < pattern.count, pattern[at] != UInt8(ascii: ":") { name.append(Character(UnicodeScalar(pattern[at]))); at += 1 }
      at += 2
      let isNegated = name.hasPrefix("^")
      guard let set = CodePointSet.posix(isNegated ? String(name.dropFirst()) : name) else { throw fail("unknown class [:\(name):]") }
      return isNegated ? set.complement : set
    }
    if let set = try classEscape() {
      if passHyphen() { throw fail("a range in a class starts with a class; a hyphen is written \\-") }
      return set
    }
    let low = try scalar()
    guard passHyphen() else { return CodePointSet([low...low]) }
    if try classEscape() != nil { throw fail("a range in a class ends with a class; a hyphen is written \\-") }
    let high = try scalar()
    guard low <= high else { throw fail("a range in a class runs backwards") }
    return CodePointSet([low...high])
  }

  /// Behind the blanks and comments at a place.
  private func skipped(from place: Int) -> Int {
    var place = place
    while place < pattern.count, let next = modes.skipped(pattern, place) { place = next }
    return place
  }

  /// Stops at the end of a range, behind its hyphen; false where no range goes on.
  private mutating func passHyphen() -> Bool {
    let hyphen = skipped(from: at)
    guard hyphen < pattern.count, pattern[hyphen] == UInt8(ascii: "-") else { return false }
    let end = skipped(from: hyphen + 1)
    guard end < pattern.count, pattern[end] != UInt8(ascii: "]"), pattern[end] != UInt8(ascii: "-") else { return false }
    at = end
    return true
  }

  /// \d, \s, \w, \p and their negations; nil where another item stands.
  private mutating func classEscape() throws -> CodePointSet? {
    guard pattern[at] == UInt8(ascii: "\\"), at + 1 < pattern.count else { return nil }
    let c = pattern[at + 1]
    if c | 0x20 == UInt8(ascii: "p") {
      if modes.isASCII { throw fail("a property needs Unicode") }
      at += 2
      return try RegexProperty.read(pattern, &at, function: function).set(function: function)
    }
    guard let set = named(c | 0x20) else { return nil }
    let isNegated = c & 0x20 == 0
    if modes.isASCII, isNegated { throw fail("\\\(Character(UnicodeScalar(c))) without Unicode would match parts of characters") }
    at += 2
    return isNegated ? set.complement : set
  }

  /// What \d, \s and \w stand for.
  private func named(_ letter: UInt8) -> CodePointSet? {
    switch letter {
    case UInt8(ascii: "d"): modes.isASCII ? CodePointSet.posix("digit") : CodePointSet.digits
    case UInt8(ascii: "s"): modes.isASCII ? CodePointSet.posix("space") : CodePointSet.spaces
    case UInt8(ascii: "w"): modes.isASCII ? CodePointSet.posix("word") : CodePointSet.words
    default: nil
    }
  }

  // SAFETY: `at` is below pattern.count (checked above), and the bytes live for the call.
  private mutating func scalar() throws -> UInt32 {
    guard at < pattern.count else { throw fail("a class does not end") }
    if pattern[at] == UInt8(ascii: "\\") {
      guard at + 1 < pattern.count else { throw fail("it ends in a backslash") }
      let c = pattern[at + 1]
      at += 2
      switch c {
      case UInt8(ascii: "n"): return 10
      case UInt8(ascii: "t"): return 9
      case UInt8(ascii: "r"): return 13
      case UInt8(ascii: "f"): return 12
      case UInt8(ascii: "v"): return 11
      case UInt8(ascii: "a"): return 7
      case UInt8(ascii: "x"), UInt8(ascii: "u"), UInt8(ascii: "U"):
        var digits: [UInt8] = []
        if at < pattern.count, pattern[at] == UInt8(ascii: "{") {
          at += 1
          while at < pattern.count, pattern[at] != UInt8(ascii: "}") { digits.append(pattern[at]); at += 1 }
          at += 1
        } else {
          let n = min(c == UInt8(ascii: "x") ? 2 : c == UInt8(ascii: "u") ? 4 : 8, pattern.count - at)
          digits = Array(pattern[at..<at + n])
          at += n
        }
        guard let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16), Unicode.Scalar(value) != nil else { throw fail("a bad code point") }
        return value
      case UInt8(ascii: "0")...UInt8(ascii: "7"):
        guard let (value, end) = RegexTranslator.octal(pattern, at - 1) else { return UInt32(c) }
        at = end
        return value
      default:
        let isLetterOrDigit = (c | 0x20) &- 0x61 < 26 || c &- 0x30 < 10
        guard c < 0x80, !isLetterOrDigit, c != UInt8(ascii: "<"), c != UInt8(ascii: ">") else { throw fail("an escape in a class means nothing") }
        return UInt32(c)
      }
    }
    let decoded = unsafe pattern.withUnsafeBufferPointer { unsafe decodedScalar($0, at) }
    let b = pattern[at]
    at += b >= 0xF0 ? 4 : b >= 0xE0 ? 3 : b >= 0xC0 ? 2 : 1
    return decoded.value
  }
}
