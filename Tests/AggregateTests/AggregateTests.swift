// Role: every aggregate against a plain reference over scalars: random columns in every form, one group and several, fed at once, merged
// from two halves through a permuted mapping, and through partial state. Then results of empty groups and errors, as Kusto has them.

import Columnar
import Expressions
import Testing

private let context = EvaluationContext(nowTicks: 0, seed: 1)

/// The reference: values of one group (nulls removed) → result.
private func reference(_ name: String, _ type: DataType, _ values: [Scalar], _ all: [Scalar]) -> Scalar {
  let numbers = values.compactMap { $0.doubleValue ?? $0.int64Value.map(Double.init) }
  func less(_ a: Scalar, _ b: Scalar) -> Bool {
    switch (a, b) {
    case (.bool(let x), .bool(let y)): !x && y
    case (.real(let x), .real(let y)): x.isNaN ? !y.isNaN : x < y
    case (.decimal(let x), .decimal(let y)): x < y
    case (.string(let x), .string(let y)): x.utf8.lexicographicallyPrecedes(y.utf8)
    case (.guid(let x), .guid(let y)): x < y
    default: (a.int64Value ?? 0) < (b.int64Value ?? 0)
    }
  }
  switch name {
  case "count": return .long(Int64(all.count))
  case "sum":
    switch type {
    case .real: return .real(numbers.reduce(0, +))
    case .decimal:
      var sum: Int128 = 0
      for case .decimal(let v) in values { sum += v.rescaled(to: 6) ?? 0 }
      return .decimal(DecimalValue(sum, scale: 6))
    default:
      let sum = values.reduce(Int64(0)) { $0 &+ ($1.int64Value ?? 0) }
      return type == .timespan ? .timespan(sum) : .long(sum)
    }
  case "avg":
    if type == .datetime || type == .timespan {
      if values.isEmpty { return .null(type) }
      let sum = values.reduce(Int128(0)) { $0 + Int128($1.int64Value ?? 0) } / Int128(values.count)
      return type == .datetime ? .datetime(Int64(sum)) : .timespan(Int64(sum))
    }
    if type == .decimal { return values.isEmpty ? .null(.decimal) : .real(numbers.reduce(0, +) / Double(numbers.count)) }
    return .real(numbers.reduce(0, +) / Double(numbers.count))
  case "variance":
    guard numbers.count > 1 else { return .real(0) }
    let mean = numbers.reduce(0, +) / Double(numbers.count)
    return .real(numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(numbers.count - 1))
  case "min": return values.min(by: less) ?? .null(type)
  case "max": return values.max(by: less) ?? .null(type)
  case "dcount", "count_distinct": return .long(Int64(Set(values.map(keyText)).count))
  case "take_any": return values.first ?? .null(type)
  case "take_any_row": return all.first ?? .null(type)
  case "percentile":
    guard !values.isEmpty else { return .null(type) }
    let sorted = values.sorted(by: less)
    let rank = max(1, Int((0.3 * Double(sorted.count)).rounded(.up)))
    let value = sorted[rank - 1]
    if case .int(let v) = value { return .long(Int64(v)) }
    if case .decimal(let v) = value { return .real(v.doubleValue) }
    return value
  default: return .null(type)
  }
}

private func isSame(_ a: Scalar, _ b: Scalar) -> Bool {
  if let x = a.doubleValue, let y = b.doubleValue, !a.isNull, !b.isNull {
    return x == y || (x.isNaN && y.isNaN) || abs(x - y) <= 1e-9 * max(abs(x), abs(y), 1)
  }
  return keyText(a) == keyText(b)
}

struct AggregateCase: Sendable, CustomTestStringConvertible {
  var name: String
  var type: DataType
  var testDescription: String { "\(name)(\(type))" }

  static let all: [AggregateCase] = {
    let numeric: [DataType] = [.int, .long, .real, .decimal, .timespan]
    var out: [AggregateCase] = []
    for name in ["count_distinct", "dcount", "take_any", "take_any_row"] { for type in DataType.allCases { out.append(.init(name: name, type: type)) } }
    for name in ["min", "max"] { for type in DataType.allCases where type != .dynamic { out.append(.init(name: name, type: type)) } }
    for type in numeric {
      for name in ["sum", "avg", "variance", "percentile"] { out.append(.init(name: name, type: type)) }
    }
    out.append(.init(name: "avg", type: .datetime))
    out.append(.init(name: "percentile", type: .datetime))
    return out
  }()
}

