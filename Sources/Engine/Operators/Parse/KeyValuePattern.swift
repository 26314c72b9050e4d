// Role: parse-kv: values found by the names of their keys, with given delimiters, with any delimiters, or by a regular expression.
// Source: Kusto language reference, "parse-kv operator".

import Columnar
import Expressions

/// How parse-kv finds its pairs.
package struct KeyValueOptions: Sendable, Hashable {
  /// Between pairs, and between key and value; both empty: any character but letters, digits and '_' delimits.
  package var pairDelimiter = ""
  package var keyDelimiter = ""
  /// Opening and closing quotes.
  package var quotes: [[UInt8]] = []
  /// Characters that make the next one of a quoted text stand for itself.
  package var escapes: [UInt8] = []
  /// True when an unquoted value goes on to the next key.
  package var isGreedy = false
  /// A regular expression with a group for the key and one for the value, instead of all others.
  package var regex: String?

  package init() {}
}

extension TextExtractOperator {
  /// `parse-kv`. Throws `ExpressionError` for a regular expression that is not valid or has not two groups.
  package static func keyValues(_ source: String, _ columns: [Column], _ options: KeyValueOptions) throws -> TextExtractOperator {
    let keys = columns.map { Array($0.name.utf8) }
    let extractor: any TextExtractor
    if let regex = options.regex {
      extractor = try KeyValueRegex(keys, regex)
    } else {
      extractor = KeyValuePattern(keys, options)
    }
    return TextExtractOperator("ParseKeyValues", source: source, columns: columns, extractor: extractor, isStrict: false, dropsFailures: false)
  }
}

/// The place of a key among those wanted.
private func place(of range: Range<Int>, in text: TextBytes, _ keys: [[UInt8]]) -> Int? {
  keys.firstIndex { $0.count == range.count && text.has($0, at: range.lowerBound) }
}

struct KeyValuePattern: TextExtractor {
  private let keys: [[UInt8]]
  private let pair: [UInt8]
  private let equals: [UInt8]
  private let options: KeyValueOptions

  init(_ keys: [[UInt8]], _ options: KeyValueOptions) {
    self.keys = keys
    self.options = options
    pair = Array(options.pairDelimiter.utf8)
    equals = Array(options.keyDelimiter.utf8)
  }

  var escapes: [UInt8] { options.escapes }

  func find(in text: TextBytes, _ parts: inout [TextPart?]) -> Bool {
    if pair.isEmpty && equals.isEmpty { anyDelimiter(text, &parts) } else { delimited(text, &parts) }
    return true
  }

  // MARK: Given delimiters

  private func delimited(_ text: TextBytes, _ parts: inout [TextPart?]) {
    var at = 0
    while at < text.count {
      at = skipSpace(text, at)
      var key: Range<Int>
      if let (inner, end) = quoted(text, at) {
        key = inner
        at = skipSpace(text, end)
        guard text.has(equals, at: at) else {
          at = nextPair(text, at)
          continue
        }
      } else {
        guard let place = text.find(equals, from: at) else { return }
        // A pair delimiter before the key's end: what stands before it is no pair.
        if let cut = text.find(pair, from: at), !pair.isEmpty, cut < place {
          at = cut + pair.count
          continue
        }
        key = text.trimmed(at..<place)
        at = place
      }
      at += equals.count
      let value: TextPart
      (value, at) = self.value(text, at)
      if let k = place(of: key, in: text, keys), parts[k] == nil { parts[k] = value }
    }
  }

  /// The value that starts at a place, and where the next pair starts.
  private func value(_ text: TextBytes, _ start: Int) -> (TextPart, Int) {
    let first = skipSpace(text, start)
    if let (inner, end) = quoted(text, first) { return (TextPart(range: inner, isQuoted: true), nextPair(text, end)) }
    var cut = pair.isEmpty ? nil : text.find(pair, from: start)
    while options.isGreedy, let place = cut, !startsKey(text, place + pair.count) { cut = text.find(pair, from: place + pair.count) }
    let end = cut ?? text.count
    return (TextPart(range: text.trimmed(start..<end)), end + pair.count)
  }

  /// Whether a key and its delimiter follow, before another pair delimiter.
  private func startsKey(_ text: TextBytes, _ start: Int) -> Bool {
    guard let key = text.find(equals, from: start) else { return false }
    if let (_, end) = quoted(text, skipSpace(text, start)) { return text.has(equals, at: skipSpace(text, end)) }
    guard let cut = text.find(pair, from: start) else { return true }
    return key < cut
  }

  private func nextPair(_ text: TextBytes, _ from: Int) -> Int {
    pair.isEmpty ? from : text.find(pair, from: from).map { $0 + pair.count } ?? text.count
  }

  /// Behind white space, which delimiters made of it end.
  private func skipSpace(_ text: TextBytes, _ start: Int) -> Int {
    var at = start
    while at < text.count, TextBytes.isSpace(text[at]), !text.has(pair, at: at) || pair.isEmpty, !text.has(equals, at: at) || equals.isEmpty { at += 1 }
    return at
  }

  /// The inside of a quoted text that starts at a place, and the place behind it; nil when none does.
  private func quoted(_ text: TextBytes, _ start: Int) -> (Range<Int>, Int)? {
    guard start < text.count, let quote = options.quotes.first(where: { $0.first == text[start] }), let close = quote.last else { return nil }
    var at = start + 1
    while at < text.count {
      if options.escapes.contains(text[at]), text[at] != close || at + 1 < text.count && text[at + 1] == close {
        at += 2
      } else if text[at] == close {
        return (start + 1..<at, at + 1)
      } else {
        at += 1
      }
    }
    return nil
  }

  // MARK: Any delimiter

  private func anyDelimiter(_ text: TextBytes, _ parts: inout [TextPart?]) {
    var at = 0
    /// The key whose value comes next.
    var wanted: Int?
    while let (part, end) = word(text, at) {
      at = end
      if let key = wanted {
        if parts[key] == nil { parts[key] = part }
        wanted = nil
      } else {
        wanted = place(of: part.range, in: text, keys)
      }
    }
  }

  /// The next word or quoted text at or behind a place, and the place behind it.
  private func word(_ text: TextBytes, _ start: Int) -> (TextPart, Int)? {
    var at = start
    while at < text.count {
      if let (inner, end) = quoted(text, at) { return (TextPart(range: inner, isQuoted: true), end) }
      let first = at
      while at < text.count, TextBytes.isLetterOrDigit(text[at]) || text[at] == UInt8(ascii: "_") || text[at] >= 0x80 { at += 1 }
      if at > first { return (TextPart(range: first..<at), at) }
      at += 1
    }
    return nil
  }
}

/// Pairs as matches of a regular expression.
struct KeyValueRegex: TextExtractor {
  private let keys: [[UInt8]]
  private let regex: Regex

  init(_ keys: [[UInt8]], _ pattern: String) throws {
    self.keys = keys
    regex = try Regex(pattern, function: "parse-kv")
    guard regex.groupCount == 2 else {
      throw ExpressionError.invalidArgument(function: "parse-kv", message: "the regular expression needs exactly two groups, for key and value; it has \(regex.groupCount)")
    }
  }

  func find(in text: TextBytes, _ parts: inout [TextPart?]) -> Bool {
    // SAFETY: the text is alive for the call.
    unsafe regex.eachMatch(text.bytes, groups: 3) { found in
      guard let key = found[1], let value = found[2], let k = place(of: text.trimmed(key), in: text, keys), parts[k] == nil else { return }
      parts[k] = TextPart(range: text.trimmed(value))
    }
    return true
  }
}
