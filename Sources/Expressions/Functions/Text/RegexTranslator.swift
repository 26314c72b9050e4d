// Role: Kusto's regular expression syntax to RE2's. Unicode \d \s \w, \u and octal escapes, properties, class set operations, verbose mode, repeated
// repetitions and those beyond RE2's limit are rewritten; what RE2 cannot do is refused by name. RE2's \b and \B know ASCII words only, which differs for
// letters beyond ASCII.
// Source: Kusto "Regex syntax"; RE2 "Syntax".

import Columnar

/// The flags of a group that matter to the translation.
struct RegexModes {
  /// `x`: blanks and comments mean nothing.
  var isVerbose = false
  /// `-u`: \w, \d, \s and \b know ASCII only.
  var isASCII = false
  /// `i`: RE2 has it too, but knows nothing of how a computed class came about.
  var ignoresCase = false

  static let asciiSpace = #"\t\n\v\f\r "#

  /// Behind the blank or the comment at `at`; nil where there is none.
  func skipped(_ pattern: [UInt8], _ at: Int) -> Int? {
    guard isVerbose else { return nil }
    if pattern[at] == 0x20 || (9...13).contains(pattern[at]) { return at + 1 }
    guard pattern[at] == UInt8(ascii: "#") else { return nil }
    return pattern[at...].firstIndex(of: 10).map { $0 + 1 } ?? pattern.count
  }
}

struct RegexTranslator {
  private let pattern: [UInt8]
  private let function: String
  private var at = 0
  private var out: [UInt8] = []
  private var modes = RegexModes()
  /// The open groups: the modes that hold again behind them, where they start in `out`, and the groups that capture before them.
  private var groups: [(modes: RegexModes, start: Int, captures: Int)] = []
  /// Where the last item starts in `out`; nil where there is nothing to repeat.
  private var item: Int?
  /// The groups that capture, so far and before the last item.
  private var captures = 0, itemCaptures = 0
  private var isRepeated = false
  /// How often a repetition was repeated.
  private var wraps = 0
  /// A `?` here makes the repetition before it lazy.
  private var mayTurnLazy = false
  /// The last item ends in a word character.
  private var endsInWord = false

  private static let space = #"\t\n\v\f\r \x{85}\p{Z}"#
  /// Alphabetic, marks, decimal digits, connectors and joiners, as `CodePointSet.words`. The ranges are the letters in circles and squares, which are symbols
  /// by their category. Source: Unicode, "PropList.txt", Other_Alphabetic.
  private static let word =
    #"\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\x{200C}\x{200D}\x{24B6}-\x{24E9}\x{1F130}-\x{1F149}\x{1F150}-\x{1F169}\x{1F170}-\x{1F189}"#
  /// RE2 repeats no more often at once.
  private static let mostRepetitions = 1000
  /// Bytes of a translated pattern: repetitions of repetitions multiply. RE2 takes no pattern that comes near.
  private static let mostBytes = 1 << 20

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

  /// An item starts at the end of `out`.
  private mutating func begin(isWord: Bool = false) {
    item = out.count
    itemCaptures = captures
    isRepeated = false
    mayTurnLazy = false
    endsInWord = isWord
  }

  private mutating func run() throws {
    while at < pattern.count {
      let b = pattern[at]
      if let next = modes.skipped(pattern, at) {
        at = next
        mayTurnLazy = false
        continue
      }
      switch b {
      case UInt8(ascii: "\\"): try escape(inClass: false)
      case UInt8(ascii: "["):
        begin()
        try characterClass()
      case UInt8(ascii: "("): try group()
      case UInt8(ascii: ")"): closeGroup()
      case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"): try repetition(b)
      case UInt8(ascii: "|"):
        pass()
        item = nil
        endsInWord = false
      case UInt8(ascii: "{"):
        if let (low, high, end) = counts() { try countedRepetition(low, high, end) } else {
          begin()
          pass()
        }
      case UInt8(ascii: ".") where modes.isASCII: throw invalid("'.' without Unicode would match parts of characters")
      default:
        // The bytes of a character stay together.
        if b & 0xC0 != 0x80 { begin(isWord: Self.isWord(b)) }
        pass()
      }
    }
  }

  private mutating func pass() {
    out.append(pattern[at])
    at += 1
  }

  private static func isWord(_ b: UInt8) -> Bool { (b | 0x20) &- 0x61 < 26 || b &- 0x30 < 10 || b == 0x5F }

  // MARK: - Repetitions

