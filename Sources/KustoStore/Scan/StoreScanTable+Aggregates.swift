// Role: aggregates that follow from what the log says of extents: count(), and min() and max() of whole numbers, over a whole table. No extent is
// opened for them.

import Columnar
import DataSource
package import Engine
package import Expressions

extension StoreScanTable: PlanRunningTable {
  /// Another one for each set of extents.
  package var runnerIdentity: String? { "store\n\(snapshot.table.id)\n\(snapshot.version)\n\(files.count)" }

  package func pushingDown(_ plan: LogicalPlan, context: EvaluationContext) throws -> LogicalPlan {
    // Each scan is answered by its own table, which may have other extents of the same version.
    if case .aggregate(let keys, let aggregates, let input) = plan.node, keys.isEmpty, case .scan(let scan) = input.node, scan.filters.isEmpty, scan.limit == nil,
      let table = scan.table as? StoreScanTable, let row = table.values(aggregates, as: plan.schema)
    {
      return row
    }
    let inputs = plan.inputs
    return inputs.isEmpty ? plan : plan.withInputs(try inputs.map { try pushingDown($0, context: context) })
  }

  /// The one row; nil where it does not follow, as with rows behind the extents.
  private func values(_ aggregates: [NamedAggregate], as schema: StructType) -> LogicalPlan? {
    guard tail == nil else { return nil }
    let catalog = StoreFileCatalog(snapshot, files)
    var row: [ColumnVector] = []
    for (aggregate, field) in zip(aggregates, schema.fields) {
      guard let value = value(aggregate.call, catalog), value.type == field.type else { return nil }
      row.append(.constant(value, count: 1))
    }
    guard row.count == schema.count else { return nil }
    return .values(schema, [RecordBatch(schema: schema, columns: row, rowCount: 1)])
  }

  private func value(_ call: AggregateCall, _ catalog: StoreFileCatalog) -> Scalar? {
    switch (call.name, call.arguments.first) {
    case ("count", nil): return exactRowCount.map { .long(Int64($0)) }
    case ("min", .column(let name)?) where call.arguments.count == 1: return bound(name, catalog, { $0.min }, Swift.min)
    case ("max", .column(let name)?) where call.arguments.count == 1: return bound(name, catalog, { $0.max }, Swift.max)
    default: return nil
    }
  }

  /// The least or greatest value of a column. Bounds of whole numbers are values; those of other types may be rounded outwards.
  private func bound(_ name: String, _ catalog: StoreFileCatalog, _ of: (ColumnStatistics) -> Scalar?, _ choose: (Int64, Int64) -> Int64) -> Scalar? {
    guard let type = schema.field(name)?.type, type == .int || type == .long else { return nil }
    var found: Int64?
    for i in files.indices where files[i].extent.rowCount > 0 {
      guard let statistics = catalog.statistics(name, file: i) else { return nil }
      switch of(statistics) {
      case .int(let value)?: found = found.map { choose($0, Int64(value)) } ?? Int64(value)
      case .long(let value)?: found = found.map { choose($0, value) } ?? value
      case nil where statistics.nullCount == files[i].extent.rowCount: continue
      default: return nil
      }
    }
    guard let found else { return .null(type) }
    return type == .long ? .long(found) : Int32(exactly: found).map { .int($0) }
  }
}
