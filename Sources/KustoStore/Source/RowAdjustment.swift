// Role: rows to the columns of a table: which column comes from where (`adjustSchema`, mappings), and the conversion of batches.
// Source: the connector's adjustSchema and csvMapping.

package import Columnar
package import DataSource
import Expressions

/// How rows of `schema` meet a table's columns.
package struct RowAdjustment {
  let schema: StructType
  let tableName: String
  let options: DataSourceOptions

  package init(schema: StructType, tableName: String, options: DataSourceOptions) {
    self.schema = schema
    self.tableName = tableName
    self.options = options
  }

  /// A column of the table and where it comes from.
  struct Column {
    var name: String
    var type: DataType
    var source: Expr

    func compiled(_ schema: StructType) throws -> RowConverter.Column {
      let found = try CompiledExpr(source, schema: schema, context: EvaluationContext(nowTicks: 0, seed: 0)).type
      let isSame = found == type
      let expr = isSame ? source : Expr.call("to\(type)", [source])
      return RowConverter.Column(
        name: name, expr: try CompiledExpr(expr, schema: schema, context: EvaluationContext(nowTicks: 0, seed: 0)),
        original: isSame ? nil : try CompiledExpr(source, schema: schema, context: EvaluationContext(nowTicks: 0, seed: 0)))
    }
  }

  /// The columns of a table made for these rows.
  package func newSchema(_ ingestion: SparkIngestionProperties) throws -> StructType {
    guard let mapping = ingestion.mapping else { return schema }
    return StructType(mapping.map { StructField($0.column, $0.type ?? $0.ordinal.flatMap { $0 < schema.count && $0 >= 0 ? schema[$0].type : nil } ?? .string) })
  }

  /// Columns of the rows that a table of `wanted` lacks.
  package func missing(in wanted: StructType) -> StructType { StructType(schema.fields.filter { wanted.field($0.name) == nil }) }

  /// A converter into a table of `wanted`. With `fillsMissing` every column of the table is there, null where the rows have none.
  package func converter(into wanted: StructType, _ ingestion: SparkIngestionProperties, fillsMissing: Bool = false) throws -> RowConverter {
    var columns = try self.columns(wanted, ingestion)
    if fillsMissing {
      columns = wanted.fields.map { field in
        columns.first { $0.name == field.name } ?? Column(name: field.name, type: field.type, source: .literal(.null(field.type)))
      }
    }
    return RowConverter(try columns.map { try $0.compiled(schema) }, StructType(columns.map { StructField($0.name, $0.type) }))
  }

  private func columns(_ wanted: StructType, _ ingestion: SparkIngestionProperties) throws -> [Column] {
    if let mapping = ingestion.mapping {
      if options.word("adjustSchema") == "GenerateDynamicCsvMapping" {
        throw KConnectError(.optionInvalid, "csvMapping and adjustSchema=GenerateDynamicCsvMapping are not compatible", hint: "use only one")
      }
      return try mapped(mapping, wanted)
    }
    if options.bool("mergeSchema") { return try byName(wanted) }
    switch options.word("adjustSchema") ?? "NoAdjustment" {
    case "GenerateDynamicCsvMapping": return try byName(wanted)
    case "FailIfNotMatch":
      guard schema.names == wanted.names else {
        throw KConnectError(
          .schemaMismatch, "the rows have the columns (\(schema.names.joined(separator: ", "))), the table '\(tableName)' has (\(wanted.names.joined(separator: ", ")))",
          hint: "adjustSchema=GenerateDynamicCsvMapping matches columns by name")
      }
      return byPosition(wanted)
    default:
      guard schema.count <= wanted.count else {
        throw KConnectError(
          .schemaMismatch, "the rows have \(schema.count) columns, the table '\(tableName)' has \(wanted.count)",
          hint: "adjustSchema=GenerateDynamicCsvMapping matches columns by name, to.mergeSchema=true (mergeSchema in Swift) adds those that are missing")
      }
      return byPosition(wanted)
    }
  }

  private func byPosition(_ wanted: StructType) -> [Column] {
    zip(wanted.fields, schema.fields).map { Column(name: $0.name, type: $0.type, source: .column($1.name)) }
  }

  private func byName(_ wanted: StructType) throws -> [Column] {
    try schema.fields.map { field in
      guard let column = wanted.field(field.name) else {
        let near = nearestNames(to: field.name, among: wanted.names, limit: 1).first
        throw KConnectError(
          .schemaMismatch, "the table '\(tableName)' has no column '\(field.name)'",
          hint: (near.map { "did you mean '\($0)'? " } ?? "columns: \(wanted.names.prefix(12).joined(separator: ", ")); ") + "to.mergeSchema=true (mergeSchema in Swift) adds it")
      }
      return Column(name: column.name, type: column.type, source: .column(field.name))
    }
  }

  private func mapped(_ mapping: [SparkIngestionProperties.MappedColumn], _ wanted: StructType) throws -> [Column] {
    try mapping.map { entry in
      guard let column = wanted.field(entry.column) else { throw KConnectError(.schemaMismatch, "csvMapping: the table '\(tableName)' has no column '\(entry.column)'") }
      guard let ordinal = entry.ordinal else { return Column(name: column.name, type: column.type, source: .literal(.string(entry.constant ?? ""))) }
      guard ordinal >= 0, ordinal < schema.count else {
        throw KConnectError(.optionInvalid, "csvMapping of column '\(entry.column)': ordinal \(ordinal), the rows have \(schema.count) columns")
      }
      return Column(name: column.name, type: column.type, source: .column(schema[ordinal].name))
    }
  }
}

