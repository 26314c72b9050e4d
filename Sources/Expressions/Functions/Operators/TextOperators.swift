// Role: KQL's text operators: has, contains, startswith, endswith and their prefix, suffix, negated and case-sensitive forms, =~ and !~,
// has_any, has_all, matches regex. Source: Kusto "String operators".

import Columnar

let textOperators: [FunctionSpec] =
  FunctionName.stringOperators.sorted().map { name in
    FunctionSpec(name, .operator, 2...2, parameters: "text, search", "Text test.", example: "'North America' \(name) 'america'") { call in
      let isNegated = name.hasPrefix("!")
      let isCaseSensitive = name.hasSuffix("_cs")
      var base = isNegated ? Substring(name.dropFirst()) : Substring(name)
      if isCaseSensitive { base = base.dropLast(3) }
      let test: TextTest = switch base {
      case "has": .has
      case "hasprefix": .hasPrefix
      case "hassuffix": .hasSuffix
      case "startswith": .startsWith
      case "endswith": .endsWith
      default: .contains
      }
      return try bindTextTest(call, test, isCaseSensitive: isCaseSensitive, isNegated: isNegated)
    }
  } + [
    FunctionSpec(FunctionName.equalTilde, .operator, 2...2, parameters: "left, right", "Equal texts, whatever the case.", example: "'a' =~ 'A'") {
      try bindTextTest($0, .equals, isCaseSensitive: false, isNegated: false)
    },
    FunctionSpec(FunctionName.notEqualTilde, .operator, 2...2, parameters: "left, right", "Different texts, whatever the case.", example: "'a' !~ 'b'") {
      try bindTextTest($0, .equals, isCaseSensitive: false, isNegated: true)
    },
    FunctionSpec(
      FunctionName.hasAny, .operator, 2...FunctionSpec.unbounded, parameters: "text, item, …", "True when any item is a term of the text.",
      example: "'North America' has_any ('south', 'north')"
    ) { try bindHasMany($0, isAll: false) },
    FunctionSpec(
      FunctionName.hasAll, .operator, 2...FunctionSpec.unbounded, parameters: "text, item, …", "True when all items are terms of the text.",
      example: "'North America' has_all ('america', 'north')"
    ) { try bindHasMany($0, isAll: true) },
  ]

private func checkText(_ call: FunctionCall) throws {
  for type in call.types where type != .string && type != .dynamic { throw call.wrongTypes("string") }
}

// SAFETY: rows are windows on the arguments' memory, which live for the call; a needle copies its text.
private func bindTextTest(_ call: FunctionCall, _ test: TextTest, isCaseSensitive: Bool, isNegated: Bool) throws -> BoundFunction {
  try checkText(call)
  if let constant = call.constants[1] {
    let needle = TextNeedle(text: constant.plainText, test, isCaseSensitive: isCaseSensitive)
    return BoundFunction(.bool, [.string, .string]) { arguments, n in
      let found = needle.search(arguments[0], n)
      return .bool(isNegated ? found.inverted : found)
    }
  }
  return unsafe BoundFunction(.bool, [.string, .string], kernel: rows(TextRows.self, TextRows.self) { text, search in
    unsafe TextNeedle(search, test, isCaseSensitive: isCaseSensitive).matches(text) != isNegated
  })
}

private func bindHasMany(_ call: FunctionCall, isAll: Bool) throws -> BoundFunction {
  guard let items = call.constantItems(from: 1) else { return try bindHasComputed(call, isAll: isAll) }
  try checkText(FunctionCall(name: call.name, types: [call.types[0]], constants: [call.constants[0]], context: call.context))
  let needles = items.map { TextNeedle(text: $0.plainText, .has, isCaseSensitive: false) }
  return BoundFunction(.bool, [.string]) { arguments, n in
    var found = Bitmap(repeating: isAll, count: n)
    for needle in needles {
      let rows = needle.search(arguments[0], n)
      found = isAll ? found.and(rows) : found.or(rows)
    }
    return .bool(found)
  }
}

/// Items that change from row to row: texts, or arrays of texts.
// SAFETY: row i is a window on the argument's memory, which lives for the call; a needle copies its text.
private func bindHasComputed(_ call: FunctionCall, isAll: Bool) throws -> BoundFunction {
  try checkText(call)
  return BoundFunction(.bool, [.string] + call.types.dropFirst(), nulls: .custom) { arguments, n in
    let text = TextRows(arguments[0])
    let items = arguments.dropFirst().map { ScalarRows($0) }
    return .bool(bits(n) { i in
      var wanted: [String] = []
      for item in items {
        if case .dynamic(.array(let elements)) = item[i] { wanted += elements.map(\.text) } else { wanted.append(item[i].plainText) }
      }
      let row = unsafe text[i]
      let isThere: (String) -> Bool = { unsafe TextNeedle(text: $0, .has, isCaseSensitive: false).matches(row) }
      return isAll ? wanted.allSatisfy(isThere) : wanted.contains(where: isThere)
    })
  }
}

extension TextNeedle {
  convenience init(text: String, _ test: TextTest, isCaseSensitive: Bool) {
    let bytes = Array(text.utf8)
    self.init(bytes: bytes, test, isCaseSensitive: isCaseSensitive)
  }

  // SAFETY: `copy` has bytes.count bytes, all initialised, and is freed behind the initialiser, which copies them.
  private convenience init(bytes: [UInt8], _ test: TextTest, isCaseSensitive: Bool) {
    let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
    _ = unsafe copy.initialize(from: bytes)
    unsafe self.init(UnsafeBufferPointer(copy), test, isCaseSensitive: isCaseSensitive)
    unsafe copy.deallocate()
  }
}

extension Scalar {
  /// The text `tostring` gives.
  var plainText: String {
    if case .dynamic(let value) = self { return value.text }
    return ScalarText.text(self) ?? ""
  }
}

extension FunctionCall {
  /// The constant items of a list operator: single values, or the elements of dynamic arrays; nil when one is not constant.
  func constantItems(from first: Int) -> [Scalar]? {
    var out: [Scalar] = []
    for i in first..<count {
      guard let value = constants[i] else { return nil }
      if case .dynamic(.array(let elements)) = value { out += elements.map { Scalar($0) } } else { out.append(value) }
    }
    return out
  }
}

extension Scalar {
  /// The scalar inside a dynamic value; arrays and bags stay dynamic, null is a dynamic null.
  init(_ value: DynamicValue) {
    self = switch value {
    case .null: .null(.dynamic)
    case .bool(let v): .bool(v)
    case .long(let v): .long(v)
    case .real(let v): .real(v)
    case .decimal(let v): .decimal(v)
    case .string(let v): .string(v)
    case .datetime(let v): .datetime(v)
    case .timespan(let v): .timespan(v)
    case .guid(let v): .guid(v)
    case .array, .bag: .dynamic(value)
    }
  }
}
