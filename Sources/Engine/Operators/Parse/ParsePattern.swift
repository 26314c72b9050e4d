// Role: the patterns of parse: texts, typed columns and stars, matched from left to right, or as one regular expression.
// Source: Kusto language reference, "parse operator".

import Columnar
import Expressions

/// A part of a pattern.
package enum ParsePart: Sendable, Hashable {
  case text(String)
  case column(TextExtractOperator.Column)
  /// Anything, up to what follows.
  case star
}

/// How texts of a pattern are read and what a column that does not convert means.
package enum ParseKind: Sendable, Hashable {
  /// Texts stand for themselves; every column must convert.
  case simple
  /// Texts are regular expressions under these flags; every column must convert.
  case regex(flags: String)
  /// Texts stand for themselves; columns that do not convert are null.
  case relaxed
}

extension TextExtractOperator {
  /// `parse` and, dropping rows that do not match, `parse-where`. Throws `ExpressionError` for a regular expression that is not valid.
  package static func parse(_ source: String, _ pattern: [ParsePart], kind: ParseKind, dropsFailures: Bool) throws -> TextExtractOperator {
    let columns = pattern.compactMap { if case .column(let column) = $0 { column } else { nil } }
    let extractor: any TextExtractor
    if case .regex(let flags) = kind {
      extractor = try RegexPattern(pattern, flags: flags)
    } else {
      extractor = SimplePattern(pattern)
    }
    let name = dropsFailures ? "ParseWhere" : "Parse"
    return TextExtractOperator(name, source: source, columns: columns, extractor: extractor, isStrict: kind != .relaxed, dropsFailures: dropsFailures)
  }
}

/// Matches the whole text: a text part stands where the last part ended, or behind a column or star at its first place from there; the last
/// one stands at the end.
struct SimplePattern: TextExtractor {
  private enum Step: Sendable {
    case text([UInt8])
    case column(DataType)
    case star
  }

  private let steps: [Step]

  init(_ pattern: [ParsePart]) {
    steps = pattern.map { part in
      switch part {
      case .text(let text): .text(Array(text.utf8))
      case .column(let column): .column(column.type)
      case .star: .star
      }
    }
  }

  func find(in text: TextBytes, _ parts: inout [TextPart?]) -> Bool {
    var at = 0
    var column = 0
    /// True when what stands between `at` and the next text is free.
    var isOpen = false
    /// The column that takes what stands up to the next text.
    var pending: Int?
    for (i, step) in steps.enumerated() {
      switch step {
      case .text(let needle):
        let isLast = i == steps.count - 1
        var place: Int?
        if !isOpen {
          place = text.has(needle, at: at) && (!isLast || at + needle.count == text.count) ? at : nil
        } else if isLast {
          let end = text.count - needle.count
          place = end >= at && text.has(needle, at: end) ? end : nil
        } else {
          place = text.find(needle, from: at)
        }
        guard let place else { return false }
        if let pending { parts[pending] = TextPart(range: at..<place) }
        at = place + needle.count
        (isOpen, pending) = (false, nil)
      case .column(let type):
        if i + 1 < steps.count, case .star = steps[i + 1], type != .string {
          let end = text.valueEnd(at, type)
          parts[column] = TextPart(range: at..<end)
          at = end
        } else {
          pending = column
          isOpen = true
        }
        column += 1
      case .star:
        (isOpen, pending) = (true, nil)
      }
    }
    if let pending {
      parts[pending] = TextPart(range: at..<text.count)
      return true
    }
    return isOpen || at == text.count
  }
}

extension TextBytes {
  /// Where the longest value of a type that starts at a place ends, by its characters.
  func valueEnd(_ start: Int, _ type: DataType) -> Int {
    var end = start
    while end < count, Self.isSpace(self[end]) { end += 1 }
    switch type {
    case .int, .long:
      if end < count, self[end] == UInt8(ascii: "-") || self[end] == UInt8(ascii: "+") { end += 1 }
      while end < count, Self.isDigit(self[end]) { end += 1 }
    case .real, .decimal:
      if end < count, self[end] == UInt8(ascii: "-") || self[end] == UInt8(ascii: "+") { end += 1 }
      while end < count, Self.isDigit(self[end]) || self[end] == UInt8(ascii: ".") { end += 1 }
      if end + 1 < count, self[end] | 0x20 == UInt8(ascii: "e") {
        let sign = self[end + 1] == UInt8(ascii: "-") || self[end + 1] == UInt8(ascii: "+") ? 1 : 0
        if end + 1 + sign < count, Self.isDigit(self[end + 1 + sign]) {
          end += 1 + sign
          while end < count, Self.isDigit(self[end]) { end += 1 }
        }
      }
    case .datetime, .timespan, .guid, .bool:
      while end < count, Self.isLetterOrDigit(self[end]) || [UInt8(ascii: "-"), UInt8(ascii: ":"), UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: "+")].contains(self[end])
        || type == .datetime && self[end] == 0x20 && end + 1 < count && Self.isDigit(self[end + 1])
      {
        end += 1
      }
    case .string, .dynamic: end = count
    }
    return end
  }

  static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
  static func isLetterOrDigit(_ byte: UInt8) -> Bool { isDigit(byte) || (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A }
}

/// The pattern as one regular expression over the whole text; columns are its groups of our own names.
struct RegexPattern: TextExtractor {
  private let regex: Regex
  private let groups: [Int]

  init(_ pattern: [ParsePart], flags: String) throws {
    for flag in flags where !"imsU".contains(flag) {
      throw ExpressionError.invalidArgument(function: "parse", message: "'\(flag)' is no regular expression flag; flags: i, m, s, U")
    }
    var text = flags.isEmpty ? "^" : "(?\(flags))^"
    var names: [String] = []
    for part in pattern {
      switch part {
      case .text(let expression): text += "(?:\(expression))"
      case .star: text += ".*"
      case .column(let column):
        names.append("kc\(names.count)_")
        text += "(?P<\(names[names.count - 1])>\(Self.expression(column.type)))"
      }
    }
    let compiled = try Regex(text + "$", function: "parse")
    regex = compiled
    groups = names.compactMap { compiled.group(named: $0) }
  }

  private static func expression(_ type: DataType) -> String {
    switch type {
    case .int, .long: "-?\\d+"
    case .real, .decimal: "-?\\d*\\.?\\d+(?:[eE][-+]?\\d+)?"
    default: ".*"
    }
  }

  func find(in text: TextBytes, _ parts: inout [TextPart?]) -> Bool {
    // SAFETY: the text is alive for the call.
    guard let found = unsafe regex.firstMatch(text.bytes, groups: regex.groupCount + 1) else { return false }
    for (k, group) in groups.enumerated() { parts[k] = found[group].map { TextPart(range: $0) } }
    return true
  }
}
