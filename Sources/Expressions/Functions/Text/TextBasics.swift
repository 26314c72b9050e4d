// Role: text functions on characters (Unicode scalars): length, case, parts, joining, repeating, searching for plain text, replacing.
// Source: Kusto language reference, "String functions".

import Columnar

#if canImport(Glibc)
import Glibc
#endif

/// A text function with fixed parameter types.
private func text(
  _ name: String, aliases: [String] = [], _ arity: ClosedRange<Int>, _ parameters: String, _ summary: String, _ example: String,
  bind: @escaping @Sendable (FunctionCall) throws -> BoundFunction
) -> FunctionSpec {
  FunctionSpec(name, aliases: aliases, .text, arity, parameters: parameters, summary, example: example, bind: bind)
}

// SAFETY: rows are windows on the arguments' memory, which live for the call of the kernel and are not the builder appended to; ranges cut out of
// them lie between 0 and their count.
let textFunctions: [FunctionSpec] = unsafe [
  text("strlen", 1...1, "text", "Number of characters.", "strlen('hello')", bind: BoundFunction.unary(.long, .string, rows(TextRows.self) { unsafe Int64(scalarCount($0)) })),
  unsafe text("string_size", 1...1, "text", "Number of bytes in UTF-8.", "string_size('hello')", bind: BoundFunction.unary(.long, .string, rows(TextRows.self) { Int64($0.count) })),
  text("toupper", 1...1, "text", "The text in upper case.", "toupper('a')", bind: BoundFunction.unary(.string, .string, caseKernel(upper: true))),
  text("tolower", 1...1, "text", "The text in lower case.", "tolower('A')", bind: BoundFunction.unary(.string, .string, caseKernel(upper: false))),
  unsafe text("reverse", 1...1, "text", "The characters in reverse order.", "reverse('abc')", bind: BoundFunction.unary(.string, .string, textRows(TextRows.self) { text, out in
    var end = text.count
    while end > 0 {
      var start = end - 1
      while start > 0, unsafe text[start] & 0xC0 == 0x80, end - start < 4 { start -= 1 }
      unsafe out.append(contentsOf: UnsafeBufferPointer(rebasing: text[start..<end]))
      end = start
    }
  })),
  unsafe text("isascii", 1...1, "text", "True when all characters are ASCII.", "isascii('abc')",
    bind: BoundFunction.unary(.bool, .string, rows(TextRows.self) { text in unsafe text.allSatisfy { $0 < 0x80 } })),
  unsafe text("isutf8", 1...1, "text", "True when the bytes are valid UTF-8.", "isutf8('abc')", bind: BoundFunction.unary(.bool, .string, rows(TextRows.self) { unsafe isValidUTF8($0) })),
  text("substring", 2...3, "text, start [, length]", "Part of a text; a negative start counts from the end.", "substring('123456', 2, 2)") { call in
    if call.count == 2 {
      return unsafe BoundFunction(.string, [.string, .long], kernel: textRows(TextRows.self, LongRows.self) { unsafe substring($0, $1, .max, $2) })
    }
    return unsafe BoundFunction(.string, [.string, .long, .long], kernel: textRows(TextRows.self, LongRows.self, LongRows.self) { unsafe substring($0, $1, $2, $3) })
  },
  text("strcat", 1...FunctionSpec.unbounded, "value, …", "The values' texts joined.", "strcat('a', 1, true)") { call in
    BoundFunction(.string, Array(repeating: .string, count: call.count), kernel: joinKernel(delimited: false))
  },
  text("strcat_delim", 3...FunctionSpec.unbounded, "delimiter, value, value, …", "The values' texts joined with a delimiter.", "strcat_delim('-', 1, 'A')") { call in
    BoundFunction(.string, Array(repeating: .string, count: call.count), kernel: joinKernel(delimited: true))
  },
  text("strrep", 2...3, "value, count [, delimiter]", "The text repeated, at most 1,024 times.", "strrep('ab', 3, '.')") { call in
    let f: @Sendable (UnsafeBufferPointer<UInt8>, Int64, UnsafeBufferPointer<UInt8>?, BufferBuilder<UInt8>) -> Void = { text, count, delimiter, out in
      for k in 0..<max(0, min(count, 1_024)) {
        if k > 0, let delimiter = unsafe delimiter { unsafe out.append(contentsOf: delimiter) }
        unsafe out.append(contentsOf: text)
      }
    }
    if call.count == 2 { return unsafe BoundFunction(.string, [.string, .long], kernel: textRows(TextRows.self, LongRows.self) { unsafe f($0, $1, nil, $2) }) }
    return unsafe BoundFunction(.string, [.string, .long, .string], kernel: textRows(TextRows.self, LongRows.self, TextRows.self) { unsafe f($0, $1, $2, $3) })
  },
  unsafe text("strcmp", 2...2, "a, b", "-1, 0 or 1 as the first text sorts before, with or after the second.", "strcmp('a', 'b')",
    bind: BoundFunction.fixed(.long, [.string, .string], rows(TextRows.self, TextRows.self) { unsafe Int64(textOrder($0, $1).signum()) })),
  text("indexof", 2...5, "text, search [, start [, length [, occurrence]]]", "Position of a text in another, -1 when absent.", "indexof('abcdefg', 'cde')") { call in
    BoundFunction(.long, [.string, .string] + Array(repeating: .long, count: call.count - 2)) { arguments, n in
      let text = TextRows(arguments[0]), search = TextRows(arguments[1])
      let numbers = arguments.dropFirst(2).map { LongRows($0) }
      return try Optional<Int64>.collect(n) { i in
        unsafe indexOf(text[i], search[i], start: numbers.count > 0 ? numbers[0][i] : 0, length: numbers.count > 1 ? numbers[1][i] : -1,
          occurrence: numbers.count > 2 ? numbers[2][i] : 1)
      }
    }
  },
  unsafe text("replace_string", 3...3, "text, search, replacement", "Replaces every occurrence of a text.", "replace_string('abcb', 'b', '1')",
    bind: BoundFunction.fixed(.string, [.string, .string, .string], textRows(TextRows.self, TextRows.self, TextRows.self) { text, search, replacement, out in
      unsafe replaceAll(text, [(search, replacement)], out)
    })),
  unsafe text("replace_strings", 3...3, "text, searches, replacements", "Replaces every occurrence of the texts of an array by those of another.",
    "replace_strings('cat', dynamic(['cat']), dynamic(['dog']))",
    bind: BoundFunction.fixed(.string, [.string, .dynamic, .dynamic], textRows(TextRows.self, DynamicRows.self, DynamicRows.self) { text, from, to, out in
      var pairs: [(UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>)] = unsafe []
      for k in 0..<from.childCount {
        guard let a = from.element(k), a.tag == .string else { continue }
        let b = to.element(k)
        unsafe pairs.append((a.stringBytes, b?.tag == .string ? b?.stringBytes ?? a.stringBytes : a.stringBytes))
      }
      unsafe replaceAll(text, pairs, out)
    })),
  unsafe text("translate", 3...3, "from, to, text", "Replaces characters of one list by those of another.", "translate('abc', 'x', 'abc')",
    bind: BoundFunction.fixed(.string, [.string, .string, .string], textRows(TextRows.self, TextRows.self, TextRows.self) { from, to, text, out in
      let source = unsafe scalars(from), target = unsafe scalars(to)
      for scalar in unsafe scalars(text) {
        if let k = source.firstIndex(of: scalar) {
          if !target.isEmpty { appendUTF8(target[min(k, target.count - 1)].value, to: out) }
        } else {
          appendUTF8(scalar.value, to: out)
        }
      }
    })),
  text("split", 2...3, "text, delimiter [, index]", "The parts between delimiters as an array.", "split('a_b', '_')") { call in
    let f: @Sendable (UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>, Int64?) -> DynamicValue = { text, delimiter, index in
      let parts = unsafe splitText(text, delimiter)
      guard let index else { return .array(parts.map { .string($0) }) }
      return .array(index >= 0 && index < parts.count ? [.string(parts[Int(index)])] : [])
    }
    if call.count == 2 { return unsafe BoundFunction(.dynamic, [.string, .string], kernel: rows(TextRows.self, TextRows.self) { unsafe f($0, $1, nil) }) }
    return unsafe BoundFunction(.dynamic, [.string, .string, .long], kernel: rows(TextRows.self, TextRows.self, LongRows.self) { unsafe f($0, $1, $2) })
  },
  unsafe text("unicode_codepoints_from_string", aliases: ["to_utf8"], 1...1, "text", "The code points of the characters.", "unicode_codepoints_from_string('ab')",
    bind: BoundFunction.unary(.dynamic, .string, rows(TextRows.self) { text -> DynamicValue in unsafe .array(scalars(text).map { .long(Int64($0.value)) }) })),
  text("unicode_codepoints_to_string", aliases: ["make_string"], 1...FunctionSpec.unbounded, "codepoint, …", "The text of code points or arrays of them.",
    "unicode_codepoints_to_string(75, 117)") { call in
    for type in call.types where ![.int, .long, .dynamic].contains(type) { throw call.wrongTypes("code points, or arrays of them") }
    return BoundFunction(.string, call.types, nulls: .custom, kernel: scalarRows { values in
      var out = String.UnicodeScalarView()
      func add(_ value: DynamicValue) -> Bool {
        switch value {
        case .long(let v):
          guard let scalar = UInt32(exactly: v).flatMap({ Unicode.Scalar($0) }) else { return false }
          out.append(scalar)
          return true
        case .array(let items): return items.allSatisfy { add($0) }
        case .null: return true
        default: return false
        }
      }
      return values.allSatisfy { add(DynamicValue($0)) } ? String(out) : ""
    })
  },
  text("tohex", 1...2, "value [, digits]", "The number in hexadecimal digits.", "tohex(256)") { call in
    let f: @Sendable (Int64, Int64, BufferBuilder<UInt8>) -> Void = { value, least, out in
      let digits = String(UInt64(bitPattern: value), radix: 16)
      for _ in 0..<max(0, min(least, 16) - Int64(digits.utf8.count)) { out.append(0x30) }
      out.append(text: digits)
    }
    // A negative int has the eight digits of 32 bits.
    let mask: Int64 = call.types[0] == .int ? 0xFFFF_FFFF : -1
    if call.count == 1 { return BoundFunction(.string, [.long], kernel: textRows(LongRows.self) { f($0 & mask, 0, $1) }) }
    return BoundFunction(.string, [.long, .long], kernel: textRows(LongRows.self, LongRows.self) { f($0 & mask, $1, $2) })
  },
  text("countof", 2...3, "text, search [, 'normal' | 'regex']", "How often a text occurs; plain occurrences may overlap.", "countof('aaaa', 'aa')") { call in
    if call.count == 3 {
      let kind = try call.constantText(2, "the kind")
      if kind == "regex" {
        let regex = try Regex(try call.constantText(1, "the regular expression"), function: call.name)
        return unsafe BoundFunction(.long, [.string], kernel: rows(TextRows.self) { text in
          var count: Int64 = 0
          unsafe regex.eachMatch(text, groups: 1) { _ in count += 1 }
          return count
        })
      }
      guard kind == "normal" else { throw call.invalid("the kind must be 'normal' or 'regex', not '\(kind)'") }
    }
    return unsafe BoundFunction(.long, [.string, .string], kernel: rows(TextRows.self, TextRows.self) { text, search in
      var count: Int64 = 0
      var from = 0
      while search.count > 0, let at = unsafe find(search, in: text, from: from) {
        count += 1
        from = at + 1
      }
      return count
    })
  },
  unsafe text("has_any_index", 2...2, "text, values", "Index of the first value that is a term of the text, -1 when none is.", "has_any_index('a b', dynamic(['x','b']))",
    bind: BoundFunction.fixed(.long, [.string, .dynamic], rows(TextRows.self, DynamicRows.self) { text, list -> Int64 in
      for k in 0..<list.childCount {
        guard let element = list.element(k) else { continue }
        if unsafe TextNeedle(text: element.value.text, .has, isCaseSensitive: false).matches(text) { return Int64(k) }
      }
      return -1
    })),
  text("format_bytes", 1...3, "size [, digits [, unit]]", "A size in bytes as text with a unit.", "format_bytes(10332, 1)") { call in
    let digits = call.count > 1 ? try call.constantInteger(1, "the precision") : 0
    let unit = call.count > 2 ? try call.constantText(2, "the unit") : ""
    let units = ["Bytes", "KB", "MB", "GB", "TB", "PB", "EB"]
    if unit != "", !units.contains(unit) { throw call.invalid("unknown unit '\(unit)'; one of \(units.joined(separator: ", "))") }
    return BoundFunction(.string, [.real], kernel: textRows(RealRows.self) { size, out in
      var k = unit == "" ? 0 : units.firstIndex(of: unit) ?? 0
      if unit == "" { while k < 6, size.magnitude / pow(1024, Double(k)) >= 1024 { k += 1 } }
      let scale = pow(10, Double(max(0, min(digits, 15))))
      let value = (size / pow(1024, Double(k)) * scale).rounded(.toNearestOrAwayFromZero) / scale
      unsafe out.appendText { unsafe ScalarText.write(real: value, to: $0) }
      out.append(0x20)
      out.append(text: units[k])
    })
  },
]

