// Role: which terms (runs of ASCII letters and digits) must stand in a text column where a predicate is true, so that an index of terms can
// rule out rows. Runs whose ends are not sure to be ends of terms in the row are left out.

import Columnar

/// A column and sets of lower-case terms: where the predicate is true, the column's text has all terms of at least one set.
package struct RequiredTerms: Sendable, Hashable {
  package var column: String
  package var alternatives: [[String]]
}

extension PruningPredicate {
  /// What each conjunct demands; conjuncts that demand no term of one column are left out.
  package var requiredTerms: [RequiredTerms] { expr.conjuncts.flatMap(Self.terms) }

  /// The shortest run that an index holds.
  private static let minLength = 3

  private static func terms(_ term: Expr) -> [RequiredTerms] {
    guard case .call(let name, let arguments) = term else { return [] }
    switch name {
    case FunctionName.or:
      var column: String?
      var alternatives: [[String]] = []
      for argument in arguments {
        // Of a conjunction inside, the demand on one column is enough.
        guard let one = argument.conjuncts.lazy.flatMap(terms).first(where: { column == nil || $0.column == column }) else { return [] }
        column = one.column
        alternatives += one.alternatives
      }
      return column.map { [RequiredTerms(column: $0, alternatives: alternatives)] } ?? []
    case FunctionName.hasAll:
      guard case .column(let column)? = arguments.first, let items = PruningPredicate.items(arguments.dropFirst()) else { return [] }
      return items.compactMap { demand(column, [$0], startsTerm: true, endsTerm: true, isCaseSensitive: false) }
    case FunctionName.hasAny, FunctionName.in, FunctionName.inTilde:
      guard case .column(let column)? = arguments.first, let items = PruningPredicate.items(arguments.dropFirst()) else { return [] }
      return demand(column, items, startsTerm: true, endsTerm: true, isCaseSensitive: name == FunctionName.in).map { [$0] } ?? []
    case FunctionName.equal:
      switch (arguments.first, arguments.last) {
      case (.column(let column)?, .literal(let value)?), (.literal(let value)?, .column(let column)?):
        return demand(column, [value], startsTerm: true, endsTerm: true, isCaseSensitive: true).map { [$0] } ?? []
      default: return []
      }
    default:
      guard let ends = ends[name], case .column(let column)? = arguments.first, case .literal(let value)? = arguments.last, arguments.count == 2 else { return [] }
      return demand(column, [value], startsTerm: ends.start, endsTerm: ends.end, isCaseSensitive: name.hasSuffix("_cs")).map { [$0] } ?? []
    }
  }

  /// Whether the needle's first and last run begin and end terms of the row.
  private static let ends: [String: (start: Bool, end: Bool)] = [
    "has": (true, true), "has_cs": (true, true), "=~": (true, true), "contains": (false, false), "contains_cs": (false, false),
    "startswith": (true, false), "startswith_cs": (true, false), "endswith": (false, true), "endswith_cs": (false, true),
    "hasprefix": (true, false), "hasprefix_cs": (true, false), "hassuffix": (false, true), "hassuffix_cs": (false, true),
  ]

  private static func demand(_ column: String, _ needles: [Scalar], startsTerm: Bool, endsTerm: Bool, isCaseSensitive: Bool) -> RequiredTerms? {
    var alternatives: [[String]] = []
    for needle in needles {
      guard case .string(let text) = needle else { return nil }
      let found = runs(text, startsTerm: startsTerm, endsTerm: endsTerm, isCaseSensitive: isCaseSensitive)
      if found.isEmpty { return nil }
      alternatives.append(found)
    }
    return alternatives.isEmpty ? nil : RequiredTerms(column: column, alternatives: alternatives)
  }

  private static func runs(_ text: String, startsTerm: Bool, endsTerm: Bool, isCaseSensitive: Bool) -> [String] {
    let bytes = Array(text.utf8)
    // With other letters the whole text is folded by Unicode, where letters outside ASCII can become ASCII ones.
    if !isCaseSensitive, bytes.contains(where: { $0 >= 0x80 }) { return [] }
    var out: Set<String> = []
    var i = 0
    while i < bytes.count {
      while i < bytes.count, !isTerm(bytes[i]) { i += 1 }
      let start = i
      while i < bytes.count, isTerm(bytes[i]) { i += 1 }
      let isSure = (start > 0 || startsTerm) && (i < bytes.count || endsTerm)
      if i - start >= minLength, isSure { out.insert(String(decoding: bytes[start..<i].map { $0 | 0x20 }, as: UTF8.self)) }
    }
    return out.sorted()
  }

  private static func isTerm(_ b: UInt8) -> Bool { (b | 0x20) &- 0x61 < 26 || b &- 0x30 < 10 }
}