  /// `*`, `+` or `?` at `at`. Of something that is repeated already it is a repetition of that, unless it is the `?` of a lazy one.
  private mutating func repetition(_ sign: UInt8) throws {
    if isRepeated, mayTurnLazy, sign == UInt8(ascii: "?") {
      pass()
      mayTurnLazy = false
      return
    }
    try wrapRepeated()
    pass()
    isRepeated = true
    mayTurnLazy = true
    if sign != UInt8(ascii: "+") { endsInWord = false }
  }

  /// A repeated item becomes one item, since RE2 takes no repetition right behind another.
  private mutating func wrapRepeated() throws {
    guard isRepeated, let item else { return }
    wraps += 1
    guard wraps <= Self.mostRepetitions else { throw invalid("it has more than \(Self.mostRepetitions) repetitions of repetitions") }
    out.insert(contentsOf: Array("(?:".utf8), at: item)
    put(")")
  }

  /// The bounds of `{n}`, `{n,}` (no upper one) or `{n,m}` at `at`, and where it ends; nil for a brace that is none of them.
  private func counts() -> (low: Int, high: Int?, end: Int)? {
    var i = at + 1
    func number() -> Int? {
      let digits = pattern[i...].prefix { (0x30...0x39).contains($0) }
      i = digits.endIndex
      // What no Int holds is too large in any case.
      return digits.isEmpty ? nil : Int(String(decoding: digits, as: UTF8.self)) ?? Int.max
    }
    guard let low = number() else { return nil }
    var high: Int? = low
    if i < pattern.count, pattern[i] == UInt8(ascii: ",") {
      i += 1
      high = number()
    }
    guard i < pattern.count, pattern[i] == UInt8(ascii: "}") else { return nil }
    return (low, high, i + 1)
  }

  private mutating func countedRepetition(_ low: Int, _ high: Int?, _ end: Int) throws {
    try wrapRepeated()
    let most = max(low, high ?? low)
    // RE2 would read larger numbers as plain text.
    guard most <= 100 * Self.mostRepetitions else { throw invalid("it repeats something more than \(100 * Self.mostRepetitions) times") }
    // Groups that capture cannot be written twice.
    if most > Self.mostRepetitions, low <= high ?? low, let item, captures == itemCaptures {
      guard (out.count - item) * (2 + most / Self.mostRepetitions) <= Self.mostBytes else { throw invalid("its repetitions multiply beyond what can be searched") }
      let one = String(decoding: out[item...], as: UTF8.self)
      let isLazy = end < pattern.count && pattern[end] == UInt8(ascii: "?")
      let suffix = isLazy ? "?" : ""
      out.removeSubrange(item...)
      put("(?:")
      pieces(low) { "\(one){\($0)}" }
      if let high { pieces(high - low) { "\(one){0,\($0)}\(suffix)" } } else { put("\(one)*\(suffix)") }
      put(")")
      at = isLazy ? end + 1 : end
      isRepeated = false
    } else {
      put(high == low ? "{\(low)}" : "{\(low),\(high.map { "\($0)" } ?? "")}")
      at = end
      isRepeated = true
      mayTurnLazy = true
    }
    if low == 0 { endsInWord = false }
  }

  /// A count in parts that RE2 takes.
  private mutating func pieces(_ count: Int, _ text: (Int) -> String) {
    var left = count
    while left > 0 {
      put(text(min(left, Self.mostRepetitions)))
      left -= Self.mostRepetitions
    }
  }

  // MARK: - Groups

  private mutating func open(_ text: String, captures isCapturing: Bool = false) {
    groups.append((modes, out.count, captures))
    if isCapturing { captures += 1 }
    put(text)
    item = nil
    isRepeated = false
    endsInWord = false
  }

  private mutating func closeGroup() {
    let group = groups.popLast()
    begin()
    pass()
    guard let group else { return }
    modes = group.modes
    item = group.start
    itemCaptures = group.captures
  }

  /// Whether the pattern goes on with a text.
  private func follows(_ text: String) -> Bool { pattern[at...].starts(with: text.utf8) }

  private mutating func group() throws {
    at += 1
    guard at + 1 < pattern.count, pattern[at] == UInt8(ascii: "?") else { return open("(", captures: true) }
    for (look, name) in [("?=", "look-ahead (?=…)"), ("?!", "look-ahead (?!…)"), ("?<=", "look-behind (?<=…)"), ("?<!", "look-behind (?<!…)"), ("?>", "atomic group (?>…)")]
    where follows(look) { throw refuse(name) }
    if follows("?<") || follows("?P<") {
      guard let end = pattern[at...].firstIndex(of: UInt8(ascii: ">")) else { throw invalid("the name of a group does not end") }
      at += follows("?P") ? 3 : 2
      open("(?P<\(String(decoding: pattern[at...end], as: UTF8.self))", captures: true)
      at = end + 1
      return
    }
    try flags()
  }