// MARK: - Pieces

/// Characters in UTF-8: the bytes that do not continue one.
// SAFETY: iterates over the caller's text.
func scalarCount(_ text: UnsafeBufferPointer<UInt8>) -> Int {
  var n = 0
  for unsafe byte in unsafe text where byte & 0xC0 != 0x80 { n &+= 1 }
  return n
}

/// The byte offset of the k-th character, at most the end.
// SAFETY: reads text[i] where i < text.count, and gives at most text.count.
func scalarOffset(_ text: UnsafeBufferPointer<UInt8>, _ k: Int, from: Int = 0) -> Int {
  var left = k
  var i = from
  while i < text.count {
    if unsafe text[i] & 0xC0 != 0x80 {
      if left == 0 { return i }
      left &-= 1
    }
    i &+= 1
  }
  return text.count
}

// SAFETY: the text is copied while the caller keeps it alive.
func scalars(_ text: UnsafeBufferPointer<UInt8>) -> [Unicode.Scalar] {
  unsafe Array(String(decoding: text, as: UTF8.self).unicodeScalars)
}

/// The first place at or behind `from` where `search` occurs.
// SAFETY: memchr looks at the places from `at` on where all of `search` still fits, memcmp at one of them.
func find(_ search: UnsafeBufferPointer<UInt8>, in text: UnsafeBufferPointer<UInt8>, from: Int) -> Int? {
  if search.count == 0 { return from <= text.count ? from : nil }
  guard from >= 0, let p = text.baseAddress, let q = search.baseAddress else { return nil }
  var at = from
  while at &+ search.count <= text.count {
    guard let hit = unsafe memchr(p + at, Int32(q[0]), text.count &- search.count &- at &+ 1) else { return nil }
    at = unsafe UnsafeRawPointer(hit) - UnsafeRawPointer(p)
    if unsafe memcmp(p + at, q, search.count) == 0 { return at }
    at &+= 1
  }
  return nil
}

