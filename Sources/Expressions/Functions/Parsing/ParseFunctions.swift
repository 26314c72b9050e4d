// Role: texts with a structure: JSON paths, CSV records, URLs, file paths, versions, command lines. Source: Kusto language reference.

import Columnar

private func spec(_ name: String, aliases: [String] = [], _ arity: ClosedRange<Int>, _ parameters: String, _ summary: String, _ example: String,
  bind: @escaping @Sendable (FunctionCall) throws -> BoundFunction) -> FunctionSpec
{
  FunctionSpec(name, aliases: aliases, .parsing, arity, parameters: parameters, summary, example: example, bind: bind)
}

let parsingFunctions: [FunctionSpec] = [
  // SAFETY: rows are windows on the arguments' memory, which live for the call; the value is a copy, made before `scratch` is written again.
  spec("extract_json", aliases: ["extractjson"], 2...3, "path, text [, type]", "The value at a path of JSON text.", "extract_json('$.a', '{\"a\":1}')") { call in
    let text = try call.constantText(0, "the path")
    guard let path = JSONPath(text) else { throw call.invalid("'\(text)' is no JSON path") }
    let type = call.count == 3 ? try call.typeLiteral(2) : .string
    // Doubles lose digits that texts and decimals have.
    let keepsDigits = type == .string || type == .decimal
    return BoundFunction(type, [.string, .string], nulls: .custom) { arguments, n in
      let rows = TextRows(arguments[1])
      let parser = DynamicParser(.json)
      let scratch = BufferBuilder<UInt8>()
      let values = try DynamicValue.collect(n) { i in
        scratch.count = 0
        do throws(JSONTextError) { try unsafe parser.parse(rows[i], into: scratch) } catch { return .null }
        let found = unsafe path.resolve(DynamicView(UnsafePointer(scratch.pointer), scratch.count).value) ?? .null
        if keepsDigits, case .real = found, let digits = unsafe path.number(in: rows[i]) { return .string(digits) }
        return found
      }
      return values.cast(to: type)
    }
  },
  // SAFETY: the row lives for the call, and the fields are copies.
  unsafe spec("parse_csv", 1...1, "text", "The fields of one CSV record.", "parse_csv('a,\"b,c\"')",
    bind: BoundFunction.unary(.dynamic, .string, rows(TextRows.self) { text -> DynamicValue in unsafe .array(csvFields(text).map { .string($0) }) })),
  spec("parse_url", aliases: ["parseurl"], 1...1, "text", "The parts of a URL.", "parse_url('http://host/path?k=v#f')",
    bind: BoundFunction.unary(.dynamic, .string, rows(StringRows.self) { parseURL($0) })),
  spec("parse_urlquery", aliases: ["parseurlquery"], 1...1, "text", "The parameters of a URL query.", "parse_urlquery('a=1&b=2')",
    bind: BoundFunction.unary(.dynamic, .string, rows(StringRows.self) { text -> DynamicValue in .bag([DynamicEntry("Query Parameters", queryParameters(Substring(text)))]) })),
  spec("parse_path", 1...1, "text", "The parts of a file path.", "parse_path('/usr/lib/file.txt')",
    bind: BoundFunction.unary(.dynamic, .string, rows(StringRows.self) { parsePath($0) })),
  spec("parse_version", 1...1, "text", "A version as a decimal that compares like it.", "parse_version('1.2.3')",
    bind: BoundFunction.unary(.decimal, .string, rows(StringRows.self) { text -> DecimalValue? in
      let parts = text.split(separator: ".", omittingEmptySubsequences: false)
      guard (1...4).contains(parts.count) else { return nil }
      var value: Int128 = 0
      for k in 0..<4 {
        value *= 100_000_000
        guard k < parts.count else { continue }
        guard parts[k].utf8.count <= 8, parts[k].utf8.allSatisfy({ $0 &- 0x30 < 10 }), let number = Int128(parts[k]) else { return nil }
        value += number
      }
      return DecimalValue(value)
    })),
  // SAFETY: the row lives for the call, and the arguments are copies.
  spec("parse_command_line", 2...2, "text, 'windows'", "The arguments of a Windows command line.", "parse_command_line('a \"b c\"', 'windows')") { call in
    let kind = try call.constantText(1, "the kind of command line")
    guard kind.lowercased() == "windows" else { throw call.invalid("only 'windows' is known, not '\(kind)'") }
    return unsafe BoundFunction(.dynamic, [.string, .string], kernel: rows(TextRows.self, TextRows.self) { text, _ -> DynamicValue in
      unsafe text.count == 0 ? .null : .array(windowsArguments(text).map { .string($0) })
    })
  },
]

/// Fields of the first record; quotes double inside quotes.
// SAFETY: text[i + 1] is read where i + 1 is below text.count.
private func csvFields(_ text: UnsafeBufferPointer<UInt8>) -> [String] {
  var out: [String] = []
  var field: [UInt8] = []
  var i = 0
  var isQuoted = false
  while i < text.count {
    let b = unsafe text[i]
    if isQuoted {
      if b == 0x22 {
        if i + 1 < text.count, unsafe text[i + 1] == 0x22 { field.append(b); i += 1 } else { isQuoted = false }
      } else {
        field.append(b)
      }
    } else if b == 0x22, field.isEmpty {
      isQuoted = true
    } else if b == 0x2C {
      out.append(String(decoding: field, as: UTF8.self))
      field = []
    } else if b == 0x0A || b == 0x0D {
      break
    } else {
      field.append(b)
    }
    i += 1
  }
  out.append(String(decoding: field, as: UTF8.self))
  return out
}

