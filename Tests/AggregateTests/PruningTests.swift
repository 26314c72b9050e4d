// Role: pruning never drops a range that has a matching row (random data, statistics, predicates, judged by the evaluator), and does drop
// the ranges it should (a table of cases).

import Columnar
import Expressions
import Testing

private let context = EvaluationContext(nowTicks: 0, seed: 1)
private let day: Int64 = 864_000_000_000

private func before(_ a: Scalar, _ b: Scalar) -> Bool {
  switch (a, b) {
  case (.bool(let x), .bool(let y)): !x && y
  case (.real(let x), .real(let y)): x < y
  case (.decimal(let x), .decimal(let y)): x < y
  case (.string(let x), .string(let y)): x.utf8.lexicographicallyPrecedes(y.utf8)
  case (.guid(let x), .guid(let y)): x < y
  default: (a.int64Value ?? 0) < (b.int64Value ?? 0)
  }
}

/// Statistics as a writer would make them; some parts left out.
private func statistics(_ column: ColumnVector, _ g: inout SeededGenerator) -> ColumnStatistics {
  let values = column.scalars.filter { scalar in
    if scalar.isNull { return false }
    if case .real(let v) = scalar { return !v.isNaN }
    return true
  }
  let hasNaN = column.scalars.contains { if case .real(let v) = $0 { v.isNaN } else { false } }
  return ColumnStatistics(
    type: column.type, min: Int.random(in: 0..<8, using: &g) == 0 ? nil : values.min(by: before),
    max: Int.random(in: 0..<8, using: &g) == 0 ? nil : values.max(by: before),
    nullCount: Int.random(in: 0..<5, using: &g) == 0 ? nil : column.nullCount, rowCount: column.count,
    mayHaveNaN: hasNaN || Bool.random(using: &g))
}

private let types: [DataType] = [.bool, .int, .long, .real, .decimal, .string, .datetime, .timespan, .guid]
private let schema = StructType(types.map { StructField("c_\($0)", $0) } + [StructField("d_long", .long)])

private func smallScalar(_ type: DataType, _ base: Int, _ g: inout SeededGenerator) -> Scalar {
  let k = base + Int.random(in: -3...3, using: &g)
  switch type {
  case .bool: return .bool(k % 3 == 0)
  case .int: return .int(Int32(k))
  case .long: return .long(Int64(k))
  case .real: return Int.random(in: 0..<12, using: &g) == 0 ? .real(.nan) : .real(Double(k) / 2)
  case .decimal: return .decimal(DecimalValue(Int128(k) * 5, scale: Bool.random(using: &g) ? 1 : 0))
  case .string: return .string(["", "Apple", "apple", "banana", "Kiwi", "kiwi", "skate", "zebra", "Äpfel"][abs(k) % 9])
  case .datetime: return .datetime(Int64(k) * day / 3)
  case .timespan: return .timespan(Int64(k) * 36_000_000_000)
  case .guid: return .guid(GUID(high: UInt64(abs(k)), low: 0))
  case .dynamic: return .dynamic(.long(Int64(k)))
  }
}

