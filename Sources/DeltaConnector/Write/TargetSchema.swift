// Role: the rows of a write against the columns of the table: what is missing, new, of another type; how rows are converted.

import Columnar
import DataSource
import Delta

/// The schema a write leaves behind, and that of the rows as they are stored.
struct TargetSchema: Sendable {
  /// The table's columns after the write.
  let table: DeltaSchema
  /// The columns of the rows, in the order given, with the types and hints that the table stores.
  let rows: StructType
  let addsColumns: Bool
  /// True when some column changes its type.
  let converts: Bool

  /// `table` is nil for a new table, or one whose schema is replaced.
  init(_ incoming: StructType, table snapshot: DeltaSnapshot?, mergesSchema: Bool, path: String) throws {
    let proposed = try DeltaSchema(StructType(incoming.fields.map { StructField($0.name, $0.type, hint: $0.hint) }))
    guard let snapshot else {
      table = proposed
      rows = table.structType
      addsColumns = true
      converts = false
      return
    }
    var problems: [String] = []
    var fields = snapshot.schema.fields
    var rowFields: [StructField] = []
    for (field, new) in zip(incoming.fields, proposed.fields) {
      guard let known = snapshot.schema.field(field.name) else {
        if let other = snapshot.schema.fields.first(where: { $0.name.lowercased() == field.name.lowercased() }) {
          problems.append("'\(field.name)' is called '\(other.name)' there")
        } else if mergesSchema {
          fields.append(new)
          rowFields.append(StructField(field.name, field.type, hint: field.hint))
        } else {
          problems.append("'\(field.name)' (\(field.type)) is new")
        }
        continue
      }
      if let reason = Self.unwritable(known.type) { throw DeltaError.notSupported("writing the column '\(known.name)' of '\(path)', which is \(reason)") }
      guard Self.fits(field.type, known.dataType) else {
        problems.append("'\(field.name)' is \(known.dataType) there, \(field.type) here")
        continue
      }
      rowFields.append(StructField(field.name, known.dataType, nullable: known.nullable, hint: known.type.hint))
    }
    for field in snapshot.schema.fields where incoming.index(of: field.name) == nil && !field.nullable {
      problems.append("'\(field.name)' (\(field.dataType), not null) is missing here")
    }
    if rowFields.isEmpty, problems.isEmpty { problems.append("no column of the table is among the rows") }
    guard problems.isEmpty else {
      throw KConnectError(
        .schemaMismatch, "the rows do not fit '\(path)': \(problems.joined(separator: "; "))",
        hint: "select, rename or cast columns; to.mergeSchema=true (mergeSchema in Swift) adds new ones; to.overwriteSchema=true with mode overwrite replaces the schema")
    }
    table = DeltaSchema(fields)
    rows = StructType(rowFields)
    addsColumns = fields.count > snapshot.schema.fields.count
    converts = zip(incoming.fields, rowFields).contains { $0.type != $1.type }
  }

  /// Why columns of the type cannot be written; nil when they can.
  private static func unwritable(_ type: DeltaType) -> String? {
    switch type {
    case .primitive(.float), .primitive(.short), .primitive(.byte), .primitive(.binary), .primitive(.timestampNtz), .primitive(.void),
      .primitive(.variant), .structure, .array, .map:
      "of the Delta type \(type.name)"
    case .primitive, .decimal: nil
    }
  }

  /// Conversions that lose nothing.
  private static func fits(_ type: DataType, _ wanted: DataType) -> Bool {
    if type == wanted { return true }
    switch (type, wanted) {
    case (.int, .long), (.int, .real), (.int, .decimal), (.long, .decimal), (.guid, .string), (.dynamic, .string): return true
    default: return false
    }
  }
}

/// A sink that gets its rows converted to the types of the table.
final class ConvertingSink: TableSink {
  private let inner: any TableSink
  private let target: TargetSchema

  init(_ inner: any TableSink, _ target: TargetSchema) {
    self.inner = inner
    self.target = target
  }

  var preferredChunkRows: Int? { inner.preferredChunkRows }

  func encode(_ chunk: [RecordBatch]) throws -> any EncodedChunk {
    try inner.encode(
      chunk.map { batch in
        let columns = zip(batch.columns, target.rows.fields).map { column, field in
          // A null stays one: cast makes empty texts of nulls.
          column.type == field.type ? column : column.cast(to: field.type).withValidity(column.validity)
        }
        return RecordBatch(schema: target.rows, columns: columns, rowCount: batch.rowCount)
      })
  }

  func append(_ chunk: any EncodedChunk) throws { try inner.append(chunk) }
  func takeWork() -> SinkWork? { inner.takeWork() }
  func endOfRows() throws { try inner.endOfRows() }
  func commit() throws -> WriteSummary { try inner.commit() }
  func abort() { inner.abort() }
}
