// Role: changes of a table's definition. Where columns go, get another name or type, extents are rewritten in the same commit, so that a name
// that comes again never shows old values.

import Columnar
import DataSource
import Delta
import Expressions

extension StoreTable {
  /// Changes columns, docstrings and folder in one commit. Throws SCHEMA_MISMATCH for columns a Delta table cannot have.
  package func alter(_ change: (inout TableAlteration) throws -> Void) throws {
    try withSealedRows {
      try retrying { attempt in
        // Under a stream of appends the second try keeps the others out.
        let lock = attempt > 0 ? try lockForCommit() : nil
        let snapshot = try snapshot()
        var alteration = TableAlteration(snapshot.description)
        try change(&alteration)
        try apply(alteration, to: snapshot, holding: lock)
      }
    }
  }

  /// Takes over the columns and rows of a draft in place of its own, in one commit.
  func replace(with draft: TableSnapshot, ingestIfNotExists: [String], before departure: Departure) throws -> IngestResult {
    try sealRows()
    return try retrying { attempt in
      let lock = attempt > 0 ? try lockForCommit() : nil
      let snapshot = try snapshot()
      try departure(snapshot)
      var description = snapshot.description
      description.schema = draft.schema
      description.columnDocstrings = description.columnDocstrings.filter { draft.schema.field($0.key) != nil }
      var change = TableChange(self, basis: snapshot.delta, operation: "SET-OR-REPLACE")
      change.metadata(try TableSchema.metadata(description, keeping: snapshot.delta.metadata))
      change.forbidsOtherExtents = true
      change.ingestIfNotExists = ingestIfNotExists
      change.remove(snapshot.files)
      change.append(try linked(draft.files, from: draft, setNewIngestionTime: false))
      return try commit(change, holding: lock)
    }
  }

  private func apply(_ alteration: TableAlteration, to snapshot: TableSnapshot, holding lock: FileLock?) throws {
    var description = snapshot.description
    description.schema = StructType(alteration.columns.map { StructField($0.field.name, $0.field.type) })
    description.docstring = alteration.docstring
    description.folder = alteration.folder
    description.columnDocstrings = [:]
    for column in alteration.columns { if let text = column.docstring { description.columnDocstrings[column.field.name] = text } }
    if description == snapshot.description { return }
    try description.check()
    var change = TableChange(self, basis: snapshot.delta, operation: "ALTER TABLE")
    change.metadata(try TableSchema.metadata(description, keeping: snapshot.delta.metadata))
    if needsRewrite(alteration, snapshot) {
      change.forbidsOtherExtents = true
      change.remove(snapshot.files, isDataChange: false)
      for file in snapshot.files {
        var rewrite = ExtentRewrite(snapshot, [file])
        rewrite.schema = description.schema
        rewrite.columns = alteration.columns.map { NamedExpr($0.field.name, value(of: $0, in: snapshot.schema)) }
        change.append(try rewrite.run(context: EvaluationContext(nowTicks: StoreClock.nowTicks, seed: 0)))
      }
    }
    _ = try commit(change, holding: lock)
  }

  /// False when all present columns keep name and type: new ones read as null.
  private func needsRewrite(_ alteration: TableAlteration, _ snapshot: TableSnapshot) -> Bool {
    if snapshot.files.isEmpty { return false }
    return !snapshot.schema.fields.allSatisfy { field in
      alteration.columns.contains { $0.source == field.name && $0.field.name == field.name && $0.field.type == field.type }
    }
  }

  private func value(of column: TableAlteration.Column, in schema: StructType) -> Expr {
    let type = column.field.type
    guard let source = column.source, let old = schema.field(source) else { return .literal(.null(type)) }
    return Self.converted(source, from: old.type, to: type)
  }

  /// A column's values as another type; those that have none of it are null.
  static func converted(_ source: String, from old: DataType, to type: DataType) -> Expr {
    if old == type { return .column(source) }
    let conversion = switch type {
    case .bool: "tobool"
    case .int: "toint"
    case .long: "tolong"
    case .real: "toreal"
    case .decimal: "todecimal"
    case .string: "tostring"
    case .datetime: "todatetime"
    case .timespan: "totimespan"
    case .guid: "toguid"
    case .dynamic: "todynamic"
    }
    return .call(conversion, [.column(source)])
  }
}
