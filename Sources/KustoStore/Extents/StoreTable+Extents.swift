// Role: what happens to whole extents and to rows in them: dropping, tags, deleting rows.

package import Columnar
import DataSource
import Delta
import Engine
package import Expressions
import Parquet

extension StoreTable {
  /// An extent's file, opened.
  func parquet(of extent: Extent) throws -> ParquetFile {
    try StoreErrors.parquet { try ParquetFile(path: directory.path(extent.fileName), displayPath: joinPath(displayPath, extent.fileName)) }
  }

  /// Hears of a version that rows are about to leave, before they do. What leaves is chosen from that version, and from no later one; when others
  /// commit in between so that it cannot leave, it hears of the next version.
  package typealias Departure = (TableSnapshot) throws -> Void

  /// Removes extents for which `predicate` is true; answers them.
  @discardableResult
  package func dropExtents(where predicate: (Extent) -> Bool) throws -> [Extent] { try dropExtents(where: predicate) { _ in } }

  @discardableResult
  package func dropExtents(where predicate: (Extent) -> Bool, before departure: Departure) throws -> [Extent] {
    try retrying { _ in
      let snapshot = try snapshot()
      let gone = snapshot.files.filter { predicate($0.extent) }
      if gone.isEmpty { return [] }
      try departure(snapshot)
      var change = TableChange(self, basis: snapshot.delta, operation: "DROP EXTENTS")
      change.remove(gone)
      _ = try commit(change)
      return gone.map(\.extent)
    }
  }

  /// Removes all extents.
  @discardableResult
  package func clearData() throws -> [Extent] { try clearData { _ in } }

  @discardableResult
  package func clearData(before departure: Departure) throws -> [Extent] {
    try sealRows()
    return try dropExtents(where: { _ in true }, before: departure)
  }

  /// Gives extents other tags.
  package func alterExtentTags(_ ids: Set<GUID>, _ change: (ExtentTags) -> ExtentTags) throws {
    try retrying { _ in
      let snapshot = try snapshot()
      var commit = TableChange(self, basis: snapshot.delta, operation: "ALTER EXTENT TAGS")
      var files: [AddFile] = []
      for file in try snapshot.files(of: ids) {
        var add = file.add
        let tags = change(file.extent.tags).all
        add.tags?[ExtentKey.tags] = tags.isEmpty ? nil : DynamicValue.array(tags.map { .string($0) }).json
        if add != file.add { files.append(add) }
      }
      if files.isEmpty { return }
      commit.retag(files)
      _ = try self.commit(commit)
    }
  }

  /// Deletes the rows for which the boolean predicate is true; extents that hold some are rewritten. Answers how many rows went.
  /// The predicate may name the table's columns and the virtual ones (`HiddenColumns.virtual`).
  @discardableResult
  package func deleteRows(where predicate: Expr, context: EvaluationContext) throws -> Int { try deleteRows(where: predicate, context: context) { _ in } }

  @discardableResult
  package func deleteRows(where predicate: Expr, context: EvaluationContext, before departure: Departure) throws -> Int {
    try sealRows()
    return try retrying { _ in
      let snapshot = try snapshot()
      let counts = try matches(predicate, snapshot, context)
      let touched = snapshot.files.filter { counts[$0.extent.id] != nil }
      if touched.isEmpty { return 0 }
      try departure(snapshot)
      var change = TableChange(self, basis: snapshot.delta, operation: "DELETE")
      change.remove(touched)
      for file in touched where counts[file.extent.id] != file.extent.rowCount {
        var rewrite = ExtentRewrite(snapshot, [file])
        // Rows where the predicate is null stay.
        rewrite.filter = .call("iff", [predicate, .literal(.bool(false)), .literal(.bool(true))])
        rewrite.isDataChange = true
        change.append(try rewrite.run(context: context))
      }
      _ = try commit(change)
      return counts.values.reduce(0, +)
    }
  }

  /// How many rows of each extent satisfy the predicate; extents without any are missing.
  private func matches(_ predicate: Expr, _ snapshot: TableSnapshot, _ context: EvaluationContext) throws -> [GUID: Int] {
    let table = StoreScanTable(snapshot, files: snapshot.files)
    let id = HiddenColumns.extentId
    let plan = try LogicalPlan.scan(table, columns: predicate.columns.union([id])).filter(predicate)
      .aggregate(keys: [NamedExpr(id, .column(id))], aggregates: [NamedAggregate("n", AggregateCall("count", []))])
    var out: [GUID: Int] = [:]
    try QueryExecution(plan, options: ExecutionOptions(), context: context).run { batch in
      for i in 0..<batch.rowCount {
        if case .guid(let extent) = batch.columns[0].scalar(i), case .long(let n) = batch.columns[1].scalar(i) { out[extent] = Int(n) }
      }
      return true
    }
    return out
  }
}
