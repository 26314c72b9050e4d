// Operators and expressions that make rows: datatable, print, range, getschema.

import Columnar
import Engine
import Expressions

extension Binder {
  /// Rows written in the text, in the order in which they are written. Values are constants of the column's type or ones that convert without loss.
  func datatable(_ table: DatatableExpression) throws(BindFailure) -> TableValue {
    var seen: Set<String> = []
    for column in table.columns where !seen.insert(column.name.text).inserted {
      try fail(.duplicateColumn, "column '\(column.name.text)' is declared twice", at: column.span)
    }
    let schema = StructType(table.columns.map { StructField($0.name.text, DataType($0.type.type)) })
    let width = schema.count
    guard width > 0 else {
      let at = table.values.first?.span ?? SourceSpan(start: 0, end: 0)
      try fail(.incompleteRow, "a datatable needs columns", at: at)
    }
    guard table.values.count % width == 0 else {
      let last = table.values[table.values.count - 1].span
      try fail(.incompleteRow, "the number of values, \(table.values.count), is no multiple of the \(width) columns", at: last)
    }
    var batches: [RecordBatch] = []
    let rows = table.values.count / width
    var row = 0
    while row < rows {
      let count = min(RecordBatch.maxRows, rows - row)
      let builders = schema.fields.map { ColumnBuilder($0.type, capacity: count) }
      for i in row * width..<(row + count) * width {
        builders[i % width].append(try cell(table.values[i], schema[i % width]))
      }
      batches.append(RecordBatch(schema: schema, columns: builders.map { $0.finish() }, rowCount: count))
      row += count
    }
    return TableValue(plan: .values(schema, batches), isSerialized: true)
  }

  private func cell(_ expression: Expression, _ field: StructField) throws(BindFailure) -> Scalar {
    // A bare `null` is the null of the column.
    if case .name("null") = expression.kind { return .null(field.type) }
    let value = try constant(expression)
    if let converted = Self.convert(value, to: field.type) { return converted }
    // Texts in other columns convert as the functions do, and what they refuse is a null, as in Kusto.
    if field.type == .string, let text = ScalarText.text(value) { return .string(text) }
    if case .string(let text) = value { return ScalarText.parse(text, as: field.type) ?? .null(field.type) }
    try fail(.typeExpected, "column '\(field.name)' is \(field.type), found \(value.type)", at: expression.span)
  }

  /// One row of constants.
  func print(_ items: [NamedExpression], _ span: SourceSpan) throws(BindFailure) -> LogicalPlan {
    let empty = StructType()
    let one = LogicalPlan.values(empty, [RecordBatch(schema: empty, columns: [], rowCount: 1)])
    let columns = try projection(items, .none, style: .print).columns
    return try plan(at: span) { try one.project(columns) }
  }

  /// A counting column. Whole numbers count as long, a real anywhere makes all real; a datetime is stepped by a timespan.
  func range(_ name: Name, _ from: Expression, _ to: Expression, _ by: Expression, _ span: SourceSpan) throws(BindFailure) -> LogicalPlan {
    let start = try constant(from)
    let end = try constant(to)
    let step = try constant(by)
    let types = [start.type, end.type, step.type]
    let type: DataType
    if types == [.datetime, .datetime, .timespan] {
      type = .datetime
    } else if types.allSatisfy({ $0 == .timespan }) {
      type = .timespan
    } else if types.allSatisfy(\.isNumeric) {
      type = types.allSatisfy { $0 == .int || $0 == .long } ? .long : .real
    } else {
      try fail(.typeExpected, "range does not count from \(start.type) to \(end.type) by \(step.type)", at: span, hint: "numbers go by numbers, datetimes and timespans by timespans")
    }
    let stepType: DataType = type == .datetime ? .timespan : type
    guard let low = Self.convert(start, to: type), let high = Self.convert(end, to: type), let stride = Self.convert(step, to: stepType) else {
      try fail(.valueNotAllowed, "the bounds of range are out of reach", at: span)
    }
    if Self.isZero(stride) { try fail(.valueNotAllowed, "the step of range is zero", at: by.span) }
    let counted = LogicalPlan.range(RangeNode(name: name.text, start: low, end: high, step: stride))
    guard types == [.int, .int, .int] else { return counted }
    return try plan(at: span) { try counted.project([NamedExpr(name.text, .call("toint", [.column(name.text)]))]) }
  }

  private static func isZero(_ scalar: Scalar) -> Bool {
    switch scalar {
    case .null: true
    case .real(let v): v == 0 || v.isNaN
    default: scalar.int64Value == 0
    }
  }

  /// What `getschema` shows, or the schema as one text.
  func schemaTable(_ schema: StructType, asText: Bool) -> LogicalPlan {
    if asText {
      let out = StructType([StructField("Schema", .string)])
      let text = schema.fields.map { "\(quotedName($0.name)):\($0.type)" }.joined(separator: ",")
      return .values(out, [RecordBatch(schema: out, columns: [.constant(.string(text), count: 1)])])
    }
    let out = StructType([
      StructField("ColumnName", .string), StructField("ColumnOrdinal", .long), StructField("DataType", .string), StructField("ColumnType", .string),
    ])
    let builders = out.fields.map { ColumnBuilder($0.type, capacity: schema.count) }
    for (i, field) in schema.fields.enumerated() {
      builders[0].append(.string(field.name))
      builders[1].append(.long(Int64(i)))
      builders[2].append(.string(field.type.systemTypeName))
      builders[3].append(.string(field.type.rawValue))
    }
    return .values(out, [RecordBatch(schema: out, columns: builders.map { $0.finish() }, rowCount: schema.count)])
  }
}