/// Batches brought to a table's columns. Thread-safe.
package struct RowConverter: Sendable {
  struct Column: Sendable {
    let name: String
    let expr: CompiledExpr
    /// The value before its conversion; nil where none is needed.
    let original: CompiledExpr?
  }

  private let columns: [Column]
  /// The columns of the batches made.
  package let schema: StructType

  init(_ columns: [Column], _ schema: StructType) {
    self.columns = columns
    self.schema = schema
  }

  /// The batch in the table's columns. Throws VALUE_INVALID for a value that its column cannot take.
  package func convert(_ batch: RecordBatch) throws -> RecordBatch {
    var vectors: [ColumnVector] = []
    for column in columns {
      var vector = try column.expr.evaluate(batch)
      if let original = try column.original?.evaluate(batch) {
        try check(vector, from: original, column.name)
        // To KQL the text of a null is ''; here it stays null.
        if vector.type == .string, let validity = original.validity { vector = vector.flattened.withValidity(Bitmap.intersection(vector.validity, validity)) }
      }
      vectors.append(vector)
    }
    return RecordBatch(schema: schema, columns: vectors, rowCount: batch.rowCount)
  }

  private func check(_ vector: ColumnVector, from original: ColumnVector, _ name: String) throws {
    let isNarrowed = (vector.type == .int || vector.type == .long) && (original.type == .real || original.type == .decimal)
    guard isNarrowed || vector.nullCount > 0 else { return }
    for i in 0..<vector.count where original.isValid(i) {
      if vector.isValid(i), !isNarrowed || Self.isWhole(original.scalar(i)) { continue }
      let value = original.scalar(i)
      // The empty text is the null of every other type, as in CSV.
      if value == .string("") { continue }
      throw KConnectError(
        .valueInvalid, "column '\(name)': '\((ScalarText.text(value) ?? "").prefix(80))' is no \(vector.type)", hint: "convert or filter it before the write")
    }
  }

  /// True when nothing is lost in an integer column.
  private static func isWhole(_ value: Scalar) -> Bool {
    switch value {
    case .real(let v): v.rounded(.towardZero) == v
    case .decimal(let v): v.normalized.scale <= 0
    default: true
    }
  }
}
