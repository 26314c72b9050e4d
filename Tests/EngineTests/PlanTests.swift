// Role: random plans: optimised = not optimised, small batches = large, one thread = two, spilled = in memory, any push-down answer.

import Columnar
import DataSource
import Engine
import Expressions
import Synchronization
import Testing

@Suite struct PlanTests {
  /// A random predicate over columns i, l, s, b, t, id.
  static func predicate(_ random: inout TestRandom, _ schema: StructType) -> Expr {
    let usable = schema.fields.filter { [.int, .long, .string, .datetime].contains($0.type) }
    guard !usable.isEmpty else { return .literal(.bool(true)) }
    func term() -> Expr {
      let field = random.pick(usable)
      let literal = Expr.literal(TestData.value(field.type, random.below(20)))
      return .call(random.pick(["==", "!=", "<", ">=", "<="]), [.column(field.name), literal])
    }
    switch random.below(4) {
    case 0: return term()
    case 1: return .call("and", [term(), term()])
    case 2: return .call("or", [term(), term()])
    default: return .call("and", [term(), .call("or", [term(), .call("not", [term()])])])
    }
  }

  static func plan(_ random: inout TestRandom, depth: Int, _ source: (inout TestRandom) -> LogicalPlan) throws -> LogicalPlan {
    if depth == 0 { return source(&random) }
    let input = try plan(&random, depth: depth - 1, source)
    let names = input.schema.names
    switch random.below(10) {
    case 0, 1, 2: return try input.filter(predicate(&random, input.schema))
    case 3:
      var kept = names.filter { _ in random.chance(60) }
      if kept.isEmpty { kept = [names[0]] }
      return try input.select(kept.shuffled(&random))
    case 4:
      guard let number = input.schema.fields.first(where: { $0.type == .long }) else { return input }
      return try input.extend([
        NamedExpr("x\(depth)", call("+", column(number.name), long(random.below(5)))), NamedExpr("y\(depth)", call("*", column(number.name), long(2))),
      ])
    case 5:
      let keys = names.filter { _ in random.chance(30) }.prefix(3).map { NamedExpr($0, .column($0)) }
      var aggregates = [NamedAggregate("n\(depth)", AggregateCall("count", []))]
      if let number = input.schema.fields.first(where: { $0.type == .long }) {
        aggregates.append(NamedAggregate("sum\(depth)", AggregateCall("sum", [.column(number.name)])))
        aggregates.append(NamedAggregate("max\(depth)", AggregateCall("max", [call("+", column(number.name), long(1))])))
      }
      return try input.aggregate(keys: Array(keys), aggregates: aggregates)
    case 6:
      let other = try plan(&random, depth: min(depth - 1, 2), source)
      let mine = input.schema.fields.filter { field in other.schema.fields.contains { $0.type == field.type && $0.name == field.name } }
      guard let key = mine.first(where: { $0.type == .long || $0.type == .string }) ?? mine.first else { return input }
      let kind = random.pick([JoinKind.inner, .leftOuter, .rightOuter, .fullOuter, .leftSemi, .leftAnti, .rightSemi, .rightAnti])
      return try input.join(other, kind: kind, keys: [(left: column(key.name), right: column(key.name))])
    case 7: return input.distinct()
    case 8: return try LogicalPlan.union([input, input.filter(predicate(&random, input.schema))])
    default: return try input.sort(names.map { SortKey(.column($0), isDescending: random.chance(50)) }.filter { _ in true })
    }
  }

  @Test(arguments: 0..<120) func resultsDoNotDependOnHow(_ seed: Int) throws {
    var random = TestRandom(seed + 5_000)
    let first = TestData.batches(&random, rows: 150, batchRows: 40, domain: 15)
    let second = TestData.batches(&random, rows: 60, batchRows: 25, domain: 15)
    let choices = random
    func build(_ answer: FilterPushdown, single: Bool) throws -> LogicalPlan {
      var random = choices
      return try Self.plan(&random, depth: 1 + seed % 6) { r in
        let batches = r.chance(60) ? first : second
        return scan(single ? batches.flatMap { b in (0..<b.rowCount).map { b.slice($0..<$0 + 1) } } : batches, answer: answer, knowsRows: r.chance(50))
      }
    }
    let expected = try bag(build(.unsupported, single: false), options(threads: 1, optimizes: false))
    for answer in [FilterPushdown.unsupported, .inexact, .exact] {
      let plan = try build(answer, single: false)
      let execution = try QueryExecution(plan, options: options(), context: testContext)
      #expect(throws: Never.self) { try execution.optimizedPlan.checkInvariants() }
      #expect(execution.optimizedPlan.schema.names == plan.schema.names)
      let found = try bag(plan)
      let text = try execution.explain(.extended)
      #expect(found == expected, "\(answer) seed \(seed)\n\(text)")
      #expect(try bag(plan, options(threads: 1)) == expected)
      #expect(try bag(plan, options(memory: 1)) == expected)
    }
    #expect(try bag(build(.unsupported, single: true)) == expected)
  }

