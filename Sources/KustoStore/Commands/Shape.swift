// Role: the columns of a command's result, written the way the protocol reference lists them, and the rows under them.

import Columnar
import Engine

/// Output columns: names separated by spaces, `string` unless a suffix says otherwise (`:l :i :r :b :dt :ts :g :dy`).
struct Shape: Sendable {
  let schema: StructType

  init(_ text: StaticString) {
    schema = StructType("\(text)".split(separator: " ").map { column in
      let parts = column.split(separator: ":")
      return StructField(String(parts[0]), parts.count > 1 ? Self.type(parts[1]) : .string)
    })
  }

  private static func type(_ suffix: Substring) -> DataType {
    switch suffix {
    case "l": .long
    case "i": .int
    case "r": .real
    case "b": .bool
    case "dt": .datetime
    case "ts": .timespan
    case "g": .guid
    case "dy": .dynamic
    default: .string
    }
  }
}

/// What a command answers: one table.
struct CommandOutput: Sendable {
  var schema: StructType
  var rows: [[Scalar]]

  /// Every row has a value, or a null of any type, for each column of the shape.
  init(_ shape: Shape, _ rows: [[Scalar]]) {
    schema = shape.schema
    self.rows = rows
  }

  init(schema: StructType, rows: [[Scalar]]) {
    self.schema = schema
    self.rows = rows
  }

  /// The rows as a plan.
  var plan: LogicalPlan {
    let builders = schema.fields.map { ColumnBuilder($0.type, capacity: rows.count) }
    var batches: [RecordBatch] = []
    for start in stride(from: 0, to: rows.count, by: RecordBatch.maxRows) {
      let part = rows[start..<min(rows.count, start + RecordBatch.maxRows)]
      let builders = start == 0 ? builders : schema.fields.map { ColumnBuilder($0.type, capacity: part.count) }
      for row in part {
        for (c, builder) in builders.enumerated() { builder.append(c < row.count && !row[c].isNull ? row[c] : .null(schema[c].type)) }
      }
      batches.append(RecordBatch(schema: schema, columns: builders.map { $0.finish() }, rowCount: part.count))
    }
    return .values(schema, batches)
  }
}

extension Scalar {
  /// A string cell; Kusto's commands show nothing where there is nothing.
  static func text(_ value: String?) -> Scalar { .string(value ?? "") }
  static func count(_ value: Int) -> Scalar { .long(Int64(value)) }
  static func size(_ value: Int) -> Scalar { .real(Double(value)) }
  static func ticks(_ value: Int64?) -> Scalar { value.map { .datetime($0) } ?? .null(.datetime) }
  static let none = Scalar.null(.string)
}
