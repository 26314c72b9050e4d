// Role: functions and operators on regular expressions: matches regex, extract, extract_all, replace_regex, trim*, indexof_regex, regex_quote.

import Columnar

private func spec(
  _ name: String, aliases: [String] = [], _ arity: ClosedRange<Int>, _ parameters: String, _ summary: String, _ example: String,
  bind: @escaping @Sendable (FunctionCall) throws -> BoundFunction
) -> FunctionSpec {
  FunctionSpec(name, aliases: aliases, .text, arity, parameters: parameters, summary, example: example, bind: bind)
}

private func pattern(_ call: FunctionCall, _ i: Int) throws -> Regex {
  try Regex(try call.constantText(i, "the regular expression"), function: call.name)
}

/// The number of a capture group that is given by number or name; nil when there is none.
private func groupNumber(_ item: DynamicValue, _ regex: Regex) -> Int? {
  switch item {
  case .long(let k) where k >= 0 && k <= regex.groupCount: Int(k)
  case .string(let name): regex.group(named: name)
  default: nil
  }
}

/// What the groups hold in all matches of a row; null when there is none.
// SAFETY: the ranges of a match lie within the row, whose bytes live for the call.
private func allMatches(_ regex: Regex, _ row: UnsafeBufferPointer<UInt8>, _ wanted: [Int]) -> DynamicValue {
  var matches: [DynamicValue] = []
  unsafe regex.eachMatch(row, groups: (wanted.max() ?? 0) + 1) { found in
    let parts = wanted.map { k in DynamicValue.string(found[k].map { unsafe String(decoding: UnsafeBufferPointer(rebasing: row[$0]), as: UTF8.self) } ?? "") }
    matches.append(wanted.count == 1 ? parts[0] : .array(parts))
  }
  return matches.isEmpty ? .null : .array(matches)
}

