// Role: functions that only a store can answer: where a row comes from (`ingestion_time()`, `extent_id()`, cursors), who asks, and tables that
// stand outside the tables' names (`external_table`, `materialized_view`, `graph`).
//
// A text that names a function of row origin has its tables opened with columns of their own for it, whose names begin with a control
// character. They follow the rows through operators that pass rows on; where columns are listed without being named they are left out.

import Columnar
import Engine
import Expressions

/// The columns of row origin.
package enum RowOrigin {
  private static let mark = "\u{1}"
  package static let ingestionTime = mark + "ingestion_time"
  package static let extentId = mark + "extent_id"
  package static let extentTags = mark + "extent_tags"
  /// The commit that added the row, of the table with that id.
  package static func rowVersion(table id: String) -> String { versionPrefix + id }
  static let versionPrefix = mark + "row_version:"

  package static func isOrigin(_ name: String) -> Bool { name.utf8.first == 1 }

  /// Whether a text may ask for row origin.
  package static func isNamed(in text: String) -> Bool {
    ["ingestion_time", "extent_id", "extent_tags", "cursor_after", "cursor_before_or_at"].contains { text.contains($0) }
  }
}

extension Binder {
  /// The value of a call that only a store answers; nil for all others.
  func storeValue(_ call: FunctionCall, _ row: RowScope, _ span: SourceSpan) throws(BindFailure) -> Value? {
    let name = call.name.text
    switch name {
    case "ingestion_time": return .scalar(origin(RowOrigin.ingestionTime, .datetime, row))
    case "extent_id", "extentid": return .scalar(origin(RowOrigin.extentId, .guid, row))
    case "extent_tags": return .scalar(origin(RowOrigin.extentTags, .dynamic, row))
    case "cursor_after", "cursor_before_or_at": return .scalar(try cursor(call, row, span))
    case "cursor_current", "current_cursor", "current_database", "current_principal", "current_cluster_endpoint", "current_principal_details",
      "current_user":
      guard let value = try asking({ () throws in try catalog.sessionValue(name) }) else { return nil }
      return .scalar(ScalarValue(expr: .literal(value)))
    case "current_principal_is_member_of" where !call.arguments.isEmpty:
      let names = try principalNames(call)
      guard let isMember = try asking({ () throws in try catalog.isPrincipal(amongOrIn: names) }) else { return nil }
      return .scalar(ScalarValue(expr: .literal(.bool(isMember))))
    case "external_table":
      let (table, text) = try named(call, span)
      guard call.arguments.count == 1 else { try notSupported("external_table() with a mapping", at: call.arguments[1].span) }
      guard let plan = try asking({ () throws in try catalog.externalTable(text, database: scope.database) }) else {
        try fail(.unknownTable, "external table '\(text)' not found", at: table, hint: NameSuggestion.hint(for: text, among: catalog.externalTableNames))
      }
      return .table(TableValue(plan: plan, name: text))
    case "materialized_view":
      let (table, text) = try named(call, span)
      guard let plan = try asking({ () throws in try catalog.materializedView(text, database: scope.database) }) else {
        try fail(.unknownTable, "materialized view '\(text)' not found", at: table, hint: NameSuggestion.hint(for: text, among: catalog.materializedViewNames))
      }
      return .table(TableValue(plan: plan, name: text))
    case "stored_query_result":
      let (result, text) = try named(call, span)
      guard let plan = try asking({ () throws in try catalog.storedQueryResult(text, database: scope.database) }) else {
        try fail(.unknownTable, "stored query result '\(text)' not found", at: result, hint: ".set stored_query_result \(quotedName(text)) <| query makes it")
      }
      return .table(TableValue(plan: plan, name: text))
    case "graph": return .table(try storedGraph(call, span))
    default: return nil
    }
  }

  /// `graph("model")`, `graph("model", "snapshot")`, `graph("model", snapshot="name")`, `graph("model", true)`
  private func storedGraph(_ call: FunctionCall, _ span: SourceSpan) throws(BindFailure) -> TableValue {
    let (place, name) = try named(call, span)
    guard call.arguments.count <= 2 else { try argumentCount("graph", call.arguments.count, "1 to 2 arguments", span) }
    var version = GraphVersion.latest
    if call.arguments.count == 2 {
      let second = call.arguments[1]
      if let given = second.names.first, given.text.lowercased() != "snapshot" { try fail(.namedArgument, "graph() has no parameter '\(given.text)'", at: given.span, hint: "parameters: snapshot") }
      switch try constant(second.value) {
      case .string(let snapshot): version = .snapshot(snapshot)
      case .bool(let isTransient): version = isTransient ? .transient : .latest
      default: try fail(.constantExpected, "graph() takes the name of a snapshot, or true for a graph of the rows there are now", at: second.span)
      }
    }
    let wanted = version
    guard let graph = try asking({ () throws in try catalog.graph(name, wanted, database: scope.database) }) else {
      try fail(.unknownTable, "graph model '\(name)' not found", at: place, hint: NameSuggestion.hint(for: name, among: catalog.graphModelNames))
    }
    return TableValue(plan: graph.inputs[0], name: name, graph: graph)
  }