// SAFETY: `from` and `to` come from `scalarOffset`, so they ascend and are at most text.count.
private func substring(_ text: UnsafeBufferPointer<UInt8>, _ start: Int64, _ length: Int64, _ out: BufferBuilder<UInt8>) {
  var first = start
  if first < 0 { first = unsafe max(0, Int64(scalarCount(text)) &+ first) }
  guard length > 0, first <= text.count else { return }
  let from = unsafe scalarOffset(text, Int(first))
  let to = unsafe length >= text.count ? text.count : scalarOffset(text, Int(length), from: from)
  unsafe out.append(contentsOf: UnsafeBufferPointer(rebasing: text[from..<to]))
}

// SAFETY: rows below n are windows on the argument's memory, which lives for the call.
private func caseKernel(upper: Bool) -> Kernel {
  { arguments, n in
    if let whole = asciiCase(arguments[0], upper: upper) { return whole }
    let text = TextRows(arguments[0])
    let out = StringBuilder(rows: n, bytes: textEstimate(arguments, n))
    for i in 0..<n {
      unsafe appendCase(text[i], upper: upper, out.data)
      out.endRow()
    }
    return out.finish()
  }
}

/// A flat column of ASCII text in another case: its bytes are mapped in one run, the offsets stay.
// SAFETY: `to` has `end` bytes; those before `start` are zeroed, the others read from `data`, whose rows end at `end` and which is kept alive.
private func asciiCase(_ vector: ColumnVector, upper: Bool) -> ColumnVector? {
  guard case .bytes(let offsets, let data) = vector.storage, vector.validity == nil, vector.count > 0 else { return nil }
  let start = Int(offsets[0]), end = Int(offsets[vector.count])
  guard start < end, start * 4 <= end else { return nil }
  let builder = BufferBuilder<UInt8>(capacity: end)
  let to = unsafe builder.appendUninitialized(end)
  let from = unsafe data.pointer
  let first: UInt8 = upper ? 0x61 : 0x41
  var high: UInt8 = 0
  for i in 0..<start { unsafe to[i] = 0 }
  for i in start..<end {
    let byte = unsafe from[i]
    high |= byte
    unsafe to[i] = byte &- first < 26 ? byte ^ 0x20 : byte
  }
  withExtendedLifetime(data) {}
  return high < 0x80 ? .bytes(.string, offsets: offsets, data: builder.finish()) : nil
}

