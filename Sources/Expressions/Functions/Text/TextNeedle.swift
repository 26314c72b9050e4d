// Role: a text to look for, prepared once: its bytes, how letters fold, its two rarest bytes for the vector search, and the tests of the text
// operators on one row. Case-insensitive operators fold ASCII letters byte by byte; a needle with other letters folds both sides by Unicode.

import CSIMD
import Columnar

#if canImport(Glibc)
import Glibc
#endif

/// What a text operator asks.
enum TextTest: Sendable {
  case equals, contains, startsWith, endsWith, has, hasPrefix, hasSuffix
}

/// A prepared needle. Immutable.
final class TextNeedle: @unchecked Sendable {  // the memory is written in init only
  let test: TextTest
  let isCaseSensitive: Bool
  let count: Int
  private let text: UnsafeMutablePointer<UInt8>
  private let folds: UnsafeMutablePointer<UInt8>?
  /// Folding needs Unicode: rows are folded before they are searched.
  let foldsUnicode: Bool
  let needle: csimd_needle
  /// Whether the needle's ends are letters or digits, so that a term boundary must lie there.
  private let startsWithTerm: Bool
  private let endsWithTerm: Bool

  init(_ bytes: UnsafeBufferPointer<UInt8>, _ test: TextTest, isCaseSensitive: Bool) {
    self.test = test
    self.isCaseSensitive = isCaseSensitive
    foldsUnicode = !isCaseSensitive && bytes.contains { $0 >= 0x80 }
    let source = foldsUnicode ? foldedCase(bytes) : Array(bytes)
    count = source.count
    text = .allocate(capacity: count + 1)
    folds = isCaseSensitive || foldsUnicode ? nil : .allocate(capacity: count + 1)
    for (i, byte) in source.enumerated() {
      let isLetter = (byte | 0x20) &- 0x61 < 26
      text[i] = folds != nil && isLetter ? byte | 0x20 : byte
      folds?[i] = isLetter ? 0x20 : 0
    }
    // The two rarest bytes, at different places where there are two.
    var first = 0, second = 0
    for i in 0..<count where commonness(text[i]) < commonness(text[first]) { first = i }
    second = first == 0 ? max(0, count - 1) : 0
    for i in 0..<count where i != first && commonness(text[i]) < commonness(text[second]) { second = i }
    needle = csimd_needle(text: text, folds: folds, length: max(count, 1), first: first, second: second)
    let whole = UnsafeBufferPointer(start: UnsafePointer(text), count: count)
    startsWithTerm = count > 0 && isTermScalar(whole, at: 0)
    endsWithTerm = count > 0 && isTermScalar(whole, before: count)
  }

  deinit {
    text.deallocate()
    folds?.deallocate()
  }

  /// The row test on any bytes.
  func matches(_ row: UnsafeBufferPointer<UInt8>) -> Bool {
    if foldsUnicode { return foldedCase(row).withUnsafeBufferPointer { matchesFolded($0) } }
    return matchesFolded(row)
  }

  @inline(__always) func isAt(_ p: UnsafePointer<UInt8>) -> Bool {
    guard let folds else { return memcmp(p, text, count) == 0 }
    for i in 0..<count where p[i] | folds[i] != text[i] { return false }
    return true
  }

  private func matchesFolded(_ row: UnsafeBufferPointer<UInt8>) -> Bool {
    guard count > 0 else { return test != .equals || row.count == 0 }
    guard row.count >= count, let p = row.baseAddress else { return false }
    switch test {
    case .equals: return row.count == count && isAt(p)
    case .startsWith: return isAt(p)
    case .endsWith: return isAt(p + (row.count - count))
    case .contains: return csimd_find1(p, row.count, 0) >= 0
    case .has, .hasPrefix, .hasSuffix:
      var from = 0
      while true {
        let at = csimd_find1(p, row.count, from)
        if at < 0 { return false }
        if isTerm(p, row.count, at) { return true }
        from = at + 1
      }
    }
  }