let regexFunctions: [FunctionSpec] = [
  // SAFETY: the rows looked at are below n and windows on the argument's memory, which lives for the call.
  spec(FunctionName.matchesRegex, 2...2, "text, pattern", "True when the pattern occurs in the text.", "'abc' matches regex 'b.'") { call in
    for type in call.types where type != .string && type != .dynamic { throw call.wrongTypes("string") }
    if call.constants[1] == nil { return matchingByRow(call.name) }
    let regex = try pattern(call, 1)
    // A text every match must contain is searched for first, over the whole column.
    let needle = requiredText(try call.constantText(1, "the regular expression")).map { TextNeedle(text: $0, .contains, isCaseSensitive: true) }
    return BoundFunction(.bool, [.string, .string]) { arguments, n in
      let text = TextRows(arguments[0])
      guard let needle else { return .bool(bits(n) { unsafe regex.matches(text[$0]) }) }
      let candidates = needle.search(arguments[0], n)
      let out = WordBuilder(n)
      for w in 0..<Bitmap.wordCount(n) {
        var word = candidates.words[w]
        while word != 0 {
          let i = w &* 64 &+ word.trailingZeroBitCount
          if unsafe regex.matches(text[i]) { out.set(i) }
          word &= word &- 1
        }
      }
      return .bool(out.finish())
    }
  },
  spec("extract", 3...4, "pattern, group, text [, type]", "The text of a capture group of the first match.", "extract('x=(\\\\d+)', 1, 'x=12')") { call in
    let regex = try pattern(call, 0)
    let type = call.count == 4 ? try call.typeLiteral(3) : .string
    return BoundFunction(type, [.string, .long, .string], nulls: .custom) { arguments, n in
      let group = LongRows(arguments[1]), text = TextRows(arguments[2])
      let out = StringBuilder(rows: n)
      for i in 0..<n {
        let row = unsafe text[i]
        let wanted = group[i]
        if wanted >= 0, wanted <= regex.groupCount, let found = unsafe regex.firstMatch(row, groups: Int(wanted) + 1), let range = found[Int(wanted)] {
          unsafe out.data.append(contentsOf: UnsafeBufferPointer(rebasing: row[range]))
        }
        out.endRow()
      }
      return out.finish().cast(to: type)
    }
  },
  spec("extract_all", aliases: ["extractall"], 2...3, "pattern [, groups], text", "All matches of the capture groups as an array.", "extract_all('(\\\\d+)', 'a1b22')") { call in
    let regex = try pattern(call, 0)
    if call.count == 3, call.constants[1] == nil {
      // Groups that change from row to row; rows that ask for one that is not there have no matches.
      return BoundFunction(.dynamic, [.string, .dynamic, .string], nulls: .custom) { arguments, n in
        let groups = DynamicRows(arguments[1]), text = TextRows(arguments[2])
        return try DynamicValue.collect(n) { i in
          guard case .array(let items) = groups[i].value else { return .null }
          let wanted = items.compactMap { groupNumber($0, regex) }
          return unsafe wanted.count == items.count ? allMatches(regex, text[i], wanted) : .null
        }
      }
    }
    var groups = regex.groupCount == 0 ? [0] : Array(1...regex.groupCount)
    if call.count == 3 {
      guard case .dynamic(.array(let items))? = call.constants[1] else { throw call.invalid("the capture groups must be an array") }
      groups = try items.map { item in
        guard let k = groupNumber(item, regex) else { throw call.invalid("there is no capture group \(item.json)") }
        return k
      }
    }
    let wanted = groups
    let at = call.count - 1
    return BoundFunction(.dynamic, at == 1 ? [.string, .string] : [.string, .dynamic, .string], nulls: .custom) { arguments, n in
      let text = TextRows(arguments[at])
      return try DynamicValue.collect(n) { i in unsafe allMatches(regex, text[i], wanted) }
    }
  },
  spec("replace_regex", 3...3, "text, pattern, rewrite", "Replaces all matches; \\1 stands for a group.", "replace_regex('a1', '\\\\d', 'x')") { call in
    try replacement(call, text: 0, pattern: 1, rewrite: 2)
  },
  spec("replace", 3...3, "pattern, rewrite, text", "Replaces all matches (old name with another order of arguments).", "replace('\\\\d', 'x', 'a1')") { call in
    try replacement(call, text: 2, pattern: 0, rewrite: 1)
  },
  spec("trim", 2...2, "pattern, text", "Removes matches at both ends.", "trim('-+', '--a--')") { try trimming($0, start: true, end: true) },
  spec("trim_start", 2...2, "pattern, text", "Removes a match at the start.", "trim_start('-+', '--a')") { try trimming($0, start: true, end: false) },
  spec("trim_end", 2...2, "pattern, text", "Removes a match at the end.", "trim_end('-+', 'a--')") { try trimming($0, start: false, end: true) },
  spec("indexof_regex", 2...5, "text, pattern [, start [, length [, occurrence]]]", "Position of a match, -1 when there is none.", "indexof_regex('abc', 'b.')") { call in
    let regex = try pattern(call, 1)
    return BoundFunction(.long, [.string, .string] + Array(repeating: .long, count: call.count - 2)) { arguments, n in
      let text = TextRows(arguments[0])
      let numbers = arguments.dropFirst(2).map { LongRows($0) }
      return try Optional<Int64>.collect(n) { i -> Int64? in
        let row = unsafe text[i]
        let start = numbers.count > 0 ? numbers[0][i] : 0, length = numbers.count > 1 ? numbers[1][i] : -1
        let occurrence = numbers.count > 2 ? numbers[2][i] : 1
        guard start >= 0, length >= -1, occurrence >= 1 else { return nil }
        let count = unsafe Int64(scalarCount(row))
        let first = start
        guard first <= count else { return -1 }
        let from = unsafe scalarOffset(row, Int(first))
        let stop = unsafe length < 0 || length >= count - first ? row.count : scalarOffset(row, Int(length), from: from)
        let window = unsafe UnsafeBufferPointer(rebasing: row[0..<stop])
        guard let hit = unsafe regex.match(number: occurrence, in: window, from: from) else { return -1 }
        return unsafe Int64(scalarCount(UnsafeBufferPointer(rebasing: row[0..<hit.lowerBound])))
      }
    }
  },
  // SAFETY: iterates over the row, which lives for the call.
  unsafe spec("regex_quote", 1...1, "text", "The text with the characters that mean something in a pattern escaped.", "regex_quote('a.b')",
    bind: BoundFunction.unary(.string, .string, textRows(TextRows.self) { text, out in
      for unsafe byte in unsafe text {
        if isPatternSign(byte) { out.append(UInt8(ascii: "\\")) }
        out.append(byte)
      }
    })),
]

/// Whether a byte is one of `\ . + * ? ( ) | [ ] { } ^ $ # & - ~`, which an escape makes plain text. Others stay as they are: `\<` is the start of a word.
/// Source: Rust, "regex::escape".
private func isPatternSign(_ byte: UInt8) -> Bool {
  switch byte {
  case 0x23, 0x24, 0x26, 0x28...0x2B, 0x2D, 0x2E, 0x3F, 0x5B...0x5E, 0x7B...0x7E: true
  default: false
  }
}

/// `text matches regex pattern` with a pattern per row. A pattern of a batch is compiled once, unless hundreds of others come in between.
// SAFETY: the rows looked at are below n and windows on the arguments' memory, which lives for the call.
private func matchingByRow(_ function: String) -> BoundFunction {
  BoundFunction(.bool, [.string, .string]) { arguments, n in
    let text = TextRows(arguments[0]), patterns = TextRows(arguments[1])
    var compiled = RegexCache(function: function)
    var last: (row: Int, regex: Regex)?
    let out = WordBuilder(n)
    for i in 0..<n {
      let wanted = unsafe patterns[i]
      let regex: Regex
      if let last, unsafe patterns[last.row].elementsEqual(wanted) {
        regex = last.regex
      } else {
        regex = try unsafe compiled.regex(String(decoding: wanted, as: UTF8.self))
        last = (i, regex)
      }
      if unsafe regex.matches(text[i]) { out.set(i) }
    }
    return .bool(out.finish())
  }
}