// SAFETY: n fresh bytes are filled, and cut off again where the text is not ASCII; the text is not in the builder.
private func appendCase(_ text: UnsafeBufferPointer<UInt8>, upper: Bool, _ out: BufferBuilder<UInt8>) {
  guard let from = text.baseAddress else { return }
  let n = text.count
  let to = unsafe out.appendUninitialized(n)
  let first: UInt8 = upper ? 0x61 : 0x41
  var high: UInt8 = 0
  for i in 0..<n {
    let byte = unsafe from[i]
    high |= byte
    unsafe to[i] = byte &- first < 26 ? byte ^ 0x20 : byte
  }
  if high < 0x80 { return }
  out.count &-= n
  // One character for one: 'ß' stays, as .NET's invariant culture has it.
  for scalar in unsafe scalars(text) {
    let mapped = upper ? scalar.properties.uppercaseMapping : scalar.properties.lowercaseMapping
    let single = mapped.unicodeScalars.count == 1 ? mapped.unicodeScalars.first ?? scalar : scalar
    appendUTF8(single.value, to: out)
  }
}

/// strcat and strcat_delim (whose first argument is the delimiter).
// SAFETY: rows below n are windows on the arguments' memory, which live for the call and are not the builder appended to.
private func joinKernel(delimited: Bool) -> Kernel {
  { arguments, n in
    let parts = arguments.map { TextRows($0) }
    let out = StringBuilder(rows: n, bytes: textEstimate(arguments, n))
    let first = delimited ? 1 : 0
    for i in 0..<n {
      for k in first..<parts.count {
        if delimited, k > first { unsafe out.data.append(contentsOf: parts[0][i]) }
        unsafe out.data.append(contentsOf: parts[k][i])
      }
      try out.checkSize()
      out.endRow()
    }
    return out.finish()
  }
}