// SAFETY: the text's bytes live for the call.
private func queryParameters(_ query: Substring) -> DynamicValue {
  var entries: [DynamicEntry] = []
  for pair in query.split(separator: "&") {
    let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    func decoded(_ text: Substring) -> String {
      var text = String(text)
      return text.withUTF8 { unsafe String(decoding: urlDecoded($0), as: UTF8.self) }
    }
    let entry = DynamicEntry(decoded(parts[0]), .string(parts.count > 1 ? decoded(parts[1]) : ""))
    if let k = entries.firstIndex(where: { $0.isNamed(entry.key) }) { entries[k] = entry } else { entries.append(entry) }
  }
  return .bag(entries)
}

private func parseURL(_ url: String) -> DynamicValue {
  var rest = Substring(url)
  func cut(_ text: inout Substring, at index: Substring.Index) -> Substring {
    let tail = text[text.index(after: index)...]
    text = text[..<index]
    return tail
  }
  var fragment: Substring = "", query: Substring = "", scheme: Substring = "", user: Substring = "", password: Substring = "", port: Substring = "", path: Substring = ""
  if let i = rest.firstIndex(of: "#") { fragment = cut(&rest, at: i) }
  if let i = rest.firstIndex(of: "?") { query = cut(&rest, at: i) }
  var host = rest
  if let i = rest.firstIndex(of: ":"), rest[i...].hasPrefix("://") {
    scheme = rest[..<i]
    host = rest[rest.index(i, offsetBy: 3)...]
    if let i = host.firstIndex(of: "/") {
      path = host[host.index(after: i)...]
      host = host[..<i]
    }
    if let i = host.lastIndex(of: "@") {
      user = host[..<i]
      host = host[host.index(after: i)...]
      if let k = user.firstIndex(of: ":") { password = cut(&user, at: k) }
    }
    if let i = host.lastIndex(of: ":"), host[host.index(after: i)...].allSatisfy(\.isNumber) { port = cut(&host, at: i) }
  } else {
    path = rest
    host = ""
  }
  let parts: [(String, Substring)] = [("Scheme", scheme), ("Host", host), ("Port", port), ("Path", path), ("Username", user), ("Password", password)]
  var entries = parts.map { DynamicEntry($0.0, .string(String($0.1))) }
  entries.append(DynamicEntry("Query Parameters", queryParameters(query)))
  entries.append(DynamicEntry("Fragment", .string(String(fragment))))
  return .bag(entries)
}

private func parsePath(_ path: String) -> DynamicValue {
  var rest = Array(path.utf8)
  func text(_ bytes: some Sequence<UInt8>) -> String { String(decoding: Array(bytes), as: UTF8.self) }
  var scheme = "", root = "", stream = ""
  let isSlash: (UInt8) -> Bool = { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") }
  if let k = rest.indices.first(where: { rest[$0] == UInt8(ascii: ":") && $0 + 2 < rest.count && rest[$0 + 1] == 0x2F && rest[$0 + 2] == 0x2F }) {
    scheme = text(rest[..<k])
    rest = Array(rest[(k + 3)...])
  }
  let longPrefix = Array(#"\\?\"#.utf8)
  if rest.starts(with: longPrefix) { rest = Array(rest[longPrefix.count...]) }
  if rest.count >= 2, rest[1] == UInt8(ascii: ":") { root = text(rest[..<2]) }
  let lastSlash = rest.lastIndex(where: isSlash)
  var file = Array(rest[(lastSlash.map { $0 + 1 } ?? 0)...])
  if lastSlash != nil || root.isEmpty, let colon = file.firstIndex(of: UInt8(ascii: ":")) {
    stream = text(file[(colon + 1)...])
    file = Array(file[..<colon])
  }
  let directory = lastSlash.map { Array(rest[..<$0]) } ?? []
  let directoryName = directory.lastIndex(where: isSlash).map { Array(directory[($0 + 1)...]) } ?? directory
  let fileExtension = file.lastIndex(of: UInt8(ascii: ".")).map { Array(file[($0 + 1)...]) } ?? []
  return .bag([
    DynamicEntry("Scheme", .string(scheme)), DynamicEntry("RootPath", .string(root)), DynamicEntry("DirectoryPath", .string(text(directory))),
    DynamicEntry("DirectoryName", .string(text(directoryName))), DynamicEntry("Filename", .string(text(file))),
    DynamicEntry("Extension", .string(text(fileExtension))), DynamicEntry("AlternateDataStreamName", .string(stream)),
  ])
}

/// As CommandLineToArgvW: backslashes count before a quote only.
// SAFETY: text[i] is read where i < text.count.
private func windowsArguments(_ text: UnsafeBufferPointer<UInt8>) -> [String] {
  var out: [String] = []
  var current: [UInt8] = []
  var isInside = false, isQuoted = false
  var i = 0
  while i < text.count {
    let b = unsafe text[i]
    if b == UInt8(ascii: "\\") {
      var n = 0
      while i < text.count, unsafe text[i] == b { n += 1; i += 1 }
      let hasQuote = unsafe i < text.count && text[i] == 0x22
      current += Array(repeating: b, count: hasQuote ? n / 2 : n)
      isInside = true
      if hasQuote, n % 2 == 1 {
        current.append(0x22)
        i += 1
      }
      continue
    }
    if b == 0x22 {
      isQuoted.toggle()
      isInside = true
    } else if b == 0x20 || b == 0x09, !isQuoted {
      if isInside { out.append(String(decoding: current, as: UTF8.self)) }
      current = []
      isInside = false
    } else {
      current.append(b)
      isInside = true
    }
    i += 1
  }
  if isInside { out.append(String(decoding: current, as: UTF8.self)) }
  return out
}
