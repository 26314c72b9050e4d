// Role: a table in memory for engine tests: morsels of any size, any push-down answer, counters of what was asked and read.

import Columnar
import DataSource
import Expressions
import Synchronization

/// Batches, a morsel each, in order.
final class MemoryTable: BatchReadable {
  let schema: StructType
  let batches: [RecordBatch]
  let answer: FilterPushdown
  let knowsRows: Bool
  let morselsTaken = Atomic<Int>(0)
  let lastRequest = Mutex<ScanRequest?>(nil)
  /// Thrown when that morsel is read.
  let failsAt: Int?
  /// Called before a morsel is read.
  let onMorsel: (@Sendable (Int) -> Void)?

  init(
    _ schema: StructType, _ batches: [RecordBatch], answer: FilterPushdown = .unsupported, knowsRows: Bool = false, failsAt: Int? = nil,
    onMorsel: (@Sendable (Int) -> Void)? = nil
  ) {
    self.schema = schema
    self.batches = batches
    self.answer = answer
    self.knowsRows = knowsRows
    self.failsAt = failsAt
    self.onMorsel = onMorsel
  }

  var description: String { "memory" }
  func pushdown(_ filters: [Expr]) -> [FilterPushdown] { filters.map { _ in answer } }
  var exactRowCount: Int? { knowsRows ? batches.reduce(0) { $0 + $1.rowCount } : nil }

  func scan(_ request: ScanRequest, context: EvaluationContext) throws -> any Scan {
    lastRequest.withLock { $0 = request }
    return try MemoryScan(self, request, context)
  }

  private final class MemoryScan: Scan, @unchecked Sendable {
    let table: MemoryTable
    let schema: StructType
    let positions: [Int]
    let predicate: CompiledExpr?
    let next = Atomic<Int>(0)
    let limit: Int?
    let given = Atomic<Int>(0)

    init(_ table: MemoryTable, _ request: ScanRequest, _ context: EvaluationContext) throws {
      self.table = table
      positions = request.columns.compactMap { table.schema.index(of: $0) }
      schema = StructType(positions.map { table.schema[$0] })
      limit = request.limit
      // An inexact source may return any superset: this one drops rows by the first filter only.
      let used = table.answer == .inexact ? Array(request.filters.prefix(1)) : request.filters
      predicate = try Expr.conjunction(used).map { try CompiledExpr($0, schema: table.schema, context: context) }
    }

    var metrics: ScanMetrics { ScanMetrics() }

    func nextMorsel() throws -> (any Morsel)? {
      let i = next.add(1, ordering: .relaxed).oldValue
      guard i < table.batches.count else { return nil }
      if let limit, given.load(ordering: .relaxed) >= limit { return nil }
      table.morselsTaken.add(1, ordering: .relaxed)
      if limit != nil { given.add(table.batches[i].rowCount, ordering: .relaxed) }
      return MemoryMorsel(scan: self, index: i)
    }
  }

  private struct MemoryMorsel: Morsel {
    let scan: MemoryScan
    let index: Int

    func read(_ emit: (RecordBatch) throws -> Bool) throws {
      scan.table.onMorsel?(index)
      if scan.table.failsAt == index { throw KConnectError(.io, "morsel \(index) cannot be read") }
      var batch = scan.table.batches[index]
      if let predicate = scan.predicate { batch = batch.filter(try predicate.select(batch)) }
      let columns = scan.positions.map { batch.columns[$0] }
      _ = try emit(RecordBatch(schema: scan.schema, columns: columns, rowCount: batch.rowCount))
    }
  }
}

/// Small random numbers with a fixed seed.
struct TestRandom {
  private var state: UInt64
  init(_ seed: Int) { state = UInt64(truncatingIfNeeded: seed) &* 0x9E37_79B9_7F4A_7C15 | 1 }

  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }

  mutating func below(_ n: Int) -> Int { Int(next() >> 11) % max(1, n) }
  mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
  mutating func pick<T>(_ items: [T]) -> T { items[below(items.count)] }
}

