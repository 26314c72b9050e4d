// Role: order by definition: directions, nulls, NaN, -0.0, ties; full sorts, tops, spilled sorts.

import Columnar
import DataSource
import Engine
import Expressions
import Testing

@Suite struct SortTests {
  /// Negative when a comes first. The rules of `SortKey`.
  static func compare(_ a: Scalar, _ b: Scalar, _ key: SortKey) -> Int {
    if a.isNull || b.isNull { return a.isNull && b.isNull ? 0 : (a.isNull == key.nullsFirst) ? -1 : 1 }
    func three<T: Comparable>(_ x: T, _ y: T) -> Int { x < y ? -1 : y < x ? 1 : 0 }
    let order: Int = switch (a, b) {
    case (.bool(let x), .bool(let y)): three(x ? 1 : 0, y ? 1 : 0)
    case (.int(let x), .int(let y)): three(x, y)
    case (.long(let x), .long(let y)), (.datetime(let x), .datetime(let y)): three(x, y)
    case (.real(let x), .real(let y)): x.isNaN || y.isNaN ? three(x.isNaN ? 0 : 1, y.isNaN ? 0 : 1) : three(x, y)
    case (.decimal(let x), .decimal(let y)): three(x, y)
    case (.string(let x), .string(let y)): x.utf8.lexicographicallyPrecedes(y.utf8) ? -1 : y.utf8.lexicographicallyPrecedes(x.utf8) ? 1 : 0
    case (.guid(let x), .guid(let y)): three(x, y)
    default: 0
    }
    return key.isDescending ? -order : order
  }

  static func reference(_ rows: [[Scalar]], _ keys: [SortKey]) -> [[Scalar]] {
    let positions = keys.map { key in if case .column(let name) = key.expr { TestData.schema.index(of: name) ?? 0 } else { 0 } }
    return rows.enumerated().sorted { a, b in
      for (key, c) in zip(keys, positions) {
        let order = compare(a.element[c], b.element[c], key)
        if order != 0 { return order < 0 }
      }
      return a.offset < b.offset
    }.map(\.element)
  }

  static func randomKeys(_ random: inout TestRandom) -> [SortKey] {
    (0...random.below(3)).map { _ in
      SortKey(
        column(random.pick(["i", "l", "r", "s", "b", "d", "t", "g"])), isDescending: random.chance(50),
        nullsFirst: random.chance(50) ? nil : random.chance(50))
    }
  }

  @Test(arguments: 0..<40) func byDefinition(_ seed: Int) throws {
    var random = TestRandom(seed + 100)
    let batches = TestData.batches(&random, rows: random.below(400), batchRows: 1 + random.below(60), domain: random.pick([3, 20, 1_000]))
    let all = batches.flatMap(rowsOf)
    let keys = Self.randomKeys(&random)
    let expected = Self.reference(all, keys).map(rowText)
    #expect(try rows(scan(batches).sort(keys)).map(rowText) == expected)
    let n = random.below(50)
    for answer in [FilterPushdown.unsupported, .inexact, .exact] {
      #expect(try rows(scan(batches, answer: answer).sort(keys).limit(n)).map(rowText) == Array(expected.prefix(n)))
    }
    #expect(try rows(scan(batches).sort(keys).limit(n), options(threads: 1, optimizes: false)).map(rowText) == Array(expected.prefix(n)))
  }

  @Test(arguments: 0..<4) func large(_ seed: Int) throws {
    var random = TestRandom(seed + 900)
    let batches = TestData.batches(&random, rows: 12_000, batchRows: 700, domain: 5_000)
    let keys = Self.randomKeys(&random)
    let expected = Self.reference(batches.flatMap(rowsOf), keys).map(rowText)
    #expect(try rows(scan(batches).sort(keys)).map(rowText) == expected)
    #expect(try rows(scan(batches).sort(keys), options(memory: 1 << 18)).map(rowText) == expected)
    #expect(try rows(scan(batches).sort(keys).limit(100)).map(rowText) == Array(expected.prefix(100)))
  }

  @Test func manyRowsInBuckets() throws {
    let n = 300_000
    let values = (0..<n).map { Int(UInt32(truncatingIfNeeded: $0 &* 2_654_435_761) % 100_003) }
    let out = try rows(scan(longs("k", values, batchRows: 10_000)).sort([SortKey(column("k"))]))
    #expect(out.count == n)
    #expect(firstLongs(out) == values.sorted())
  }

  @Test func specialNumbers() throws {
    let schema = StructType([StructField("r", .real)])
    let values: [Scalar] = [.real(1), .real(.nan), .null(.real), .real(-.infinity), .real(0.0), .real(-0.0), .real(.infinity), .real(-1)]
    let plan = LogicalPlan.values(schema, [RecordBatch(schema: schema, columns: [.of(.real, values)])])
    let up = try rows(plan.sort([SortKey(column("r"))])).map { rowText($0) }
    #expect(up == ["null(real)", "nan", "-inf", "-1.0", "0.0", "0.0", "1.0", "inf"])
    let down = try rows(plan.sort([SortKey(column("r"), isDescending: true)])).map { rowText($0) }
    #expect(down == ["inf", "1.0", "0.0", "0.0", "-1.0", "-inf", "nan", "null(real)"])
  }
}
