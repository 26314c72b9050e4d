// Role: regular expressions: RE2 behind its C face, compiled once per expression. The pattern is Kusto's; `RegexTranslator` brings it to RE2's.

import CRE2
import Columnar

/// A compiled pattern. Immutable; RE2 matches from several threads at once.
// SAFETY: owns or keeps alive the memory behind its pointers for as long as it lives; every access stays within the counts it holds.
@safe package final class Regex: @unchecked Sendable {  // RE2 objects are thread-safe for matching
  private let handle: OpaquePointer
  package let groupCount: Int

  /// Throws `ExpressionError` with RE2's reason, or naming the construct that is not supported. `prefix` and `suffix` are RE2's, and stand around the
  /// translated pattern, which has no comments any more.
  package init(_ pattern: String, function: String, isCaseInsensitive: Bool = false, prefix: String = "", suffix: String = "") throws {
    var translated = try prefix + RegexTranslator.translate(pattern, function: function) + suffix
    unsafe handle = translated.withUTF8 { bytes in
      unsafe bytes.withMemoryRebound(to: CChar.self) { text in
        var empty: CChar = 0
        return unsafe kcre2_new(text.baseAddress ?? withUnsafePointer(to: &empty) { unsafe $0 }, text.count, isCaseInsensitive)
      }
    }
    groupCount = unsafe Int(kcre2_group_count(handle))
    if unsafe !kcre2_ok(handle) {
      let reason = unsafe String(cString: kcre2_error(handle))
      throw ExpressionError.invalidArgument(function: function, message: "the regular expression '\(pattern)' is not valid: \(reason)")
    }
  }

  deinit { unsafe kcre2_free(handle) }

  /// The number of a named group, or nil.
  package func group(named name: String) -> Int? {
    var name = name
    let number = name.withUTF8 { bytes in
      unsafe bytes.withMemoryRebound(to: CChar.self) { text in unsafe text.baseAddress.map { unsafe kcre2_group_named(handle, $0, text.count) } ?? -1 }
    }
    return number < 0 ? nil : Int(number)
  }

  /// Whether the pattern occurs in the text.
  package func matches(_ text: UnsafeBufferPointer<UInt8>) -> Bool { unsafe match(text, from: 0, into: nil, 0) }

  /// The first match at or behind `from`: byte ranges of the whole match and the groups, nil for groups that did not take part.
  package func firstMatch(_ text: UnsafeBufferPointer<UInt8>, from: Int = 0, groups: Int) -> [Range<Int>?]? {
    unsafe withUnsafeTemporaryAllocation(of: kcre2_span.self, capacity: groups) { spans in
      guard unsafe match(text, from: from, into: spans.baseAddress, groups) else { return nil }
      let base = unsafe UnsafeRawPointer(Self.start(of: text))
      return unsafe spans.map { span in unsafe span.start.map { unsafe UnsafeRawPointer($0) - base..<UnsafeRawPointer($0) - base + span.length } }
    }
  }

  /// All matches from left to right that do not overlap; empty matches advance by one character.
  package func eachMatch(_ text: UnsafeBufferPointer<UInt8>, groups: Int, _ body: ([Range<Int>?]) -> Void) {
    unsafe walk(text, from: 0, groups: groups) { found in
      body(found)
      return true
    }
  }

  /// The `number`-th match (from 1) at or behind `from`, counted as `eachMatch` does; nil when there are fewer.
  package func match(number: Int64, in text: UnsafeBufferPointer<UInt8>, from: Int) -> Range<Int>? {
    var left = number
    var last: Range<Int>?
    unsafe walk(text, from: from, groups: 1) { found in
      left -= 1
      if left == 0 { last = found[0] }
      return left > 0
    }
    return last
  }

  /// The matches of `eachMatch`, until `body` gives false.
  private func walk(_ text: UnsafeBufferPointer<UInt8>, from start: Int, groups: Int, _ body: ([Range<Int>?]) -> Bool) {
    var from = start
    var end = -1
    while from <= text.count, let found = unsafe firstMatch(text, from: from, groups: groups), let whole = found[0] {
      // An empty match right behind another one is none, as RE2 counts.
      if !whole.isEmpty || whole.lowerBound != end, !body(found) { return }
      end = whole.upperBound
      if !whole.isEmpty { from = whole.upperBound; continue }
      from = whole.upperBound + 1
      while from < text.count, unsafe text[from] & 0xC0 == 0x80 { from += 1 }
    }
  }

  private func match(_ text: UnsafeBufferPointer<UInt8>, from: Int, into spans: UnsafeMutablePointer<kcre2_span>?, _ count: Int) -> Bool {
    unsafe kcre2_match(handle, Self.start(of: text), text.count, from, spans, Int32(truncatingIfNeeded: count))
  }

  /// Where spans are counted from. An empty text may have no address; the matcher wants one, and reads nothing there.
  private static func start(of text: UnsafeBufferPointer<UInt8>) -> UnsafePointer<CChar> {
    unsafe text.baseAddress.map { unsafe UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self) } ?? UnsafePointer(bitPattern: 8).unsafelyUnwrapped
  }
}
