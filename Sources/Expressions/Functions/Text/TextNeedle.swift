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
// SAFETY: owns or keeps alive the memory behind its pointers for as long as it lives; every access stays within the counts it holds.
@safe final class TextNeedle: @unchecked Sendable {  // the memory is written in init only
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
    foldsUnicode = unsafe !isCaseSensitive && bytes.contains { $0 >= 0x80 }
    let source = unsafe foldsUnicode ? foldedCase(bytes) : Array(bytes)
    count = source.count
    unsafe text = .allocate(capacity: count + 1)
    unsafe folds = isCaseSensitive || foldsUnicode ? nil : .allocate(capacity: count + 1)
    for (i, byte) in source.enumerated() {
      let isLetter = (byte | 0x20) &- 0x61 < 26
      unsafe text[i] = unsafe folds != nil && isLetter ? byte | 0x20 : byte
      unsafe folds?[i] = isLetter ? 0x20 : 0
    }
    // The two rarest bytes, at different places where there are two.
    var first = 0, second = 0
    for i in 0..<count where unsafe commonness(text[i]) < commonness(text[first]) { first = i }
    second = first == 0 ? max(0, count - 1) : 0
    for i in 0..<count where unsafe i != first && commonness(text[i]) < commonness(text[second]) { second = i }
    unsafe needle = unsafe csimd_needle(text: text, folds: folds, length: max(count, 1), first: first, second: second)
    let whole = unsafe UnsafeBufferPointer(start: UnsafePointer(text), count: count)
    startsWithTerm = unsafe count > 0 && isTermScalar(whole, at: 0)
    endsWithTerm = unsafe count > 0 && isTermScalar(whole, before: count)
  }

  deinit {
    unsafe text.deallocate()
    unsafe folds?.deallocate()
  }

  /// The row test on any bytes.
  func matches(_ row: UnsafeBufferPointer<UInt8>) -> Bool {
    if foldsUnicode { return unsafe foldedCase(row).withUnsafeBufferPointer { unsafe matchesFolded($0) } }
    return unsafe matchesFolded(row)
  }

  @inline(__always) func isAt(_ p: UnsafePointer<UInt8>) -> Bool {
    guard let folds = unsafe folds else { return unsafe memcmp(p, text, count) == 0 }
    for i in 0..<count where unsafe p[i] | folds[i] != text[i] { return false }
    return true
  }

  private func matchesFolded(_ row: UnsafeBufferPointer<UInt8>) -> Bool {
    guard count > 0 else { return test != .equals || row.count == 0 }
    guard row.count >= count, let p = row.baseAddress else { return false }
    switch test {
    case .equals: return unsafe row.count == count && isAt(p)
    case .startsWith: return unsafe isAt(p)
    case .endsWith: return unsafe isAt(p + (row.count - count))
    case .contains: return unsafe csimd_find1(p, row.count, 0) >= 0
    case .has, .hasPrefix, .hasSuffix:
      var from = 0
      while true {
        let at = unsafe csimd_find1(p, row.count, from)
        if at < 0 { return false }
        if unsafe isTerm(p, row.count, at) { return true }
        from = at + 1
      }
    }
  }

  private func csimd_find1(_ p: UnsafePointer<UInt8>, _ n: Int, _ from: Int) -> Int {
    unsafe withUnsafePointer(to: needle) { unsafe csimd_find(p, n, from, $0) }
  }

  /// Whether the occurrence at `at` in p[0..<n] ends where terms end.
  func isTerm(_ p: UnsafePointer<UInt8>, _ n: Int, _ at: Int) -> Bool {
    let row = unsafe UnsafeBufferPointer(start: p, count: n)
    if test != .hasSuffix, startsWithTerm, at > 0, unsafe isTermScalar(row, before: at) { return false }
    if test != .hasPrefix, endsWithTerm, at + count < n, unsafe isTermScalar(row, at: at + count) { return false }
    return true
  }
}

/// Whether a letter or digit begins at `at`.
func isTermScalar(_ row: UnsafeBufferPointer<UInt8>, at: Int) -> Bool {
  let b = unsafe row[at]
  if b < 0x80 { return isASCIITerm(b) }
  return unsafe isTermScalar(decodedScalar(row, at))
}

/// Whether a letter or digit ends before `end`.
func isTermScalar(_ row: UnsafeBufferPointer<UInt8>, before end: Int) -> Bool {
  var at = end - 1
  if unsafe row[at] < 0x80 { return unsafe isASCIITerm(row[at]) }
  while at > 0, end - at < 4, unsafe row[at] & 0xC0 == 0x80 { at -= 1 }
  return unsafe isTermScalar(decodedScalar(row, at))
}

@inline(__always) private func isASCIITerm(_ b: UInt8) -> Bool { (b | 0x20) &- 0x61 < 26 || b &- 0x30 < 10 }

private func isTermScalar(_ scalar: Unicode.Scalar) -> Bool {
  scalar.properties.isAlphabetic || scalar.properties.numericType != nil
}

/// The scalar whose bytes begin at `at`; U+FFFD for malformed ones.
func decodedScalar(_ bytes: UnsafeBufferPointer<UInt8>, _ at: Int) -> Unicode.Scalar {
  let b = unsafe UInt32(bytes[at])
  let length = b < 0x80 ? 1 : b >= 0xF0 ? 4 : b >= 0xE0 ? 3 : b >= 0xC0 ? 2 : 0
  guard length > 0, at + length <= bytes.count else { return "\u{FFFD}" }
  if length == 1 { return Unicode.Scalar(UInt8(truncatingIfNeeded: b)) }
  var value = b & (0x7F >> UInt32(length))
  for k in 1..<length { value = unsafe value << 6 | UInt32(bytes[at + k] & 0x3F) }
  return Unicode.Scalar(value) ?? "\u{FFFD}"
}

/// The text with every letter in lower case, one scalar for one.
func foldedCase(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
  var out: [UInt8] = []
  out.reserveCapacity(bytes.count)
  var i = 0
  while i < bytes.count {
    let b = unsafe bytes[i]
    if b < 0x80 {
      out.append(b &- 0x41 < 26 ? b | 0x20 : b)
      i += 1
      continue
    }
    let scalar = unsafe decodedScalar(bytes, i)
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
  return unsafe memcmp(p, q, a.count) == 0
}
