// Role: checks that a store is whole: every log can be read, every extent is there, has the size and rows the log says, and with `deep` every
// page decodes.

import Columnar
import DataSource
import Delta
import Engine
import Expressions
import Parquet

/// The findings of a check.
package struct VerificationReport: Sendable {
  /// What is wrong, with paths; empty for a whole store.
  package var problems: [String] = []
  package var tables = 0
  package var extents = 0
  package var rows = 0
  package var bytes = 0
  package init() {}
}

extension Store {
  /// Checks all databases, or one.
  package func verify(database only: String? = nil, deep: Bool = false) throws -> VerificationReport {
    var report = VerificationReport()
    for name in try only.map({ [$0] }) ?? databaseNames() {
      let database = try database(name)
      for table in try database.everyTableName() {
        do {
          guard let opened = try database.anyTable(table) else { continue }
          try check(opened, deep: deep, &report)
        } catch { report.problems.append("\(quotedName(name)).\(quotedName(table)): \(error)") }
      }
    }
    return report
  }

  private func check(_ table: StoreTable, deep: Bool, _ report: inout VerificationReport) throws {
    let snapshot = try table.snapshot()
    report.tables += 1
    report.rows += try snapshot.tail?.rowCount() ?? 0
    var ids: Set<GUID> = []
    for file in snapshot.files {
      let extent = file.extent
      report.extents += 1
      report.rows += extent.rowCount
      report.bytes += extent.byteSize
      let shown = joinPath(table.displayPath, extent.fileName)
      if !ids.insert(extent.id).inserted { report.problems.append("'\(shown)': two extents have the id \(extent.id)") }
      do {
        let parquet = try table.parquet(of: extent)
        if parquet.source.byteCount != extent.byteSize { report.problems.append("'\(shown)': \(parquet.source.byteCount) bytes, the log says \(extent.byteSize)") }
        if parquet.rowCount != extent.rowCount { report.problems.append("'\(shown)': \(parquet.rowCount) rows, the log says \(extent.rowCount)") }
        if deep { try decode(snapshot, file) }
      } catch { report.problems.append("'\(shown)': \(error)") }
    }
  }

  /// Reads every value of an extent.
  private func decode(_ snapshot: TableSnapshot, _ file: ExtentFile) throws {
    let table = StoreScanTable(snapshot, files: [file])
    let scan = try table.scan(
      ScanRequest(columns: snapshot.schema.names + HiddenColumns.virtual.names), context: EvaluationContext(nowTicks: 0, seed: 0))
    var rows = 0
    while let morsel = try scan.nextMorsel() {
      try morsel.read { batch in
        if let broken = batch.brokenInvariant() { throw KConnectError(.formatCorrupt, broken) }
        rows += batch.rowCount
        return true
      }
    }
    if rows != file.extent.rowCount { throw KConnectError(.formatCorrupt, "\(rows) rows decode, the log says \(file.extent.rowCount)") }
  }
}