/// Plain text at the start of a pattern, behind `^` or `.*`, that every match has; nil when there are fewer than two bytes.
func requiredText(_ pattern: String) -> String? {
  // Scalars, not characters: a sign of the pattern may have a combining mark behind it.
  var rest = Substring(pattern).unicodeScalars
  if rest.contains("|") || rest.starts(with: "(?".unicodeScalars) { return nil }
  if rest.first == "^" { rest = rest.dropFirst() } else { while rest.starts(with: ".*".unicodeScalars) { rest = rest.dropFirst(2) } }
  var out = String.UnicodeScalarView()
  while let c = rest.first {
    if "*?{+".unicodeScalars.contains(c) {
      // What is repeated last is perhaps not there at all.
      if c != "+", !out.isEmpty { out.removeLast() }
      break
    }
    if c == "\\", let next = rest.dropFirst().first, next.isASCII, !next.properties.isAlphabetic, !("0"..."9").contains(next), next != "<", next != ">" {
      out.append(next)
      rest = rest.dropFirst(2)
      continue
    }
    if "\\.[](){}^$|".unicodeScalars.contains(c) { break }
    out.append(c)
    rest = rest.dropFirst()
  }
  let text = String(out)
  return text.utf8.count >= 2 ? text : nil
}

extension FunctionCall {
  /// The type of a `typeof(…)` argument, which front ends pass as a constant string.
  func typeLiteral(_ i: Int) throws -> DataType {
    let name = try constantText(i, "the type")
    guard let type = DataType(name: name) else { throw invalid("'\(name)' is not a type") }
    return type
  }
}

private func replacement(_ call: FunctionCall, text: Int, pattern at: Int, rewrite: Int) throws -> BoundFunction {
  let regex = try pattern(call, at)
  let template = Array(try call.constantText(rewrite, "the rewrite").utf8)
  // Pieces of literal text and group numbers.
  var pieces: [(literal: [UInt8], group: Int?)] = []
  var literal: [UInt8] = []
  var i = 0
  while i < template.count {
    if template[i] == UInt8(ascii: "\\"), i + 1 < template.count {
      let next = template[i + 1]
      if next &- 0x30 < 10 {
        pieces.append((literal, Int(next - 0x30)))
        literal = []
      } else {
        literal.append(next)
      }
      i += 2
    } else {
      literal.append(template[i])
      i += 1
    }
  }
  pieces.append((literal, nil))
  let parts = pieces
  let width = (parts.compactMap(\.group).max() ?? 0) + 1
  guard width <= regex.groupCount + 1 else { throw call.invalid("the rewrite names group \(width - 1), the pattern has \(regex.groupCount)") }
  return BoundFunction(.string, [.string, .string, .string]) { arguments, n in
    let rows = TextRows(arguments[text])
    let out = StringBuilder(rows: n)
    for i in 0..<n {
      let row = unsafe rows[i]
      var done = 0
      unsafe regex.eachMatch(row, groups: width) { found in
        guard let whole = found[0] else { return }
        unsafe out.data.append(contentsOf: UnsafeBufferPointer(rebasing: row[done..<whole.lowerBound]))
        for part in parts {
          unsafe part.literal.withUnsafeBufferPointer { unsafe out.data.append(contentsOf: $0) }
          if let group = part.group, let range = found[group] { unsafe out.data.append(contentsOf: UnsafeBufferPointer(rebasing: row[range])) }
        }
        done = whole.upperBound
      }
      unsafe out.data.append(contentsOf: UnsafeBufferPointer(rebasing: row[done...]))
      out.endRow()
    }
    return out.finish()
  }
}

private func trimming(_ call: FunctionCall, start: Bool, end: Bool) throws -> BoundFunction {
  let source = try call.constantText(0, "the regular expression")
  _ = try Regex(source, function: call.name)
  let first = try Regex(source, function: call.name, prefix: "^(?:", suffix: ")*")
  let last = try Regex(source, function: call.name, prefix: "(?:", suffix: ")+$")
  return unsafe BoundFunction(.string, [.string, .string], kernel: textRows(TextRows.self, TextRows.self) { _, text, out in
    var from = 0, to = text.count
    if start, let range = unsafe first.firstMatch(text, groups: 1)?[0] { from = range.upperBound }
    if end, from < to {
      let rest = unsafe UnsafeBufferPointer(rebasing: text[from..<to])
      if let range = unsafe last.firstMatch(rest, groups: 1)?[0] { to = from + range.lowerBound }
    }
    unsafe out.append(contentsOf: UnsafeBufferPointer(rebasing: text[from..<to]))
  })
}