/// A random condition over the schema.
private func predicate(_ depth: Int, _ g: inout SeededGenerator) -> Expr {
  if depth > 0, Int.random(in: 0..<3, using: &g) > 0 {
    switch Int.random(in: 0..<3, using: &g) {
    case 0: return .call("and", [predicate(depth - 1, &g), predicate(depth - 1, &g)])
    case 1: return .call("or", [predicate(depth - 1, &g), predicate(depth - 1, &g)])
    default: return .call("not", [predicate(depth - 1, &g)])
    }
  }
  let type = types.randomElement(using: &g)!
  var column = Expr.column("c_\(type)")
  var literalType = type
  let base = Int.random(in: -8...8, using: &g)
  if [.int, .long, .real, .decimal].contains(type), Bool.random(using: &g) {
    literalType = [DataType.int, .long, .real, .decimal].randomElement(using: &g)!
  }
  switch (type, Int.random(in: 0..<4, using: &g)) {
  case (.datetime, 0): column = .call("bin", [column, .literal(.timespan(day))])
  case (.datetime, 1): column = .call(["startofday", "startofweek", "startofmonth", "startofyear", "endofday"].randomElement(using: &g)!, [column])
  case (.datetime, 2): column = .call(["+", "-"].randomElement(using: &g)!, [column, .literal(.timespan(day))])
  case (.long, 0): column = .call("bin", [column, .literal(.long(4))])
  case (.long, 1): column = .call("+", [column, .literal(.long(2))])
  case (.int, 0): column = .call("tolong", [column])
  case (.long, 2): column = .call("toreal", [column])
  default: break
  }
  func literal(_ g: inout SeededGenerator) -> Expr {
    Int.random(in: 0..<15, using: &g) == 0 ? .literal(.null(literalType)) : .literal(smallScalar(literalType, base, &g))
  }
  switch Int.random(in: 0..<9, using: &g) {
  case 0, 1, 2, 3:
    let op = ["==", "!=", "<", "<=", ">", ">="].randomElement(using: &g)!
    return Bool.random(using: &g) ? .call(op, [column, literal(&g)]) : .call(op, [literal(&g), column])
  case 4: return .call(Bool.random(using: &g) ? "between" : "!between", [column, literal(&g), literal(&g)])
  case 5: return .call(Bool.random(using: &g) ? "in" : "!in", [column, literal(&g), literal(&g)])
  case 6: return .call(Bool.random(using: &g) ? "isnull" : "isnotnull", [column])
  case 7 where type == .string:
    let op = ["startswith", "startswith_cs", "=~", "isempty", "isnotempty"].randomElement(using: &g)!
    let text = ["", "A", "app", "K", "ski", "zeb", "ä"].randomElement(using: &g)!
    return op.hasPrefix("is") ? .call(op, [column]) : .call(op, [column, .literal(.string(text))])
  case 8 where type == .bool: return column
  default: return .call("<", [column, .call("+", [.column("d_long"), .literal(.long(1))])])
  }
}

@Test(arguments: 0..<40) func prunedEqualsUnpruned(seed: Int) throws {
  var g = SeededGenerator(UInt64(seed) &+ 900)
  var pruned = 0, bound = 0
  for _ in 0..<60 {
    let base = Int.random(in: -8...8, using: &g)
    let nullShare = [0, 0, 0.3, 1].randomElement(using: &g)!
    let n = Int.random(in: 1...12, using: &g)
    let columns = schema.fields.map { field in
      ColumnVector.of(field.type, (0..<n).map { _ in
        Double.random(in: 0..<1, using: &g) < nullShare ? .null(field.type) : smallScalar(field.type, base, &g)
      })
    }
    let batch = RecordBatch(schema: schema, columns: columns)
    let known = columns.map { statistics($0, &g) }
    for _ in 0..<12 {
      let expr = predicate(2, &g)
      guard let compiled = try? CompiledExpr(expr, schema: schema, context: context), compiled.type == .bool else { continue }
      bound += 1
      let matches = try compiled.select(batch).popcount
      let mayMatch = PruningPredicate(expr).mayMatch { name in schema.index(of: name).map { known[$0] } }
      #expect(mayMatch || matches == 0, "\(expr) matches \(matches) rows of \(columns.map(\.scalars)) with \(known)")
      if !mayMatch { pruned += 1 }
    }
  }
  #expect(bound > 200, "most predicates bind, found \(bound)")
  #expect(pruned > 20, "some ranges are pruned, found \(pruned)")
}

