// Role: `.show database schema violations`: what stands in a database and cannot be carried out any more: functions and views that read what is gone,
// queries of policies that do not fit their tables, mappings of columns that are not there. Source: Kusto reference, "Schema violations".

import Columnar
import DataSource
import Engine
import KQL

extension CommandRun {
  /// Bodies of functions that take arguments are bound where they are called, and not here.
  func schemaViolationsShow() throws -> CommandOutput {
    let database = try database("database")
    let run = CommandRun(executor: executor, request: Request(request, in: database.name), command: command)
    var rows: [[Scalar]] = []
    func note(_ kind: String, _ name: String, _ property: String, _ reason: String) {
      rows.append([.string(kind), .string(name), .string(property), .string(reason)])
    }
    func examine(_ kind: String, _ name: String, _ property: String = "", _ body: () throws -> Void) throws {
      try cancellation.check()
      do { try body() } catch let error as KConnectError where error.code != .cancelled { note(kind, name, property, error.message) }
    }
    for function in try StoredFunction.all(in: database.name, metadata) { try examine("Function", function.name) { try run.validate(function) } }
    for view in try MaterializedView.all(in: database.name, metadata) {
      if let failure = view.failure {
        note("MaterializedView", view.name, "", failure)
        continue
      }
      try examine("MaterializedView", view.name) { if let error = try view.misfit(run.catalog(for: .metadata)) { throw error } }
      if let document = try Policies(metadata).document(.rowLevelSecurity, in: .view(database: database.name, view.name)) {
        try examine("MaterializedView", view.name, PolicyName.rowLevelSecurity.shownName) {
          try run.checkSecurity(document, "'\(view.name)'", try view.plan(run.catalog(for: .metadata)).schema)
        }
      }
    }
    for table in try database.tables() {
      let columns = try table.columns()
      if let document = try Policies(metadata).document(.rowLevelSecurity, in: .table(table.id)) {
        try examine("Table", table.name, PolicyName.rowLevelSecurity.shownName) { try run.checkSecurity(document, "'\(table.name)'", columns) }
      }
      for update in try Policies(metadata).updates(of: table.id) {
        try examine("Table", table.name, PolicyName.update.shownName) {
          try UpdatePolicies(executor, run.request).check(update, source: database.table(update.source), target: table)
        }
      }
      for mapping in try IngestionMapping.all(in: .table(table.id), metadata) {
        let missing = mapping.columns.map(\.column).filter { columns.field($0) == nil }
        if !missing.isEmpty { note("Table", table.name, "IngestionMapping '\(mapping.name)'", "the table has no column \(missing.map { "'\($0)'" }.joined(separator: ", "))") }
      }
    }
    return CommandOutput(Shapes.schemaViolations, rows)
  }
}