  private func csimd_find1(_ p: UnsafePointer<UInt8>, _ n: Int, _ from: Int) -> Int {
    withUnsafePointer(to: needle) { csimd_find(p, n, from, $0) }
  }

  /// Whether the occurrence at `at` in p[0..<n] ends where terms end.
  func isTerm(_ p: UnsafePointer<UInt8>, _ n: Int, _ at: Int) -> Bool {
    let row = UnsafeBufferPointer(start: p, count: n)
    if test != .hasSuffix, startsWithTerm, at > 0, isTermScalar(row, before: at) { return false }
    if test != .hasPrefix, endsWithTerm, at + count < n, isTermScalar(row, at: at + count) { return false }
    return true
  }
}

/// Whether a letter or digit begins at `at`.
func isTermScalar(_ row: UnsafeBufferPointer<UInt8>, at: Int) -> Bool {
  let b = row[at]
  if b < 0x80 { return isASCIITerm(b) }
  return isTermScalar(decodedScalar(row, at))
}

/// Whether a letter or digit ends before `end`.
func isTermScalar(_ row: UnsafeBufferPointer<UInt8>, before end: Int) -> Bool {
  var at = end - 1
  if row[at] < 0x80 { return isASCIITerm(row[at]) }
  while at > 0, end - at < 4, row[at] & 0xC0 == 0x80 { at -= 1 }
  return isTermScalar(decodedScalar(row, at))
}

@inline(__always) private func isASCIITerm(_ b: UInt8) -> Bool { (b | 0x20) &- 0x61 < 26 || b &- 0x30 < 10 }

private func isTermScalar(_ scalar: Unicode.Scalar) -> Bool {
  scalar.properties.isAlphabetic || scalar.properties.numericType != nil
}

/// The scalar whose bytes begin at `at`; U+FFFD for malformed ones.
func decodedScalar(_ bytes: UnsafeBufferPointer<UInt8>, _ at: Int) -> Unicode.Scalar {
  let b = UInt32(bytes[at])
  let length = b < 0x80 ? 1 : b >= 0xF0 ? 4 : b >= 0xE0 ? 3 : b >= 0xC0 ? 2 : 0
  guard length > 0, at + length <= bytes.count else { return "\u{FFFD}" }
  if length == 1 { return Unicode.Scalar(UInt8(truncatingIfNeeded: b)) }
  var value = b & (0x7F >> UInt32(length))
  for k in 1..<length { value = value << 6 | UInt32(bytes[at + k] & 0x3F) }
  return Unicode.Scalar(value) ?? "\u{FFFD}"
}

/// The text with every letter in lower case, one scalar for one.
func foldedCase(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
  var out: [UInt8] = []
  out.reserveCapacity(bytes.count)
  var i = 0
  while i < bytes.count {
    let b = bytes[i]
    if b < 0x80 {
      out.append(b &- 0x41 < 26 ? b | 0x20 : b)
      i += 1
      continue
    }
    let scalar = decodedScalar(bytes, i)
    let lower = scalar.properties.lowercaseMapping.unicodeScalars
    let folded = lower.count == 1 ? lower.first ?? scalar : scalar
    out.append(contentsOf: Array(String(Character(folded)).utf8))
    i += b >= 0xF0 ? 4 : b >= 0xE0 ? 3 : b >= 0xC0 ? 2 : 1
  }
  return out
}

/// How common a byte is in text, roughly; the vector search looks for the rarest ones.
private func commonness(_ b: UInt8) -> Int {
  let letters: [UInt8] = Array("etaoinsrhldcumfpgwybvkxjqz".utf8)
  if b == 0x20 { return 300 }
  if let rank = letters.firstIndex(of: b) { return 250 - rank * 6 }
  if b &- 0x30 < 10 { return 120 }
  if b &- 0x41 < 26 { return 80 }
  return b >= 0x80 ? 60 : 50
}

/// Equal lengths and bytes.
@inline(__always) func sameBytes(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>) -> Bool {
  guard a.count == b.count else { return false }
  guard a.count > 0, let p = a.baseAddress, let q = b.baseAddress else { return true }
  return memcmp(p, q, a.count) == 0
}