// SAFETY: places that `find` and `scalarOffset` give are at most text.count, and `find` gives none behind the window's end.
private func indexOf(
  _ text: UnsafeBufferPointer<UInt8>, _ search: UnsafeBufferPointer<UInt8>, start: Int64, length: Int64, occurrence: Int64
) -> Int64? {
  guard length >= -1, occurrence >= 1 else { return nil }
  let count = unsafe Int64(scalarCount(text))
  let first = start < 0 ? max(0, count + start) : start
  guard first <= count else { return -1 }
  let from = unsafe scalarOffset(text, Int(first))
  let stop = unsafe length < 0 || length >= count - first ? text.count : scalarOffset(text, Int(length), from: from)
  var window = unsafe UnsafeBufferPointer(rebasing: text[0..<stop])
  var at = from
  var left = occurrence
  while let hit = unsafe find(search, in: window, from: at) {
    left -= 1
    if left == 0 { return unsafe Int64(scalarCount(UnsafeBufferPointer(rebasing: text[0..<hit]))) }
    at = hit + 1
    // The next occurrence is looked for in as many characters again (the reference's idx8 example).
    if length >= 0 { unsafe window = unsafe UnsafeBufferPointer(rebasing: text[0..<scalarOffset(text, Int(min(length, count)), from: at)]) }
  }
  return -1
}