  /// At the `?` of `(?flags)` or `(?flags:…)`. i, m, s and U are RE2's; u and x hold here; R is not.
  private mutating func flags() throws {
    at += 1
    var next = modes
    var on = "", off = ""
    var isOff = false
    while at < pattern.count, pattern[at] != UInt8(ascii: ":"), pattern[at] != UInt8(ascii: ")") {
      let flag = pattern[at]
      at += 1
      switch flag {
      case UInt8(ascii: "-"): isOff = true
      case UInt8(ascii: "x"): next.isVerbose = !isOff
      case UInt8(ascii: "u"): next.isASCII = isOff
      case UInt8(ascii: "R"): if !isOff { throw refuse("the flag (?R)") }
      default:
        guard "imsU".utf8.contains(flag) else { throw invalid("'\(Character(UnicodeScalar(flag)))' is no flag") }
        if flag == UInt8(ascii: "i") { next.ignoresCase = !isOff }
        if isOff { off.append(Character(UnicodeScalar(flag))) } else { on.append(Character(UnicodeScalar(flag))) }
      }
    }
    guard at < pattern.count else { throw invalid("a group does not end") }
    let text = on + (off.isEmpty ? "" : "-\(off)")
    if pattern[at] == UInt8(ascii: ":") {
      open("(?\(text):")
    } else {
      if !text.isEmpty { put("(?\(text))") }
      item = nil
      endsInWord = false
    }
    at += 1
    modes = next
  }

  // MARK: - Escapes