  @Test func groupsSpill() throws {
    var random = TestRandom(31)
    let batches = TestData.batches(&random, rows: 60_000, batchRows: 3_000, domain: 1_000_000)
    for keys in [["l"], ["s", "l"], ["id"]] {
      let plan = try scan(batches).aggregate(
        keys: keys.map { NamedExpr($0, .column($0)) },
        aggregates: [
          NamedAggregate("n", AggregateCall("count", [])), NamedAggregate("total", AggregateCall("sum", [column("id")])),
          NamedAggregate("low", AggregateCall("min", [column("s")])), NamedAggregate("mean", AggregateCall("avg", [column("id")])),
        ])
      let expected = try bag(plan, options(threads: 1))
      #expect(try bag(plan) == expected)
      #expect(try bag(plan, options(memory: 1 << 20)) == expected)
    }
    let distinct = try scan(batches).select(["s", "i", "g"]).distinct()
    #expect(try bag(distinct) == bag(distinct, options(memory: 1 << 20)))
  }

  /// Groups whose state is their values go to disk as others do; a list keeps the order of its rows.
  @Test(arguments: [
    ["make_list", "make_set", "count_distinct"], ["percentile", "tdigest"], ["make_bag", "buildschema"], ["make_list_with_nulls", "count_distinct"],
  ]) func groupsOfValuesSpill(_ functions: [String]) throws {
    var random = TestRandom(32)
    let batches = TestData.batches(&random, rows: 60_000, batchRows: 3_000, domain: 9_000)
    let bags = try scan(batches).project(
      ["l", "s", "id"].map { NamedExpr($0, .column($0)) } + [NamedExpr("bag", call("bag_pack", column("s"), column("id"), .literal(.string("k")), column("l")))])
    let aggregates = functions.map { name -> NamedAggregate in
      switch name {
      case "percentile": NamedAggregate(name, AggregateCall(name, [column("id"), long(30)]))
      case "make_bag", "buildschema": NamedAggregate(name, AggregateCall(name, [column("bag")]))
      default: NamedAggregate(name, AggregateCall(name, [column("id")]))
      }
    }
    let plan = try bags.aggregate(keys: [NamedExpr("l", column("l"))], aggregates: aggregates)
    let expected = try bag(plan, options(threads: 1))
    #expect(try bag(plan) == expected)
    // Keys that are null make the largest group, which has to fit.
    let memory = functions.contains("make_bag") ? 8 << 20 : 1 << 20
    #expect(try bag(plan, options(memory: memory)) == expected)
    #expect(try QueryExecution(plan, options: options(memory: memory), context: testContext).explain(.analyze).contains("spilled"))
  }

  @Test func groupingRules() throws {
    let schema = StructType([StructField("r", .real)])
    let values: [Scalar] = [.real(.nan), .real(0.0), .real(-0.0), .null(.real), .real(.nan), .null(.real)]
    let plan = LogicalPlan.values(schema, [RecordBatch(schema: schema, columns: [.of(.real, values)])])
    let out = try bag(plan.aggregate(keys: [NamedExpr("r", column("r"))], aggregates: [NamedAggregate("n", AggregateCall("count", []))]))
    #expect(out == ["0.0|long(2)", "nan|long(2)", "null(real)|long(2)"])
    #expect(try bag(plan.distinct()) == ["0.0", "nan", "null(real)"])
  }

  @Test func emptyInput() throws {
    let empty = scan(longs("k", []))
    #expect(try rows(empty.count()) == [[.long(0)]])
    #expect(try rows(empty.aggregate(keys: [], aggregates: [NamedAggregate("n", AggregateCall("count", []))])) == [[.long(0)]])
    #expect(try rows(empty.sort([SortKey(column("k"))])).isEmpty)
    #expect(try rows(empty.topN([SortKey(column("k"))], count: 3)).isEmpty)
    #expect(try rows(empty.distinct()).isEmpty)
    #expect(try rows(empty.sample(3)).isEmpty)
  }

  @Test func rangesCountBothEnds() throws {
    func values(_ a: Scalar, _ b: Scalar, _ s: Scalar) throws -> [[Scalar]] {
      try rows(.range(RangeNode(name: "x", start: a, end: b, step: s)))
    }
    #expect(try values(.long(1), .long(7), .long(3)) == [[.long(1)], [.long(4)], [.long(7)]])
    #expect(try values(.long(3), .long(1), .long(-1)) == [[.long(3)], [.long(2)], [.long(1)]])
    #expect(try values(.real(0), .real(1), .real(0.25)).count == 5)
    #expect(try values(.long(Int64.min), .long(Int64.min), .long(1)) == [[.long(.min)]])
    #expect(try values(.long(3), .long(1), .long(1)).isEmpty)
    #expect(throws: (any Error).self) { try values(.long(3), .long(1), .long(0)) }
    #expect(try rows(LogicalPlan.range(RangeNode(name: "x", start: .long(1), end: .long(200_000), step: .long(1))).count()) == [[.long(200_000)]])
  }

  @Test func samples() throws {
    let plan = scan(longs("k", (0..<5_000).map { $0 }, batchRows: 100)).sample(37)
    let out = try rows(plan)
    #expect(out.count == 37)
    #expect(Set(out.map(rowText)).count == 37)
    #expect(try rows(scan(longs("k", [1, 2])).sample(10)).count == 2)
  }

  @Test func countAsksTheSource() throws {
    let table = MemoryTable(StructType([StructField("k", .long)]), longs("k", (0..<50).map { $0 }), knowsRows: true)
    #expect(try rows(LogicalPlan.scan(table).count()) == [[.long(50)]])
    #expect(table.morselsTaken.load(ordering: .relaxed) == 0)
  }
}

extension Array {
  func shuffled(_ random: inout TestRandom) -> [Element] {
    var out = self
    for i in stride(from: out.count - 1, to: 0, by: -1) { out.swapAt(i, random.below(i + 1)) }
    return out
  }
}
