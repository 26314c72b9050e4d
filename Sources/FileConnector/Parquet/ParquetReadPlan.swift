// Role: late materialisation: filter columns are decoded first, conjunct by conjunct on the rows that are left; the other columns only for the
// rows that satisfy all of them.

import Columnar
import DataSource
import Expressions
import Parquet

/// How the windows of a row group become batches. Immutable, shared by all threads.
struct ParquetReadPlan: Sendable {
  /// A conjunct, bound to the columns it reads.
  private struct Step: Sendable {
    /// Positions in `columns`.
    let inputs: [Int]
    let schema: StructType
    let condition: CompiledExpr
  }

  /// Positions in the file's schema of all columns read: the outputs first, then those only filters need.
  let columns: [Int]
  private let steps: [Step]
  private let outputs: [Int]
  private let outputSchema: StructType

  /// Rows are cut down at once when at most this part of them is left, else at the end.
  private static let compactBelow = 0.25

  init(_ file: ParquetFile, _ schema: StructType, outputs names: [String], filters: [Expr], _ context: EvaluationContext) throws {
    var columns: [Int] = []
    func position(_ name: String) throws -> Int {
      guard let field = schema.index(of: name) else { throw KConnectError(.columnNotFound, "column '\(name)' not found in '\(file.name)'") }
      if let known = columns.firstIndex(of: field) { return known }
      columns.append(field)
      return columns.count - 1
    }
    outputs = try names.map(position)
    outputSchema = StructType(names.compactMap { schema.field($0) })
    var steps: [(cost: Int, step: Step)] = []
    for conjunct in filters.flatMap(\.conjuncts) {
      let used = conjunct.columns.sorted()
      let inputs = try used.map(position)
      let fields = StructType(used.compactMap { schema.field($0) })
      let cost = fields.fields.reduce(0) { $0 + ($1.type.isVariableWidth ? 8 : 1) }
      steps.append((cost, Step(inputs: inputs, schema: fields, condition: try CompiledExpr(conjunct, schema: fields, context: context))))
    }
    // Cheap columns first; the order given among equals.
    self.steps = steps.enumerated().sorted { ($0.element.cost, $0.offset) < ($1.element.cost, $1.offset) }.map(\.element.step)
    self.columns = columns
  }

  /// The selected rows of a window, of those that `live` has (nil: all); nil when there are none.
  func read(_ reader: RowGroupReader, _ window: Range<Int>, live: Bitmap?) throws -> RecordBatch? {
    let liveCount = live?.popcount ?? window.count
    if liveCount == 0 { return nil }
    if steps.isEmpty {
      let vectors = try outputs.map { try reader.readColumn($0, window, live) }
      return RecordBatch(schema: outputSchema, columns: vectors, rowCount: liveCount)
    }
    // Rows of the window that decoded columns hold, nil for all; and among them those that passed since the last cut.
    var kept = live
    var passing: Bitmap?
    var decoded = [ColumnVector?](repeating: nil, count: columns.count)
    var rowCount = liveCount
    func compact() {
      guard let bits = passing else { return }
      passing = nil
      if bits.isAllSet { return }
      let rows = bits.indices()
      for i in decoded.indices { decoded[i] = decoded[i]?.take(rows) }
      kept = kept.map { Self.scatter(bits, into: $0) } ?? bits
      rowCount = rows.count
    }
    for step in steps {
      var inputs: [ColumnVector] = []
      for i in step.inputs {
        if let known = decoded[i] {
          inputs.append(known)
        } else {
          let vector = try reader.readColumn(i, window, kept)
          decoded[i] = vector
          inputs.append(vector)
        }
      }
      let bits = try step.condition.select(RecordBatch(schema: step.schema, columns: inputs, rowCount: rowCount))
      let both = passing.map { $0.and(bits) } ?? bits
      let left = both.popcount
      if left == 0 { return nil }
      passing = both
      if Double(left) <= Double(rowCount) * Self.compactBelow { compact() }
    }
    compact()
    let vectors = try outputs.map { try decoded[$0] ?? reader.readColumn($0, window, kept) }
    return RecordBatch(schema: outputSchema, columns: vectors, rowCount: rowCount)
  }

  /// `inner` selects among the set bits of `outer`: the bits of both as a selection of the whole.
  private static func scatter(_ inner: Bitmap, into outer: Bitmap) -> Bitmap {
    let positions = outer.indices()
    // SAFETY: `inner` has a bit for each set bit of `outer`, so that `i` is one of the positions; these are bits of `outer`.
    return unsafe Bitmap.build(count: outer.count) { words in
      unsafe inner.indices().withUnsafe { chosen in
        unsafe positions.withUnsafe { all in
          for unsafe i in unsafe chosen {
            let p = unsafe Int(all[Int(i)])
            unsafe words[p >> 6] |= 1 << UInt64(p & 63)
          }
        }
      }
    }
  }
}

extension RowGroupReader {
  /// `read(column:window:selection:)` without labels; an untyped throw, as callers mix errors.
  func readColumn(_ column: Int, _ window: Range<Int>, _ selection: Bitmap?) throws -> ColumnVector {
    try read(column: column, window: window, selection: selection)
  }
}
