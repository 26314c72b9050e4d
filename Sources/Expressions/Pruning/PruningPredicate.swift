// Role: decides from statistics alone that no row of a range can satisfy a predicate. Used for files, row groups and pages alike.
// Every condition is worked out as the set of results it can have (true, false, null) given bounds; what is not understood can have all.
// Null rules are those of the evaluator: null == value is false, null != value is true, orderings with null are null; null texts are ''.
// NaN compares false with everything, and != true.

package import Columnar

/// A predicate prepared for statistics.
package struct PruningPredicate: Sendable {
  package let expr: Expr

  package init(_ expr: Expr) { self.expr = expr }

  /// False only when certainly no row satisfies the predicate. `statistics` gives what is known of a column, nil when nothing is.
  package func mayMatch(_ statistics: (String) -> ColumnStatistics?) -> Bool {
    outcomes(expr, statistics, depth: 0).contains(.isTrue)
  }

  /// The equality probes a bloom filter can answer: a range whose filter denies all values of one of them has no matching row. (Column,
  /// values) pairs that must all be possible. Values keep the literal's type: a long for an int column, for instance; probes that a
  /// null or differently written value could satisfy (empty text, zero and NaN of real) are left out.
  package var requiredEqualities: [(column: String, values: [Scalar])] {
    expr.conjuncts.compactMap { term in
      guard let (column, values) = Self.equality(term), !values.isEmpty, values.allSatisfy(Self.isProbe) else { return nil }
      return (column, values)
    }
  }

  private static func isProbe(_ value: Scalar) -> Bool {
    switch value {
    case .null, .dynamic: false
    case .string(let text): !text.isEmpty
    case .real(let v): v != 0 && !v.isNaN
    default: true
    }
  }

  /// A column and the only values it can have where the term is true.
  private static func equality(_ term: Expr) -> (String, [Scalar])? {
    guard case .call(let name, let arguments) = term else { return nil }
    switch name {
    case FunctionName.equal:
      switch (arguments.first, arguments.last) {
      case (.column(let column)?, .literal(let value)?), (.literal(let value)?, .column(let column)?): return (column, [value])
      default: return nil
      }
    case FunctionName.in:
      guard case .column(let column)? = arguments.first, let items = items(arguments.dropFirst()) else { return nil }
      return (column, items)
    case FunctionName.or:
      var column: String?
      var values: [Scalar] = []
      for argument in arguments {
        guard let (name, some) = equality(argument), column == nil || column == name else { return nil }
        column = name
        values += some
      }
      return column.map { ($0, values) }
    default: return nil
    }
  }

  /// The constant items of a list; nil when one is not constant.
  static func items(_ list: ArraySlice<Expr>) -> [Scalar]? {
    var out: [Scalar] = []
    for item in list {
      guard case .literal(let value) = item else { return nil }
      if case .dynamic(.array(let elements)) = value {
        for element in elements {
          guard let scalar = element.scalar else { return nil }
          out.append(scalar)
        }
      } else {
        out.append(value)
      }
    }
    return out
  }

  // MARK: - Conditions

  private struct Outcomes: OptionSet {
    let rawValue: UInt8
    static let isTrue = Outcomes(rawValue: 1), isFalse = Outcomes(rawValue: 2), isNull = Outcomes(rawValue: 4)
    static let any: Outcomes = [.isTrue, .isFalse, .isNull]
  }

  private typealias Statistics = (String) -> ColumnStatistics?

  private func outcomes(_ expr: Expr, _ statistics: Statistics, depth: Int) -> Outcomes {
    guard depth < 500 else { return .any }
    switch expr {
    case .literal(.bool(let value)): return value ? .isTrue : .isFalse
    case .literal(let value): return value.isNull ? .isNull : .any
    case .column(let name):
      guard let known = statistics(name), known.type == .bool else { return .any }
      let range = ValueRange(known)
      var out: Outcomes = range.mayBeNull ? .isNull : []
      if range.mayHaveValues {
        if range.high != .bool(false) { out.insert(.isTrue) }
        if range.low != .bool(true) { out.insert(.isFalse) }
      }
      return out
    case .call(let name, let arguments): return outcomes(name, arguments, statistics, depth: depth + 1)
    }
  }

  private func outcomes(_ name: String, _ arguments: [Expr], _ statistics: Statistics, depth: Int) -> Outcomes {
    func condition(_ i: Int) -> Outcomes { outcomes(arguments[i], statistics, depth: depth) }
    func value(_ i: Int) -> ValueRange? { range(arguments[i], statistics, depth: depth) }
    switch name {
    case FunctionName.and:
      var out: Outcomes = .isTrue
      for i in arguments.indices {
        let one = condition(i)
        if !one.contains(.isTrue) { out.remove(.isTrue) }
        out.formUnion(one.intersection([.isFalse, .isNull]))
      }
      return out
    case FunctionName.or:
      var out: Outcomes = .isFalse
      for i in arguments.indices {
        let one = condition(i)
        if !one.contains(.isFalse) { out.remove(.isFalse) }
        out.formUnion(one.intersection([.isTrue, .isNull]))
      }
      return out
    case FunctionName.not where arguments.count == 1: return negated(condition(0))
    case FunctionName.equal, FunctionName.notEqual, FunctionName.less, FunctionName.lessOrEqual, FunctionName.greater, FunctionName.greaterOrEqual:
      guard arguments.count == 2, let a = value(0), let b = value(1) else { return .any }
      return comparison(name, a, b)
    case FunctionName.between, FunctionName.notBetween:
      guard arguments.count == 3, let x = value(0), let low = value(1), let high = value(2) else { return .any }
      let above = comparison(FunctionName.greaterOrEqual, x, low), below = comparison(FunctionName.lessOrEqual, x, high)
      var both = above.union(below)
      if !above.contains(.isTrue) || !below.contains(.isTrue) { both.remove(.isTrue) }
      return name == FunctionName.between ? both : negated(both)
    case FunctionName.in, FunctionName.notIn:
      guard let x = value(0), let items = Self.items(arguments.dropFirst()) else { return .any }
      return membership(x, items, isNegated: name == FunctionName.notIn)
    case "isnull", "isnotnull":
      guard arguments.count == 1, let x = value(0), x.type != .string, x.type != .dynamic else { return .any }
      var out: Outcomes = x.mayBeNull ? .isTrue : []
      if x.mayHaveValues { out.insert(.isFalse) }
      return name == "isnull" ? out : negated(out)
    case "isempty", "isnotempty", "notempty":
      guard arguments.count == 1, let x = value(0), x.type == .string else { return .any }
      let empty = comparison(FunctionName.equal, x, .constant(.string("")))
      return name == "isempty" ? empty : negated(empty)
    case "startswith_cs", "startswith", FunctionName.equalTilde:
      guard arguments.count == 2, let x = value(0), x.type == .string, case .literal(.string(let prefix)) = arguments[1] else { return .any }
      let texts = name == "startswith_cs" ? [TextBounds.starting(with: prefix)] : TextBounds.startingAnyCase(with: prefix)
      return texts.contains { ValueRange.canBeEqual(x, $0) } ? .any : [.isFalse, .isNull]
    default: return .any
    }
  }

  private func negated(_ x: Outcomes) -> Outcomes {
    var out = x.intersection(.isNull)
    if x.contains(.isTrue) { out.insert(.isFalse) }
    if x.contains(.isFalse) { out.insert(.isTrue) }
    return out
  }

  private func comparison(_ name: String, _ a: ValueRange, _ b: ValueRange) -> Outcomes {
    guard a.type != .dynamic, b.type != .dynamic else { return .any }
    var out: Outcomes = []
    let isUnequal = name == FunctionName.notEqual
    if a.mayBeNull || b.mayBeNull { out.formUnion(isUnequal ? [.isNull, .isTrue] : [.isNull, .isFalse]) }
    guard a.mayHaveValues, b.mayHaveValues else { return out }
    if a.mayBeNaN || b.mayBeNaN { out.insert(isUnequal ? .isTrue : .isFalse) }
    let canBeTrue: Bool, canBeFalse: Bool
    switch name {
    case FunctionName.equal: (canBeTrue, canBeFalse) = (ValueRange.canBeEqual(a, b), ValueRange.canDiffer(a, b))
    case FunctionName.notEqual: (canBeTrue, canBeFalse) = (ValueRange.canDiffer(a, b), ValueRange.canBeEqual(a, b))
    case FunctionName.less: (canBeTrue, canBeFalse) = (ValueRange.canBeLess(a, b), ValueRange.canBeAtMost(b, a))
    case FunctionName.lessOrEqual: (canBeTrue, canBeFalse) = (ValueRange.canBeAtMost(a, b), ValueRange.canBeLess(b, a))
    case FunctionName.greater: (canBeTrue, canBeFalse) = (ValueRange.canBeLess(b, a), ValueRange.canBeAtMost(a, b))
    default: (canBeTrue, canBeFalse) = (ValueRange.canBeAtMost(b, a), ValueRange.canBeLess(a, b))
    }
    if canBeTrue { out.insert(.isTrue) }
    if canBeFalse { out.insert(.isFalse) }
    return out
  }

  private func membership(_ x: ValueRange, _ items: [Scalar], isNegated: Bool) -> Outcomes {
    guard x.type != .dynamic else { return .any }
    var out: Outcomes = []
    // A null value is in no list; whether that reads as false or null does not matter here, nor does the negation's.
    if x.mayBeNull { out = isNegated ? .any : [.isFalse, .isNull] }
    guard x.mayHaveValues else { return out }
    let equalities = items.map { comparison(FunctionName.equal, x, .constant($0)) }
    let canBeIn = equalities.contains { $0.contains(.isTrue) }
    let canBeOut = equalities.allSatisfy { $0.contains(.isFalse) || $0.contains(.isNull) }
    if canBeIn { out.insert(isNegated ? .isFalse : .isTrue) }
    if canBeOut { out.insert(isNegated ? .isTrue : .isFalse) }
    return out
  }

  // MARK: - Values

  private func range(_ expr: Expr, _ statistics: Statistics, depth: Int) -> ValueRange? {
    guard depth < 500 else { return nil }
    switch expr {
    case .literal(let value): return .constant(value)
    case .column(let name): return statistics(name).map(ValueRange.init)
    case .call(let name, let arguments):
      var ranges: [ValueRange] = []
      for argument in arguments {
        guard let one = range(argument, statistics, depth: depth + 1) else { return nil }
        ranges.append(one)
      }
      return ValueRange.of(call: name, ranges)
    }
  }
}

extension DynamicValue {
  /// The value as a scalar of its own type; nil for arrays and bags.
  var scalar: Scalar? {
    switch self {
    case .null: .null(.dynamic)
    case .bool(let v): .bool(v)
    case .long(let v): .long(v)
    case .real(let v): .real(v)
    case .decimal(let v): .decimal(v)
    case .string(let v): .string(v)
    case .datetime(let v): .datetime(v)
    case .timespan(let v): .timespan(v)
    case .guid(let v): .guid(v)
    case .array, .bag: nil
    }
  }
}
