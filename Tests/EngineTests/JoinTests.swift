// Role: every join kind against nested loops, in memory, spilled, with either side held.

import Columnar
import DataSource
import Engine
import Expressions
import Synchronization
import Testing

@Suite struct JoinTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var kind: JoinKind
    var keys: [String]
    var seed: Int
    var testDescription: String { "\(kind.rawValue) on \(keys) seed \(seed)" }
  }

  static let cases: [Case] = JoinKind.allCases.flatMap { kind in
    kind == .cross
      ? [Case(kind: kind, keys: [], seed: 1), Case(kind: kind, keys: [], seed: 2)]
      : [["l"], ["s"], ["i", "s"], ["r"], ["d"], ["g", "b"], ["t"]].enumerated().map { Case(kind: kind, keys: $1, seed: $0 + 10) }
  }

  static func equal(_ a: Scalar, _ b: Scalar) -> Bool { !a.isNull && !b.isNull && rowText([a]) == rowText([b]) }

  /// The rows by definition.
  static func reference(_ left: [[Scalar]], _ right: [[Scalar]], _ kind: JoinKind, on: [Int], types: ([DataType], [DataType])) -> [String] {
    var left = left
    func matches(_ a: [Scalar], _ b: [Scalar]) -> Bool { on.allSatisfy { equal(a[$0], b[$0]) } }
    if kind == .innerUnique {
      var seen: Set<String> = []
      left = left.filter { row in seen.insert(rowText(on.map { row[$0] })).inserted }
    }
    let noLeft = types.0.map { Scalar.null($0) }, noRight = types.1.map { Scalar.null($0) }
    var out: [[Scalar]] = []
    switch kind {
    case .leftSemi: out = left.filter { a in right.contains { matches(a, $0) } }
    case .leftAnti: out = left.filter { a in !right.contains { matches(a, $0) } }
    case .rightSemi: out = right.filter { b in left.contains { matches($0, b) } }
    case .rightAnti: out = right.filter { b in !left.contains { matches($0, b) } }
    default:
      for a in left { for b in right where matches(a, b) { out.append(a + b) } }
      if kind == .leftOuter || kind == .fullOuter { out += left.filter { a in !right.contains { matches(a, $0) } }.map { $0 + noRight } }
      if kind == .rightOuter || kind == .fullOuter { out += right.filter { b in !left.contains { matches($0, b) } }.map { noLeft + $0 } }
    }
    return out.map(rowText).sorted()
  }

  @Test(arguments: cases) func againstNestedLoops(_ test: Case) throws {
    var random = TestRandom(test.seed)
    for (leftRows, rightRows) in [(60, 25), (20, 70), (0, 10), (10, 0)] {
      let left = TestData.batches(&random, rows: leftRows, batchRows: 1 + random.below(20), domain: 12)
      let right = TestData.batches(&random, rows: rightRows, batchRows: 1 + random.below(20), domain: 12)
      let keys = test.keys.map { (left: column($0), right: column($0)) }
      let on = test.keys.compactMap { TestData.schema.index(of: $0) }
      let types = TestData.schema.fields.map(\.type)
      let expected = Self.reference(left.flatMap(rowsOf), right.flatMap(rowsOf), test.kind, on: on, types: (types, types))
      for knowsRows in [false, true] {
        let plan = try scan(left, knowsRows: knowsRows).join(scan(right, answer: .inexact, knowsRows: knowsRows), kind: test.kind, keys: keys)
        #expect(try bag(plan) == expected)
        #expect(try bag(plan, options(threads: 1, optimizes: false)) == expected)
      }
    }
  }

  @Test(arguments: JoinKind.allCases.filter { $0 != .cross }) func spilledIsTheSame(_ kind: JoinKind) throws {
    var random = TestRandom(77)
    let left = TestData.batches(&random, rows: 9_000, batchRows: 500, domain: 30_000)
    let right = TestData.batches(&random, rows: 9_000, batchRows: 500, domain: 30_000)
    for keys in [["l"], ["s", "g"]] {
      let plan = try scan(left).join(scan(right), kind: kind, keys: keys.map { (left: column($0), right: column($0)) })
      #expect(try bag(plan) == bag(plan, options(memory: 1 << 18)))
    }
  }

  @Test func manyMatchesComeInBatches() throws {
    let one = longs("k", Array(repeating: 7, count: 400), batchRows: 100)
    let plan = try scan(one).join(scan(one), kind: .inner, keys: [(left: column("k"), right: column("k"))]).count()
    #expect(try rows(plan) == [[.long(160_000)]])
  }

  @Test func keysOfTheHeldSideLimitTheScan() throws {
    let probe = MemoryTable(StructType([StructField("k", .long)]), longs("k", (0..<100).map { $0 }), answer: .inexact)
    let build = scan(longs("k", [40, 41, 45]))
    let plan = try LogicalPlan.scan(probe).join(build, kind: .inner, keys: [(left: column("k"), right: column("k"))])
    #expect(try rows(plan).count == 3)
    #expect(probe.lastRequest.withLock { $0?.filters.isEmpty } == false)
  }
}