@Test(arguments: AggregateCase.all) func aggregateAgreesWithReference(_ c: AggregateCase) throws {
  var g = SeededGenerator(UInt64(truncatingIfNeeded: c.name.utf8.reduce(7) { ($0 &* 31 &+ Int($1)) & 0xFFFF_FFFF }) &+ UInt64(c.type.rawValue.utf8.count))
  for usesPredicate in [false, true] {
    let ifName = ["take_any": "take_anyif", "count_distinct": "count_distinctif"][c.name] ?? c.name + "if"
    if usesPredicate, !CompiledAggregate.exists(ifName) || c.name == "percentile" { continue }
    let schema = StructType([StructField("x", c.type), StructField("p", .bool)])
    var arguments: [Expr] = [.column("x")]
    if usesPredicate { arguments.append(.column("p")) }
    if c.name == "percentile" { arguments.append(.literal(.long(30))) }
    let compiled = try CompiledAggregate(AggregateCall(usesPredicate ? ifName : c.name, arguments), schema: schema, context: context)
    for groupCount in [1, 5] {
      let whole = compiled.makeAccumulator(), left = compiled.makeAccumulator(), right = compiled.makeAccumulator()
      // The right half numbers groups backwards, and the last group sees no row there.
      let mapping = Buffer<Int32>((0..<groupCount).map { Int32(groupCount - 1 - $0) })
      var values = [[Scalar]](repeating: [], count: groupCount)
      for round in 0..<6 {
        let n = [300, 1, 77][round % 3]
        let nan = c.type == .real && ["sum", "avg", "variance"].contains(c.name)
        let x = randomColumn(
          c.type, count: n, cardinality: 30, nullShare: round == 1 ? 0 : 0.2, form: VectorForm.allCases.randomElement(using: &g)!, &g)
        let safe = nan ? ColumnVector.of(.real, x.scalars.map { if case .real(let v) = $0, v.isNaN { .real(2) } else { $0 } }) : x
        let p = randomColumn(.bool, count: n, cardinality: 2, nullShare: 0.1, form: .flat, &g)
        let groups = groupCount == 1 ? nil : Buffer<Int32>((0..<n).map { _ in Int32.random(in: 0..<Int32(groupCount), using: &g) })
        let batch = RecordBatch(schema: schema, columns: [safe, p])
        let evaluated = try compiled.arguments.map { try $0.evaluate(batch) }
        try whole.update(evaluated, rowCount: n, groups: groups, groupCount: groupCount)
        if round < 3 {
          try left.update(evaluated, rowCount: n, groups: groups, groupCount: groupCount)
        } else {
          let mapped = groups.map { b in Buffer<Int32>((0..<n).map { mapping[Int(b[$0])] }) }
          try right.update(evaluated, rowCount: n, groups: mapped, groupCount: groupCount)
        }
        for i in 0..<n {
          if usesPredicate, p.scalar(i) != .bool(true) { continue }
          values[groups.map { Int($0[i]) } ?? 0].append(safe.scalar(i))
        }
      }
      let expected = values.map { all in reference(c.name, c.type, all.filter { !$0.isNull }, all) }
      func check(_ column: ColumnVector, _ how: String) {
        #expect(column.type == compiled.type && column.count == groupCount)
        #expect(column.brokenInvariant() == nil)
        for k in 0..<groupCount {
          let found = column.scalar(k)
          #expect(isSame(found, expected[k]), "\(how), group \(k) of \(groupCount), predicate \(usesPredicate): found \(found), expected \(expected[k])")
        }
      }
      let result = try whole.finish(groupCount: groupCount)
      check(result, "whole")
      let again = compiled.makeAccumulator()
      let first = try left.partialState(groupCount: groupCount), second = try right.partialState(groupCount: groupCount)
      try again.updatePartial(first, rowCount: groupCount, groups: Buffer((0..<Int32(groupCount)).map { $0 }), groupCount: groupCount)
      try again.updatePartial(second, rowCount: groupCount, groups: mapping, groupCount: groupCount)
      check(try again.finish(groupCount: groupCount), "partial")
      try left.merge(right, mapping: mapping, groupCount: groupCount)
      check(try left.finish(groupCount: groupCount), "merged")
    }
  }
}

