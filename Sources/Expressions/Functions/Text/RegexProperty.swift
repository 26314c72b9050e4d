// Role: Unicode properties in regular expressions, `\p{…}`: what RE2 knows under a name of its own stays a name, the others become sets of code points.
// Source: Kusto "Regex syntax"; UTS #18, "Properties"; RE2 "Syntax".

import Columnar
import Synchronization

/// A property as a pattern names it.
struct RegexProperty {
  enum Kind {
    /// General categories and scripts that RE2 knows, by its names.
    case named(String)
    case set(CodePointSet)
  }

  var kind: Kind
  /// `\P`, or a `\p` that says so itself: `\p{^Greek}`, `\p{Script!=Greek}`.
  var isNegated: Bool

  /// Reads the property behind `\p` or `\P`, the byte before `at`; stops behind it. Throws `ExpressionError`.
  static func read(_ pattern: [UInt8], _ at: inout Int, function: String) throws -> RegexProperty {
    let letter = Character(UnicodeScalar(pattern[at - 1]))
    func invalid(_ what: String) -> ExpressionError {
      .invalidArgument(function: function, message: "the regular expression '\(String(decoding: pattern, as: UTF8.self))' is not valid: \(what)")
    }
    guard at < pattern.count else { throw invalid("\\\(letter) without a class") }
    var text: String
    if pattern[at] == UInt8(ascii: "{") {
      guard let end = pattern[at...].firstIndex(of: UInt8(ascii: "}")) else { throw invalid("\\\(letter){ does not end") }
      text = String(decoding: pattern[at + 1..<end], as: UTF8.self)
      at = end + 1
    } else {
      text = String(decoding: pattern[at...at], as: UTF8.self)
      at += 1
    }
    var isNegated = letter == "P"
    if text.hasPrefix("^") {
      isNegated.toggle()
      text.removeFirst()
    }
    var key: String?
    if let sign = text.firstIndex(where: { $0 == "=" || $0 == ":" }) {
      var name = text[..<sign]
      if name.hasSuffix("!") {
        isNegated.toggle()
        name = name.dropLast()
      }
      key = plain(String(name))
      text = String(text[text.index(after: sign)...])
    }
    return RegexProperty(kind: try resolved(key, text, function), isNegated: isNegated)
  }

  /// The code points it stands for.
  func set(function: String) throws -> CodePointSet {
    let found: CodePointSet
    switch kind {
    case .set(let set): found = set
    case .named(let name): found = try Self.known(name) { try CodePointSet.matching("\\p{\(name)}", function: function) }
    }
    return isNegated ? found.complement : found
  }

  private static func resolved(_ key: String?, _ value: String, _ function: String) throws -> Kind {
    let name = plain(value)
    switch key {
    case nil:
      if let category = categories[name] { return .named(category) }
      if let set = computed(name) { return .set(set) }
      if name.hasPrefix("is"), let category = categories[String(name.dropFirst(2))] { return .named(category) }
      return .named(script(value))
    case "gc"?, "generalcategory"?:
      if let category = categories[name] { return .named(category) }
      if let set = computed(name) { return .set(set) }
      throw ExpressionError.invalidArgument(function: function, message: "'\(value)' in a regular expression is no general category")
    case "sc"?, "script"?: return .named(script(value))
    case let other?: throw ExpressionError.notSupported("the property '\(other)' in the regular expression of \(function)")
    }
  }

  /// Names differ in nothing but case, blanks, `-` and `_`.
  private static func plain(_ name: String) -> String { name.lowercased().filter { $0 != " " && $0 != "_" && $0 != "-" } }

  /// Scripts as RE2 writes them: `Old_Italic`.
  private static func script(_ name: String) -> String {
    if let odd = ["nko": "Nko", "phagspa": "Phags_Pa", "signwriting": "SignWriting"][plain(name)] { return odd }
    return name.split(whereSeparator: { $0 == "_" || $0 == " " || $0 == "-" }).map { $0.prefix(1).uppercased() + $0.dropFirst().lowercased() }.joined(separator: "_")
  }

  private static let sets = Mutex<[String: CodePointSet]>([:])

  /// A set that is worked out once.
  private static func known(_ name: String, _ make: () throws -> CodePointSet) rethrows -> CodePointSet {
    if let found = sets.withLock({ $0[name] }) { return found }
    let made = try make()
    sets.withLock { $0[name] = made }
    return made
  }

  /// Properties that RE2 does not have.
  private static func computed(_ name: String) -> CodePointSet? {
    if name == "ascii" { return CodePointSet([0...0x7F]) }
    guard let test = tests[name] else { return nil }
    return known(name) { CodePointSet.scanning { test($0.properties) } }
  }