enum TestData {
  static let schema = StructType([
    StructField("i", .int), StructField("l", .long), StructField("r", .real), StructField("s", .string), StructField("b", .bool),
    StructField("d", .decimal), StructField("t", .datetime), StructField("g", .guid), StructField("id", .long),
  ])

  /// `rows` random rows in batches of about `batchRows`, values in a domain of about `domain`; `id` counts the rows.
  static func batches(_ random: inout TestRandom, rows: Int, batchRows: Int, domain: Int, nulls: Int = 10) -> [RecordBatch] {
    var out: [RecordBatch] = []
    var id = 0
    while id < rows {
      let n = min(rows - id, max(1, batchRows))
      var columns: [[Scalar]] = schema.fields.map { _ in [] }
      for k in 0..<n {
        for (c, field) in schema.fields.enumerated() {
          if field.name == "id" {
            columns[c].append(.long(Int64(id + k)))
          } else {
            columns[c].append(random.chance(nulls) ? .null(field.type) : value(field.type, random.below(domain)))
          }
        }
      }
      var vectors = zip(schema.fields, columns).map { ColumnVector.of($0.type, $1) }
      if random.chance(50) { vectors[3] = dictionary(vectors[3]) }
      if random.chance(20) { vectors[0] = .constant(value(.int, random.below(domain)), count: n) }
      out.append(RecordBatch(schema: schema, columns: vectors, rowCount: n))
      id += n
    }
    return out
  }

  static func value(_ type: DataType, _ k: Int) -> Scalar {
    switch type {
    case .bool: .bool(k % 2 == 1)
    case .int: .int(Int32(k - 3))
    case .long: .long(Int64(k) - 5)
    case .real: k % 7 == 3 ? .real(.nan) : k % 7 == 4 ? .real(-0.0) : k % 7 == 5 ? .real(0.0) : .real(Double(k) - 4)
    case .decimal: k % 5 == 0 ? .decimal(DecimalValue(Int128(k * 10), scale: 1)) : .decimal(DecimalValue(Int128(k), scale: k % 3))
    case .string: .string(k % 4 == 0 ? "text with the same beginning \(k)" : "v\(k)")
    case .datetime: .datetime(Int64(k) * 864_000_000_000)
    case .timespan: .timespan(Int64(k))
    case .guid: .guid(GUID(high: UInt64(k % 3), low: UInt64(k)))
    case .dynamic: .dynamic(.long(Int64(k)))
    }
  }

  /// The same rows in dictionary form.
  static func dictionary(_ vector: ColumnVector) -> ColumnVector {
    var values: [Scalar] = [], codes: [Int32] = [], known: [Scalar: Int32] = [:]
    for scalar in vector.scalars {
      if scalar.isNull {
        codes.append(0)
        continue
      }
      if let code = known[scalar] {
        codes.append(code)
      } else {
        known[scalar] = Int32(values.count)
        codes.append(Int32(values.count))
        values.append(scalar)
      }
    }
    if values.isEmpty { return vector }
    return .dictionary(codes: Buffer(codes), values: .of(vector.type, values), validity: vector.validity)
  }
}

/// One row as comparable text: equal for values that are equal as keys.
func rowText(_ row: [Scalar]) -> String {
  row.map { scalar in
    switch scalar {
    case .real(let v): return v.isNaN ? "nan" : "\(v == 0 ? 0.0 : v)"
    case .decimal(let v):
      let n = v.normalized
      return "\(n.coefficient)e\(-Int(n.scale))"
    case .null(let type): return "null(\(type))"
    case .bool(let v): return v ? "bool(true)" : "bool(false)"
    case .int(let v): return "int(" + String(v) + ")"
    case .long(let v): return "long(" + String(v) + ")"
    case .string(let v): return "'" + v + "'"
    case .datetime(let v): return "datetime(" + String(v) + ")"
    case .timespan(let v): return "timespan(" + String(v) + ")"
    case .guid(let v): return v.description
    case .dynamic(let v): return "\(v)"
    }
  }.joined(separator: "|")
}