/// Runs one call over columns without groups.
private func run(_ name: String, _ arguments: [Expr], _ columns: [(String, ColumnVector)]) throws -> Scalar {
  let schema = StructType(columns.map { StructField($0.0, $0.1.type) })
  let compiled = try CompiledAggregate(AggregateCall(name, arguments), schema: schema, context: context)
  let accumulator = compiled.makeAccumulator()
  let batch = RecordBatch(schema: schema, columns: columns.map(\.1))
  try accumulator.update(compiled.arguments.map { try $0.evaluate(batch) }, rowCount: batch.rowCount, groups: nil, groupCount: 1)
  return try accumulator.finish(groupCount: 1).scalar(0)
}

private func longs(_ values: [Int64?]) -> ColumnVector { .of(.long, values.map { $0.map { .long($0) } ?? .null(.long) }) }

@Test func emptyGroupsAsKusto() throws {
  let empty = [("x", longs([]))]
  let x: [Expr] = [.column("x")]
  #expect(try run("sum", x, empty) == .long(0))
  #expect(try run("count", [], empty) == .long(0))
  if case .real(let v) = try run("avg", x, empty) { #expect(v.isNaN) } else { Issue.record("avg of nothing is NaN") }
  #expect(try run("stdev", x, empty) == .real(0))
  #expect(try run("variance", x, empty) == .real(0))
  for name in ["min", "max", "take_any", "arg_max", "binary_all_and"] { #expect(try run(name, x, empty) == .null(.long)) }
  #expect(try run("percentile", x + [.literal(.int(55))], empty) == .null(.long))
  #expect(try run("make_list", x, empty) == .dynamic(.array([])))
  #expect(try run("make_bag", x, [("x", .of(.dynamic, []))]) == .dynamic(.bag([])))
}

@Test func documentedResults() throws {
  let x: [Expr] = [.column("x")]
  let five = [("x", longs([1, 2, 3, 4, 5]))]
  if case .real(let v) = try run("stdev", x, five) { #expect(abs(v - 1.58113883008419) < 1e-12) }
  #expect(try run("variance", x, five) == .real(2.5))
  #expect(try run("binary_all_and", x, [("x", longs([0xFFFF_FFFF, 0xFFFF_F00F, 0xCFFF_FFFD, 0xFAFE_FFFF]))]) == .long(0xCAFE_F00D))
  let latency = [("b", longs([10, 20, 30, 40])), ("n", longs([8, 6, 3, 1]))]
  let b: [Expr] = [.column("b"), .column("n")]
  #expect(try run("percentilew", b + [.literal(.long(50))], latency) == .long(20))
  #expect(try run("percentilew", b + [.literal(.real(99.9))], latency) == .long(40))
  #expect(try run("percentilesw_array", b + [.literal(.long(50)), .literal(.long(75)), .literal(.real(99.9))], latency)
    == .dynamic(.array([.long(20), .long(20), .long(40)])))
  #expect(try run("make_list", x + [.literal(.long(2))], [("x", longs([1, nil, 3, 2]))]) == .dynamic(.array([.long(1), .long(3)])))
  #expect(try run("make_list_with_nulls", x, [("x", longs([nil, 4]))]) == .dynamic(.array([.null, .long(4)])))
  #expect(try run("make_set", x, [("x", longs([1, 2, 3, 1, nil]))]) == .dynamic(.array([.long(1), .long(2), .long(3)])))
  let arrays = ColumnVector.of(.dynamic, [
    .dynamic(.array([.string("A1"), .string("A2")])), .dynamic(.array([.string("A2"), .string("C1")])), .dynamic(.string("Z")),
  ])
  #expect(try run("make_set", x, [("x", arrays)]) == .dynamic(.array([.string("A1"), .string("A2"), .string("C1"), .string("Z")])))
  let bags = ColumnVector.of(.dynamic, [
    .dynamic(.bag([DynamicEntry("a", .long(1))])), .dynamic(.bag([DynamicEntry("b", .long(2)), DynamicEntry("a", .long(3))])),
  ])
  #expect(try run("make_bag", x, [("x", bags)]) == .dynamic(.bag([DynamicEntry("a", .long(1)), DynamicEntry("b", .long(2))])))
  // arg_max: nulls lose, the first of equals wins, a null alone is taken.
  let by = longs([nil, 1, 5, 5]), value = longs([10, 20, 30, nil])
  #expect(try run("arg_max", [.column("by"), .column("v")], [("by", by), ("v", value)]) == .long(30))
  #expect(try run("arg_min", [.column("by"), .column("v")], [("by", by), ("v", value)]) == .long(20))
  #expect(try run("arg_max", [.column("by"), .column("v")], [("by", longs([nil, nil])), ("v", longs([7, 8]))]) == .long(7))
  let decimals = ColumnVector.of(.decimal, [.decimal(DecimalValue(10, scale: 1)), .decimal(DecimalValue(2))])
  #expect(try run("avg", x, [("x", decimals)]) == .decimal(DecimalValue(15, scale: 1)))
}

@Test func estimatesStayWithinTheirBounds() throws {
  var g = SeededGenerator(5)
  let n = 300_000
  let values = ColumnVector.long(Buffer((0..<n).map { _ in Int64.random(in: 0..<1_000_000_000, using: &g) }))
  let distinct = Set(values.longs).count
  for (accuracy, bound) in [(0, 0.05), (1, 0.025), (2, 0.015), (4, 0.01)] {
    guard case .long(let found) = try run("dcount", [.column("x"), .literal(.int(Int32(accuracy)))], [("x", values)]) else { continue }
    #expect(abs(Double(found) / Double(distinct) - 1) < bound, "accuracy \(accuracy): \(found) of \(distinct)")
  }
  let sorted = values.longs.sorted()
  for p in [0.0, 1, 25, 50, 75, 99, 100] {
    guard case .long(let found) = try run("percentile", [.column("x"), .literal(.real(p))], [("x", values)]) else { continue }
    let rank = Double(sorted.partitioningIndex { $0 >= found }) / Double(n) * 100
    #expect(abs(rank - p) < 0.5, "percentile \(p) has rank \(rank)")
  }
  #expect(try run("percentile", [.column("x"), .literal(.long(100))], [("x", values)]) == .long(sorted[n - 1]))
  // Sketches as dynamic values give the same answers.
  let sketch = try run("hll", [.column("x")], [("x", values)])
  let merged = try run("hll_merge", [.column("s")], [("s", .of(.dynamic, [sketch, sketch]))])
  if case .dynamic(let v) = merged { #expect(hyperLogLogEstimate(v).map(Scalar.long) == (try run("dcount", [.column("x")], [("x", values)]))) }
  let digest = try run("tdigest_merge", [.column("s")], [("s", .of(.dynamic, [try run("tdigest", [.column("x")], [("x", values)])]))])
  if case .dynamic(let v) = digest, case .long(let median)? = tdigestPercentile(v, 50) {
    #expect(abs(Double(sorted.partitioningIndex { $0 >= median }) / Double(n) - 0.5) < 0.005)
  } else {
    Issue.record("tdigest gives a long digest")
  }
}

@Test func errorsNameWhatIsWrong() {
  let schema = StructType([StructField("s", .string), StructField("n", .long), StructField("d", .dynamic)])
  func error(_ name: String, _ arguments: [Expr]) -> String {
    do {
      _ = try CompiledAggregate(AggregateCall(name, arguments), schema: schema, context: context)
      return "none"
    } catch { return "\(error)" }
  }
  #expect(error("summ", [.column("n")]).contains("did you mean 'sum'"))
  #expect(error("sum", [.column("s")]).contains("sum does not take (string)"))
  #expect(error("sum", []).contains("takes 1 argument, found 0"))
  #expect(error("sumif", [.column("n"), .column("s")]).contains("bool predicate"))
  #expect(error("max", [.column("d")]).contains("order"))
  #expect(error("dcount", [.column("n"), .literal(.long(9))]).contains("accuracy"))
  #expect(error("percentile", [.column("n"), .column("n")]).contains("constant"))
  #expect(error("percentile", [.column("n"), .literal(.long(101))]).contains("between 0 and 100"))
  #expect(error("passthrough", [.column("d")]).contains("not supported yet"))
  #expect(error("sum", [.column("x")]).contains("column 'x' not found"))
}

/// Aggregates whose state is values: fed whole, and in two halves that number groups differently, merged and through partial state.
@Test(arguments: [
  ("make_list", DataType.string), ("make_list", .long), ("make_list", .real), ("make_list", .guid), ("make_list", .datetime), ("make_list", .decimal),
  ("make_list_with_nulls", .int), ("make_set", .string), ("make_set", .long), ("make_set", .dynamic), ("arg_max", .long), ("arg_max", .string),
  ("arg_min", .decimal), ("arg_min", .string), ("arg_max", .real), ("percentiles_array", .real), ("buildschema", .dynamic), ("hll", .string),
  ("make_list", .bool), ("make_list", .int), ("make_list_with_nulls", .string), ("make_list_with_nulls", .dynamic), ("make_set", .decimal),
  ("make_set", .guid), ("make_bag", .dynamic), ("tdigest", .long), ("tdigest", .real),
])
func collectionsAgreeWithReference(_ name: String, _ type: DataType) throws {
  var g = SeededGenerator(UInt64(name.utf8.count * 100 + type.rawValue.utf8.count))
  let schema = StructType([StructField("x", type), StructField("by", .int), StructField("id", .long)])
  let arguments: [Expr] = switch name {
  case "arg_max", "arg_min": [.column("x"), .column("id")]
  case "percentiles_array": [.column("x"), .literal(.long(0)), .literal(.long(100))]
  default: [.column("x")]
  }
  let compiled = try CompiledAggregate(AggregateCall(name, arguments), schema: schema, context: context)
  let groupCount = 4
  let mapping = Buffer<Int32>([2, 0, 3, 1])
  let whole = compiled.makeAccumulator(), left = compiled.makeAccumulator(), right = compiled.makeAccumulator()
  for round in 0..<6 {
    let n = 200
    let x = randomColumn(type, count: n, cardinality: 25, nullShare: 0.2, form: VectorForm.allCases.randomElement(using: &g)!, &g)
    let id = ColumnVector.long(Buffer((0..<n).map { Int64(round * n + $0) }))
    let groups = Buffer<Int32>((0..<n).map { _ in Int32.random(in: 0..<Int32(groupCount), using: &g) })
    let batch = RecordBatch(schema: schema, columns: [x, .constant(.int(1), count: n), id])
    let evaluated = try compiled.arguments.map { try $0.evaluate(batch) }
    try whole.update(evaluated, rowCount: n, groups: groups, groupCount: groupCount)
    if round < 3 {
      try left.update(evaluated, rowCount: n, groups: groups, groupCount: groupCount)
    } else {
      let inverse = (0..<groupCount).map { k in Int32((0..<groupCount).first { mapping[$0] == Int32(k) }!) }
      try right.update(evaluated, rowCount: n, groups: Buffer(groups.array.map { inverse[Int($0)] }), groupCount: groupCount)
    }
  }
  let expected = try whole.finish(groupCount: groupCount)
  #expect(expected.brokenInvariant() == nil)
  let identity = Buffer<Int32>((0..<Int32(groupCount)).map { $0 })
  let again = compiled.makeAccumulator()
  let first = try left.partialState(groupCount: groupCount), second = try right.partialState(groupCount: groupCount)
  try again.updatePartial(first, rowCount: groupCount, groups: identity, groupCount: groupCount)
  try again.updatePartial(second, rowCount: groupCount, groups: mapping, groupCount: groupCount)
  // As text, because NaN does not equal itself.
  for (found, wanted) in zip(try again.finish(groupCount: groupCount).scalars, expected.scalars) {
    let (found, wanted) = ("\(found)", "\(wanted)")
    #expect(found == wanted)
  }
  try left.merge(right, mapping: mapping, groupCount: groupCount)
  #expect("\(try left.finish(groupCount: groupCount).scalars)" == "\(expected.scalars)")
}

@Test func schemasAsDocumented() throws {
  let values = ColumnVector.of(.dynamic, [
    .dynamic(.bag([DynamicEntry("x", .long(1)), DynamicEntry("y", .real(3.5))])),
    .dynamic(.bag([DynamicEntry("x", .string("v")), DynamicEntry("z", .array([.long(1), .string("foo")]))])),
    .dynamic(.bag([DynamicEntry("y", .bag([DynamicEntry("w", .string("zzz"))]))])),
  ])
  let expected = DynamicValue.bag([
    DynamicEntry("x", .array([.string("long"), .string("string")])),
    DynamicEntry("y", .array([.string("double"), .bag([DynamicEntry("w", .string("string"))])])),
    DynamicEntry("z", .bag([DynamicEntry("`indexer`", .array([.string("long"), .string("string")]))])),
  ])
  #expect(try run("buildschema", [.column("x")], [("x", values)]) == .dynamic(expected))
}

extension ColumnVector {
  fileprivate var longs: [Int64] { scalars.compactMap(\.int64Value) }
}

extension Array {
  /// The first position for which `isAfter` holds, in a sorted array.
  fileprivate func partitioningIndex(_ isAfter: (Element) -> Bool) -> Int {
    var low = 0, high = count
    while low < high {
      let mid = (low + high) / 2
      if isAfter(self[mid]) { high = mid } else { low = mid + 1 }
    }
    return low
  }
}
