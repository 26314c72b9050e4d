// Role: small plugins over rows in their order: narrow, rows_near, schema_merge, and the operator consume.
// Source: Kusto language reference, the plugins' pages.

package import Columnar
import DataSource
import Expressions

/// `narrow`: a row per cell, with the number of the row and the name of the column.
package struct NarrowOperator: TableOperator {
  package init() {}

  package var name: String { "Narrow" }

  package func outputSchema(_ inputs: [StructType]) throws -> StructType {
    StructType([StructField("Row", .long), StructField("Column", .string), StructField("Value", .string)])
  }

  package func execution(inputs: [StructType], output: StructType, context: TableOperatorContext) throws -> TableOperatorExecution {
    .ordered(Transform(output, names: inputs[0].names))
  }

  private final class Transform: OrderedTransform {
    private let schema: StructType
    private let names: [String]
    private var rowsBefore: Int64 = 0

    init(_ schema: StructType, names: [String]) {
      self.schema = schema
      self.names = names
    }

    func consume(_ batch: RecordBatch, input: Int, _ emit: (RecordBatch) -> Void) throws -> Bool {
      let n = batch.rowCount, width = batch.columns.count
      // Cells row by row out of the columns put one behind the other.
      let texts = ColumnVector.concat(batch.columns.map { $0.cast(to: .string).flattened }, type: .string)
      var positions: [Int32] = [], codes: [Int32] = [], rows: [Int64] = []
      positions.reserveCapacity(n * width)
      for i in 0..<n {
        for c in 0..<width {
          positions.append(Int32(c * n + i))
          codes.append(Int32(c))
          rows.append(rowsBefore + Int64(i))
        }
      }
      rowsBefore += Int64(n)
      let columns: [ColumnVector] = [
        .long(Buffer(rows)), .dictionary(codes: Buffer(codes), values: .of(.string, names.map { .string($0) })), texts.take(Buffer(positions)),
      ]
      if !rows.isEmpty { emit(RecordBatch(schema: schema, columns: columns, rowCount: rows.count)) }
      return true
    }

    func finish() throws -> RecordBatch? { nil }
  }
}

/// `rows_near`: rows at most `before` rows before or `after` rows after one for which the condition holds. The last input column is the condition.
package struct RowsNearFunction: TableFunction {
  package let schema: StructType
  package let before: Int
  package let after: Int

  /// `schema` is that of the rows without the condition.
  package init(schema: StructType, before: Int, after: Int) {
    self.schema = schema
    self.before = before
    self.after = after
  }

  package var name: String { "RowsNear" }

  package func apply(_ inputs: [[RecordBatch]], _ context: TableFunctionContext) throws -> [RecordBatch] {
    let batches = inputs[0]
    // The rows wanted, as ascending ranges that do not overlap.
    var ranges: [Range<Int>] = []
    var offset = 0
    let before = min(max(before, 0), Int(Int32.max)), after = min(max(after, 0), Int(Int32.max))
    for batch in batches {
      let hits = batch.columns[schema.count].trueBits
      for i in 0..<batch.rowCount where hits[i] {
        let low = max(0, offset + i - before), high = offset + i + after + 1
        if let last = ranges.last, low <= last.upperBound { ranges[ranges.count - 1] = last.lowerBound..<high } else { ranges.append(low..<high) }
      }
      offset += batch.rowCount
    }
    var out: [RecordBatch] = []
    var next = 0
    offset = 0
    for batch in batches {
      try context.check()
      let end = offset + batch.rowCount
      while next < ranges.count, ranges[next].lowerBound < end {
        let part = ranges[next].clamped(to: offset..<end)
        if !part.isEmpty { out.append(batch.selecting(Array(0..<schema.count)).slice(part.lowerBound - offset..<part.upperBound - offset)) }
        if ranges[next].upperBound > end { break }
        next += 1
      }
      offset = end
    }
    return out
  }
}

/// `schema_merge` over rows of getschema: (name, ordinal, type).
package struct SchemaMergeFunction: TableFunction {
  package let preservesOrder: Bool

  package init(preservesOrder: Bool) { self.preservesOrder = preservesOrder }

  package var name: String { "SchemaMerge" }

  package var schema: StructType {
    StructType([StructField("ColumnName", .string), StructField("ColumnOrdinal", .long), StructField("DataType", .string), StructField("ColumnType", .string)])
  }

  package func apply(_ inputs: [[RecordBatch]], _ context: TableFunctionContext) throws -> [RecordBatch] {
    /// Columns in order of appearance: first and greatest ordinal, types seen, whether the ordinals differ.
    var order: [String] = []
    var found: [String: (ordinal: Int64, last: Int64, types: [String], isMoved: Bool)] = [:]
    for batch in inputs[0] {
      for i in 0..<batch.rowCount {
        guard case .string(let name) = batch.columns[0].scalar(i), let ordinal = batch.columns[1].scalar(i).int64Value else { continue }
        let type = if case .string(let text) = batch.columns[2].scalar(i) { text } else { "" }
        guard var known = found[name] else {
          order.append(name)
          found[name] = (ordinal, ordinal, [type], false)
          continue
        }
        if known.ordinal != ordinal { known.isMoved = true }
        known.last = max(known.last, ordinal)
        if !known.types.contains(type) { known.types.append(type) }
        found[name] = known
      }
    }
    var rows: [[Scalar]] = []
    // With free order columns are numbered anew by the place furthest back; else each keeps its place, and those that moved come last.
    let moved = preservesOrder ? order.filter { found[$0]?.isMoved ?? false } : []
    var stable = order.filter { !moved.contains($0) }
    let place = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
    stable.sort { a, b in
      guard let x = found[a], let y = found[b] else { return false }
      return (preservesOrder ? x.ordinal : x.last, place[a] ?? 0) < (preservesOrder ? y.ordinal : y.last, place[b] ?? 0)
    }
    for (i, name) in (stable + moved).enumerated() {
      guard let column = found[name] else { continue }
      var ordinal = preservesOrder ? column.ordinal : Int64(i)
      var type = column.types[0]
      if moved.contains(name) {
        type = "ERROR(columns are out of order)"
        ordinal = -1
      } else if column.types.count > 1 {
        type = "ERROR(conflicting types: \(column.types.joined(separator: ",")))"
      }
      let system = DataType(rawValue: type)?.systemTypeName ?? "ERROR(unknown CSL type:\(type))"
      rows.append([.string(name), .long(ordinal), .string(system), .string(type)])
    }
    return [.rows(schema, rows)]
  }
}

/// `consume`: reads everything, gives nothing.
package struct ConsumeOperator: TableOperator, BatchTransform {
  package init() {}

  package var name: String { "Consume" }
  package var needsOrder: Bool { false }
  package func outputSchema(_ inputs: [StructType]) throws -> StructType { inputs[0] }

  package func execution(inputs: [StructType], output: StructType, context: TableOperatorContext) throws -> TableOperatorExecution { .batches(self) }

  package func process(_ batch: RecordBatch, _ emit: (RecordBatch) throws -> Bool) throws -> Bool { true }
}