@Test func prunesWhatItShould() {
  let statistics: [String: ColumnStatistics] = [
    "i": ColumnStatistics(type: .int, min: .int(10), max: .int(20), nullCount: 0, rowCount: 5),
    "n": ColumnStatistics(type: .long, nullCount: 5, rowCount: 5),
    "m": ColumnStatistics(type: .long, min: .long(7), max: .long(7), nullCount: 0, rowCount: 5),
    "s": ColumnStatistics(type: .string, min: .string("banana"), max: .string("cherry"), nullCount: 0, rowCount: 5),
    "b": ColumnStatistics(type: .bool, min: .bool(false), max: .bool(false), nullCount: 0, rowCount: 5),
    "t": ColumnStatistics(type: .datetime, min: .datetime(10 * day), max: .datetime(12 * day), nullCount: 0, rowCount: 5),
    "r": ColumnStatistics(type: .real, min: .real(1), max: .real(2), nullCount: 0, rowCount: 5, mayHaveNaN: true),
  ]
  func mayMatch(_ expr: Expr) -> Bool { PruningPredicate(expr).mayMatch { statistics[$0] } }
  func call(_ name: String, _ column: String, _ literals: Scalar...) -> Expr { .call(name, [.column(column)] + literals.map { .literal($0) }) }
  let never: [Expr] = [
    call("==", "i", .long(9)), call(">", "i", .long(20)), call("<", "i", .real(10)), call("between", "i", .long(21), .long(30)),
    call("in", "i", .long(1), .long(2), .long(30)), call("isnull", "i"), call("isnotnull", "n"), call("==", "n", .long(1)), call(">", "n", .long(1)),
    call("!=", "m", .long(7)), .call("not", [call("==", "m", .long(7))]), call("startswith", "s", .string("dat")), call("startswith_cs", "s", .string("B")),
    call("==", "s", .string("apple")), call("isempty", "s"), .column("b"), .call("==", [.column("b"), .literal(.bool(true))]),
    .call("<", [.call("bin", [.column("t"), .literal(.timespan(day))]), .literal(.datetime(9 * day))]), call(">", "t", .datetime(12 * day)),
    .call(">", [.call("startofmonth", [.column("t")]), .literal(.datetime(40 * day))]), call("==", "r", .real(3)), call(">", "r", .long(2)),
    .call("and", [call("==", "i", .long(15)), call("==", "m", .long(8))]), .call("or", [call("==", "i", .long(1)), call("==", "m", .long(8))]),
    call("in", "i", .dynamic(.array([.long(1), .long(2)]))),
  ]
  for expr in never { #expect(!mayMatch(expr), "\(expr)") }
  let maybe: [Expr] = [
    call("==", "i", .long(10)), call("!=", "n", .long(1)), call("isnull", "n"), call("startswith", "s", .string("B")), call("startswith", "s", .string("")),
    call("==", "unknown", .long(1)), call("!=", "r", .real(1)), .call("not", [.column("b")]), call("contains", "s", .string("zzz")),
    .call("or", [call("==", "i", .long(1)), call("==", "m", .long(7))]), call(">=", "t", .datetime(12 * day)),
  ]
  for expr in maybe { #expect(mayMatch(expr), "\(expr)") }
}

@Test func requiredEqualitiesForBloomFilters() {
  func probes(_ expr: Expr) -> [String] { PruningPredicate(expr).requiredEqualities.map { "\($0.column): \($0.values)" } }
  let a = Expr.call("==", [.column("a"), .literal(.long(1))]), b = Expr.call("==", [.literal(.string("x")), .column("b")])
  let list = Expr.call("in", [.column("a"), .literal(.long(1)), .literal(.long(2))])
  #expect(probes(.call("and", [a, b])) == ["a: [Columnar.Scalar.long(1)]", "b: [Columnar.Scalar.string(\"x\")]"])
  #expect(probes(list).count == 1)
  #expect(probes(.call("or", [a, list])).count == 1)
  #expect(probes(.call("or", [a, b])).isEmpty)
  #expect(probes(.call("==", [.column("b"), .literal(.string(""))])).isEmpty)
  #expect(probes(.call("==", [.column("r"), .literal(.real(0))])).isEmpty)
  #expect(probes(.call("not", [a])).isEmpty)
}