/// Replaces from left to right; where several searches match, the earliest pair wins.
// SAFETY: places are found in the text, each with all of its search, do not overlap, and are taken in order, so `at` never lies behind the next.
// The texts are the caller's, not the builder appended to.
private func replaceAll(
  _ text: UnsafeBufferPointer<UInt8>, _ pairs: [(UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>)], _ out: BufferBuilder<UInt8>
) {
  // Earlier texts of the list come first: what they take is out of reach of the later ones.
  var taken: [(at: Int, end: Int, pair: Int)] = []
  for k in unsafe pairs.indices {
    let search = unsafe pairs[k].0
    guard search.count > 0 else { continue }
    var from = 0
    var next = 0
    var found: [(at: Int, end: Int, pair: Int)] = []
    while let hit = unsafe find(search, in: text, from: from) {
      let end = hit + search.count
      while next < taken.count, taken[next].end <= hit { next += 1 }
      if next < taken.count, taken[next].at < end {
        from = taken[next].end
      } else {
        found.append((hit, end, k))
        from = end
      }
    }
    taken = taken.isEmpty ? found : (taken + found).sorted { $0.at < $1.at }
  }
  var at = 0
  for place in taken {
    unsafe out.append(contentsOf: UnsafeBufferPointer(rebasing: text[at..<place.at]))
    unsafe out.append(contentsOf: pairs[place.pair].1)
    at = place.end
  }
  unsafe out.append(contentsOf: UnsafeBufferPointer(rebasing: text[at...]))
}

// SAFETY: a hit has all of the delimiter behind it, so `at` is at most text.count.
private func splitText(_ text: UnsafeBufferPointer<UInt8>, _ delimiter: UnsafeBufferPointer<UInt8>) -> [String] {
  guard delimiter.count > 0 else { return unsafe [String(decoding: text, as: UTF8.self)] }
  var out: [String] = []
  var at = 0
  while let hit = unsafe find(delimiter, in: text, from: at) {
    unsafe out.append(String(decoding: UnsafeBufferPointer(rebasing: text[at..<hit]), as: UTF8.self))
    at = hit + delimiter.count
  }
  unsafe out.append(String(decoding: UnsafeBufferPointer(rebasing: text[at...]), as: UTF8.self))
  return out
}
