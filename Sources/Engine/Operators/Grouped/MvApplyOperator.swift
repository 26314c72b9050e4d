// Role: mv-apply: each row's arrays are expanded to a small table, a subquery is applied to it, and its rows are given together with the
// columns of the row they come from. Many rows are expanded and answered by one run of the subquery.
// Source: Kusto language reference, "mv-apply operator".

package import Columnar
import DataSource
import Expressions

/// Expands, applies the body to the rows of each input row, puts the input's columns beside the results.
package struct MvApplyOperator: TableOperator {
  /// An output column: one of the input row or one of the body's results.
  package enum Source: Sendable, Hashable {
    case outer(String)
    case result(String)
  }

  package struct Column: Sendable, Hashable {
    package var name: String
    package var source: Source

    package init(_ name: String, _ source: Source) {
      self.name = name
      self.source = source
    }
  }

  private let expansion: MvExpandOperator
  private var body: SubqueryBody
  private var columns: [Column]
  /// Names the input row within an expanded batch; a subquery inside this one has another.
  private var rowName: String { "$row\(body.source)" }

  /// `expansion` gives the columns of the body's placeholder.
  package init(_ expansion: MvExpandOperator, body: SubqueryBody, columns: [Column]) {
    self.expansion = expansion
    self.body = body
    self.columns = columns
  }

  package var name: String { "MvApply" }
  package var detail: String { "\(expansion.detail) on [\(PlanText.line(body.plan))]" }
  package var needsOrder: Bool { false }
  package var subplans: [LogicalPlan] { [body.plan] }

  package func outputSchema(_ inputs: [StructType]) throws -> StructType {
    StructType(try columns.map { column in
      let (schema, source) = switch column.source {
      case .outer(let name): (inputs[0], name)
      case .result(let name): (body.schema, name)
      }
      guard let field = schema.field(source) else { throw ExpressionError.columnNotFound(source, candidates: schema.names) }
      return StructField(column.name, field.type, hint: field.hint)
    })
  }

  package func keeping(_ wanted: Set<String>) -> any TableOperator {
    var kept = self
    kept.columns = columns.filter { wanted.contains($0.name) }
    kept.body = body.keeping(Set(kept.columns.compactMap { if case .result(let name) = $0.source { name } else { nil } }))
    return kept
  }

  package func columnsRead(for wanted: Set<String>, inputs: [StructType]) -> [Set<String>] {
    let inner = expansion.keeping(body.columnsRead)
    let outer = columns.compactMap { if case .outer(let name) = $0.source { name } else { nil } }
    return [inner.columnsRead(for: body.columnsRead, inputs: inputs)[0].union(outer)]
  }

  package func filterableColumns(_ inputs: [StructType]) -> Set<String> {
    columns.reduce(into: []) { names, column in if column.source == .outer(column.name) { names.insert(column.name) } }
  }

  package func passing(_ column: String) -> (any TableOperator)? {
    if columns.contains(where: { $0.name == column }) { return nil }
    var wider = self
    wider.columns.append(Column(column, .outer(column)))
    return wider
  }

  package func execution(inputs: [StructType], output: StructType, context: TableOperatorContext) throws -> TableOperatorExecution {
    let numbered = StructType(inputs[0].fields + [StructField(rowName, .long)])
    guard let expand = expansion.keeping(body.columnsRead).passing(rowName) else { throw internalError("a column has the name \(rowName)") }
    let expanded = try expand.outputSchema([numbered])
    guard case .batches(let transform) = try expand.execution(inputs: [numbered], output: expanded, context: context) else {
      throw internalError("an expansion that is not a batch transform")
    }
    let sources = columns.map { column -> MvApplyTransform.Slot in
      switch column.source {
      case .outer(let name): .outer(inputs[0].index(of: name) ?? 0)
      case .result(let name): .result(body.schema.index(of: name) ?? 0)
      }
    }
    return .batches(
      MvApplyTransform(
        expand: transform, numbered: numbered, expanded: expanded, rowName: rowName, body: body, slots: sources, schema: output, context: context))
  }
}

/// Applies the body to the expanded rows of a batch, some input rows at a time.
private struct MvApplyTransform: BatchTransform {
  enum Slot: Sendable {
    case outer(Int)
    case result(Int)
  }

  let expand: any BatchTransform
  let numbered: StructType
  let expanded: StructType
  let rowName: String
  let body: SubqueryBody
  let slots: [Slot]
  let schema: StructType
  let context: TableOperatorContext

  func process(_ batch: RecordBatch, _ emit: (RecordBatch) throws -> Bool) throws -> Bool {
    let numbers = BufferBuilder<Int64>(capacity: batch.rowCount)
    for i in 0..<batch.rowCount { numbers.appendUnchecked(Int64(i)) }
    let input = RecordBatch(schema: numbered, columns: batch.columns + [.long(numbers.finish())], rowCount: batch.rowCount)
    return try expand.process(input) { rows in
      try context.check()
      for result in try apply(rows) where result.rowCount > 0 {
        guard try emit(output(batch, result)) else { return false }
      }
      return true
    }
  }

  /// The body's results for all input rows in an expanded batch, in their order; the last column is the input row.
  private func apply(_ rows: RecordBatch) throws -> [RecordBatch] {
    let rewrite = GroupedRewrite(body: body, rows: .values(expanded, [rows]), keys: [rowName], restoresGroups: true)
    if let plan = try rewrite.plan() { return try context.rows(of: try plan.sort([SortKey(.column(rowName))])) }
    let names = rows.columns[rows.columns.count - 1]
    var out: [RecordBatch] = []
    var start = 0
    while start < rows.rowCount {
      let row = names.scalar(start)
      var end = start + 1
      while end < rows.rowCount, names.scalar(end) == row { end += 1 }
      let group = LogicalPlan.values(expanded, [rows.slice(start..<end)])
      for result in try context.rows(of: try body.over(group)) {
        let fields = result.schema.fields + [StructField(rowName, .long)]
        out.append(RecordBatch(schema: StructType(fields), columns: result.columns + [.constant(row, count: result.rowCount)], rowCount: result.rowCount))
      }
      start = end
    }
    return out
  }

  private func output(_ batch: RecordBatch, _ result: RecordBatch) -> RecordBatch {
    let rows = BufferBuilder<Int32>(capacity: result.rowCount)
    if case .long(let numbers) = result.columns[result.columns.count - 1].flattened.storage {
      for i in 0..<result.rowCount { rows.appendUnchecked(Int32(truncatingIfNeeded: numbers[i])) }
    }
    let positions = rows.finish()
    let columns = slots.map { slot in
      switch slot {
      case .outer(let i): batch.columns[i].take(positions)
      case .result(let i): result.columns[i]
      }
    }
    return RecordBatch(schema: schema, columns: columns, rowCount: result.rowCount)
  }
}