  private static let tests: [String: @Sendable (Unicode.Scalar.Properties) -> Bool] = [
    "alphabetic": { $0.isAlphabetic }, "alpha": { $0.isAlphabetic }, "uppercase": { $0.isUppercase }, "upper": { $0.isUppercase },
    "lowercase": { $0.isLowercase }, "lower": { $0.isLowercase }, "whitespace": { $0.isWhitespace }, "space": { $0.isWhitespace },
    "emoji": { $0.isEmoji }, "emojipresentation": { $0.isEmojiPresentation }, "emojimodifier": { $0.isEmojiModifier },
    "emojimodifierbase": { $0.isEmojiModifierBase }, "cased": { $0.isCased }, "caseignorable": { $0.isCaseIgnorable }, "dash": { $0.isDash },
    "diacritic": { $0.isDiacritic }, "extender": { $0.isExtender }, "math": { $0.isMath }, "ideographic": { $0.isIdeographic },
    "hexdigit": { $0.isHexDigit }, "asciihexdigit": { $0.isASCIIHexDigit }, "joincontrol": { $0.isJoinControl },
    "idstart": { $0.isIDStart }, "idcontinue": { $0.isIDContinue }, "xidstart": { $0.isXIDStart }, "xidcontinue": { $0.isXIDContinue },
    "quotationmark": { $0.isQuotationMark }, "radical": { $0.isRadical }, "unifiedideograph": { $0.isUnifiedIdeograph },
    "variationselector": { $0.isVariationSelector }, "noncharactercodepoint": { $0.isNoncharacterCodePoint },
    "defaultignorablecodepoint": { $0.isDefaultIgnorableCodePoint },
    "assigned": { $0.generalCategory != .unassigned }, "cn": { $0.generalCategory == .unassigned }, "unassigned": { $0.generalCategory == .unassigned },
    "lc": { isCasedLetter($0.generalCategory) }, "casedletter": { isCasedLetter($0.generalCategory) },
  ]

  /// General categories by all of their names.
  private static let categories: [String: String] = [
    "any": "Any",
    "l": "L", "letter": "L", "lu": "Lu", "uppercaseletter": "Lu", "ll": "Ll", "lowercaseletter": "Ll", "lt": "Lt", "titlecaseletter": "Lt",
    "lm": "Lm", "modifierletter": "Lm", "lo": "Lo", "otherletter": "Lo",
    "m": "M", "mark": "M", "combiningmark": "M", "mn": "Mn", "nonspacingmark": "Mn", "mc": "Mc", "spacingmark": "Mc", "me": "Me", "enclosingmark": "Me",
    "n": "N", "number": "N", "nd": "Nd", "decimalnumber": "Nd", "digit": "Nd", "nl": "Nl", "letternumber": "Nl", "no": "No", "othernumber": "No",
    "p": "P", "punctuation": "P", "punct": "P", "pc": "Pc", "connectorpunctuation": "Pc", "pd": "Pd", "dashpunctuation": "Pd",
    "ps": "Ps", "openpunctuation": "Ps", "pe": "Pe", "closepunctuation": "Pe", "pi": "Pi", "initialpunctuation": "Pi",
    "pf": "Pf", "finalpunctuation": "Pf", "po": "Po", "otherpunctuation": "Po",
    "s": "S", "symbol": "S", "sm": "Sm", "mathsymbol": "Sm", "sc": "Sc", "currencysymbol": "Sc", "sk": "Sk", "modifiersymbol": "Sk",
    "so": "So", "othersymbol": "So",
    "z": "Z", "separator": "Z", "zs": "Zs", "spaceseparator": "Zs", "zl": "Zl", "lineseparator": "Zl", "zp": "Zp", "paragraphseparator": "Zp",
    "c": "C", "other": "C", "cc": "Cc", "control": "Cc", "cntrl": "Cc", "cf": "Cf", "format": "Cf", "co": "Co", "privateuse": "Co", "cs": "Cs", "surrogate": "Cs",
  ]
}

private func isCasedLetter(_ category: Unicode.GeneralCategory) -> Bool {
  category == .uppercaseLetter || category == .lowercaseLetter || category == .titlecaseLetter
}

extension CodePointSet {
  /// The code points that a class of RE2 matches, found by matching them all.
  // SAFETY: the text is alive for the call.
  static func matching(_ pattern: String, function: String) throws -> CodePointSet {
    let regex = try Regex("\(pattern)+", function: function)
    var all = String.UnicodeScalarView()
    for value: UInt32 in 0...0x10FFFF { if let scalar = Unicode.Scalar(value) { all.append(scalar) } }
    let text = Array(String(all).utf8)
    var ranges: [ClosedRange<UInt32>] = []
    unsafe text.withUnsafeBufferPointer { bytes in
      unsafe regex.eachMatch(bytes, groups: 1) { found in
        guard let run = found[0], !run.isEmpty else { return }
        ranges.append(codePoint(atByte: run.lowerBound)...codePoint(atByte: run.upperBound - 1))
      }
    }
    return CodePointSet(ranges)
  }

  /// Where the first code points of two, three and four bytes stand in the text of all code points.
  private static let byteOffset2 = 0x80, byteOffset3 = 0x80 + 2 * 0x780, byteOffset4 = 0x80 + 2 * 0x780 + 3 * 0xF000

  private static func codePoint(atByte i: Int) -> UInt32 {
    if i < byteOffset2 { return UInt32(i) }
    if i < byteOffset3 { return UInt32(0x80 + (i - byteOffset2) / 2) }
    if i >= byteOffset4 { return UInt32(0x10000 + (i - byteOffset4) / 4) }
    let value = UInt32(0x800 + (i - byteOffset3) / 3)
    // Surrogates are no text.
    return value < 0xD800 ? value : value + 0x800
  }
}