  /// The name of what the call stands for, which must be one that may be named here, and its place.
  private func named(_ call: FunctionCall, _ span: SourceSpan) throws(BindFailure) -> (SourceSpan, String) {
    guard let first = call.arguments.first, case .string(let text) = try constant(first.value) else {
      try fail(.constantExpected, "\(call.name.text)() takes a name as text", at: span)
    }
    try checkAccess(text, database: nil, first.span)
    return (first.span, text)
  }

  /// The principals in the arguments: texts, and arrays of texts.
  private func principalNames(_ call: FunctionCall) throws(BindFailure) -> [String] {
    var names: [String] = []
    for argument in call.arguments {
      var values: [DynamicValue] = []
      switch try constant(argument.value) {
      case .string(let text): values = [.string(text)]
      case .dynamic(.array(let items)): values = items
      case .dynamic(.string(let text)): values = [.string(text)]
      default: break
      }
      for value in values {
        guard case .string(let name) = value else {
          try fail(.constantExpected, "\(call.name.text)() takes principals as texts", at: argument.span, hint: "as in 'aadgroup=name;tenant'")
        }
        names.append(name)
      }
      if values.isEmpty { try fail(.constantExpected, "\(call.name.text)() takes principals as texts, or an array of them", at: argument.span) }
    }
    return names
  }

  private func origin(_ column: String, _ type: DataType, _ row: RowScope) -> ScalarValue {
    ScalarValue(expr: row.schema?.index(of: column) == nil ? .literal(.null(type)) : .column(column))
  }

  private func cursor(_ call: FunctionCall, _ row: RowScope, _ span: SourceSpan) throws(BindFailure) -> ScalarValue {
    // Without an argument: the option of the request that stands for it.
    let given = try call.arguments.first.map { argument throws(BindFailure) in try self.constant(argument.value) } ?? option("query_\(call.name.text)_default")
    guard case .string(let text)? = given else {
      try fail(.constantExpected, "\(call.name.text)() takes a cursor as text", at: span, hint: "take it from print cursor_current()")
    }
    guard let column = row.schema?.names.first(where: { $0.hasPrefix(RowOrigin.versionPrefix) }) else {
      try fail(.unexpected, "\(call.name.text)() stands on rows of a table of the store", at: span)
    }
    let id = String(column.dropFirst(RowOrigin.versionPrefix.count))
    guard let version = try asking({ () throws in try catalog.cursorVersion(text, table: id) }) else {
      try fail(.notSupported, "not supported: cursors outside a store", at: span)
    }
    let comparison = call.name.text == "cursor_after" ? ">" : "<="
    let isNoCursor = text.isEmpty && comparison == "<="
    return ScalarValue(expr: isNoCursor ? .literal(.bool(true)) : .call(comparison, [.column(column), .literal(.long(version))]), size: 3, height: 2)
  }

  /// What the catalog says; its error is the query's.
  func asking<Result>(_ body: () throws -> Result) throws(BindFailure) -> Result {
    do {
      return try body()
    } catch {
      if !isSilent { cause = error }
      throw BindFailure()
    }
  }

  // MARK: Carrying the columns

  /// The input of an operator: columns of row origin go where the operator lists columns by itself.
  func originKept(_ table: TableValue, for step: TabularOperator) throws(BindFailure) -> TableValue {
    guard usesRowOrigin else { return table }
    switch step.kind {
    case .filter, .extend, .serialize, .project, .projectAway, .projectRename, .projectReorder, .summarize, .sort, .top, .take, .sample, .asName, .render:
      return table
    case .distinct(let items) where !items.contains(where: { if case .star = $0.value.kind { true } else { false } }): return table
    default: return try withoutOrigin(table)
    }
  }

  /// The table without columns of row origin.
  func withoutOrigin(_ table: TableValue) throws(BindFailure) -> TableValue {
    guard usesRowOrigin else { return table }
    let names = table.plan.schema.names
    let visible = names.filter { !RowOrigin.isOrigin($0) }
    guard visible.count < names.count else { return table }
    var table = table
    table.plan = try asking { () throws in try table.plan.select(visible) }
    return table
  }
}