  private mutating func escape(inClass: Bool) throws {
    guard at + 1 < pattern.count else { throw invalid("it ends in a backslash") }
    let c = pattern[at + 1]
    let wasWord = endsInWord
    if !inClass { begin(isWord: c == UInt8(ascii: "w") || c == UInt8(ascii: "d")) }
    at += 2
    switch c {
    case UInt8(ascii: "D"), UInt8(ascii: "S"), UInt8(ascii: "W"), UInt8(ascii: "p"), UInt8(ascii: "P"):
      if modes.isASCII { throw invalid("\\\(Character(UnicodeScalar(c))) without Unicode would match parts of characters") }
      switch c {
      case UInt8(ascii: "D"): put(#"\P{Nd}"#)
      case UInt8(ascii: "S"): put("[^\(Self.space)]")
      case UInt8(ascii: "W"): put("[^\(Self.word)]")
      default: try property()
      }
    case UInt8(ascii: "d"): put(modes.isASCII ? "[0-9]" : #"\p{Nd}"#)
    case UInt8(ascii: "s"): put(modes.isASCII ? "[\(RegexModes.asciiSpace)]" : inClass ? Self.space : "[\(Self.space)]")
    case UInt8(ascii: "w"): put(modes.isASCII ? "[0-9A-Za-z_]" : inClass ? Self.word : "[\(Self.word)]")
    case UInt8(ascii: "u"), UInt8(ascii: "U"), UInt8(ascii: "x"): put(Self.escaped(try codePoint(c)))
    case UInt8(ascii: "C"), UInt8(ascii: "E"), UInt8(ascii: "Q"):
      // RE2's own: a byte of a character, and plain text up to \E.
      throw invalid("\\\(Character(UnicodeScalar(c))) is no escape")
    case UInt8(ascii: "<"): try boundary("\\<", holds: wordFollows)
    case UInt8(ascii: ">"): try boundary("\\>", holds: wasWord)
    case UInt8(ascii: "b") where !inClass && at < pattern.count && pattern[at] == UInt8(ascii: "{"):
      guard let end = pattern[at...].firstIndex(of: UInt8(ascii: "}")) else { throw invalid("\\b{ does not end") }
      let name = String(decoding: pattern[at + 1..<end], as: UTF8.self)
      at = end + 1
      try boundary("\\b{\(name)}", holds: name == "start" ? wordFollows : name == "end" ? wasWord : false)
    case UInt8(ascii: "0")...UInt8(ascii: "9"):
      // One digit alone is what others write for a back reference, which a result without one would hide.
      guard let (value, end) = Self.octal(pattern, at - 1), inClass || c == UInt8(ascii: "0") || end > at else {
        throw refuse("the back reference \\\(Character(UnicodeScalar(c)))")
      }
      at = end
      put(Self.escaped(value))
    default:
      out.append(UInt8(ascii: "\\"))
      out.append(c)
    }
  }

  private static func escaped(_ scalar: UInt32) -> String { "\\x{\(String(scalar, radix: 16))}" }

  /// Up to three octal digits and where they end; nil where there is none.
  static func octal(_ pattern: [UInt8], _ at: Int) -> (value: UInt32, end: Int)? {
    let digits = pattern[at...].prefix(3).prefix { (0x30...0x37).contains($0) }
    if digits.isEmpty { return nil }
    return (digits.reduce(0) { $0 * 8 + UInt32($1 - 0x30) }, digits.endIndex)
  }

  /// The start or the end of a word. RE2 has boundaries without a side: such a one where a word character stands at the right side anyway.
  private mutating func boundary(_ name: String, holds: Bool) throws {
    guard holds else { throw refuse("the word boundary \(name) without a character of a word beside it") }
    put("\\b")
  }

  /// Whether what follows starts with a word character.
  private var wordFollows: Bool {
    guard at < pattern.count else { return false }
    var next = at + 1
    if pattern[at] == UInt8(ascii: "\\") {
      guard next < pattern.count, pattern[next] == UInt8(ascii: "w") || pattern[next] == UInt8(ascii: "d") else { return false }
      next += 1
    } else if !Self.isWord(pattern[at]) {
      return false
    }
    return next >= pattern.count || !"*?{".utf8.contains(pattern[next])
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

  private mutating func property() throws {
    let property = try RegexProperty.read(pattern, &at, function: function)
    switch property.kind {
    case .named(let name): put("\\\(property.isNegated ? "P" : "p"){\(name)}")
    case .set: put(try property.set(function: function).text)
    }
  }

  // MARK: - Classes

  /// At `[`: passes a plain class through; one with nested classes, set operations, \W, \S, properties that RE2 does not have, or a class beside the hyphen
  /// of a range is computed.
  private mutating func characterClass() throws {
    let start = at
    if modes.isVerbose || modes.isASCII { return try computedClass() }
    var depth = 0
    var i = at
    while i < pattern.count {
      let b = pattern[i]
      if b == UInt8(ascii: "\\") {
        if i + 1 < pattern.count {
          let c = pattern[i + 1]
          if c == UInt8(ascii: "W") || c == UInt8(ascii: "S") { return try computedClass() }
          var behind = i + 2
          if c | 0x20 == UInt8(ascii: "p"), case .set = try RegexProperty.read(pattern, &behind, function: function).kind { return try computedClass() }
          if "dDswpP".utf8.contains(c), isHyphen(i - 1, in: start) || isHyphen(behind, in: start) { return try computedClass() }
          i = behind
        } else {
          i += 2
        }
        continue
      }
      if b == UInt8(ascii: "[") {
        if i > start, i + 1 < pattern.count, pattern[i + 1] == UInt8(ascii: ":"), let end = posixEnd(i) {
          i = end
          continue
        }
        depth += 1
        if i > start { return try computedClass() }
        // A bracket right behind the opening stands for itself.
        var next = i + 1
        if next < pattern.count, pattern[next] == UInt8(ascii: "^") { next += 1 }
        if next < pattern.count, pattern[next] == UInt8(ascii: "]") { i = next }
      } else if b == UInt8(ascii: "]") {
        depth -= 1
        if depth == 0 { break }
      } else if i + 1 < pattern.count, pattern[i + 1] == b, [UInt8(ascii: "&"), UInt8(ascii: "-"), UInt8(ascii: "~")].contains(b) {
        return try computedClass()
      }
      i += 1
    }
    guard depth == 0, i < pattern.count else { throw invalid("a class does not end") }
    while at < i {
      if pattern[at] == UInt8(ascii: "\\") { try escape(inClass: true) } else { pass() }
    }
    out.append(UInt8(ascii: "]"))
    at = i + 1
  }

  /// Whether a hyphen stands at `i` that is neither the first nor the last of the class at `start`.
  private func isHyphen(_ i: Int, in start: Int) -> Bool {
    guard i + 1 < pattern.count, pattern[i] == UInt8(ascii: "-"), pattern[i + 1] != UInt8(ascii: "]") else { return false }
    return i - 1 > start && !(i - 2 == start && pattern[i - 1] == UInt8(ascii: "^"))
  }

  private mutating func computedClass() throws {
    var parser = RegexClassParser(pattern: pattern, at: at, modes: modes, function: function)
    put(try parser.parse().text)
    at = parser.at
  }

  private func posixEnd(_ i: Int) -> Int? {
    var k = i + 2
    while k + 1 < pattern.count, pattern[k] | 0x20 >= 0x61 && pattern[k] | 0x20 <= 0x7A || pattern[k] == UInt8(ascii: "^") { k += 1 }
    return k + 1 < pattern.count && pattern[k] == UInt8(ascii: ":") && pattern[k + 1] == UInt8(ascii: "]") ? k + 2 : nil
  }
}
