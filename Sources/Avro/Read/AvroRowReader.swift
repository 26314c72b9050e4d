// Role: blocks to rows: wanted fields go into columns, the others are passed over.

package import Columnar

/// Reads records of one schema. One per thread.
package final class AvroRowReader {
  private let schema: AvroSchema
  private let output: StructType
  private let columns: [ColumnBuilder]
  /// For each field of the record its column; -1: passed over.
  private let targets: [Int]
  private let values: AvroValues
  private var rows = 0

  /// Bytes of blocks, and of texts and dynamic values, after which a batch ends.
  private static let batchBytes = 16 << 20, textBytes = 64 << 20

  /// - Parameter fields: the wanted fields of the schema, in the order of the columns.
  package init(_ schema: AvroSchema, fields: [Int]) {
    self.schema = schema
    output = StructType(fields.map { schema.columns[$0] })
    columns = fields.map { ColumnBuilder(schema.columns[$0].type) }
    targets = schema.columns.fields.indices.map { field in fields.firstIndex(of: field) ?? -1 }
    values = AvroValues(schema)
  }

  /// Gives the rows of a block to `emit` in batches; those of the last batch may stay for the next block. False: `emit` wants no more. Throws
  /// `AvroError` and what `emit` throws.
  package func read(_ block: AvroBlock, _ emit: (RecordBatch) throws -> Bool) throws -> Bool {
    var cursor = AvroCursor(try block.data(), origin: block.offset)
    // Records without bytes would have no end.
    guard block.count <= max(cursor.left, 1_000) else { throw cursor.error("\(block.count) records in \(cursor.left) bytes") }
    let fields = schema.nodes[schema.root].children
    var begin = cursor.at
    for _ in 0..<block.count {
      cursor.begin()
      for field in fields.indices {
        let target = targets[field]
        if target < 0 {
          try values.skip(fields[field], &cursor, 0)
        } else {
          try values.read(fields[field], into: columns[target], &cursor)
        }
      }
      rows += 1
      if rows >= RecordBatch.maxRows || cursor.at - begin > Self.batchBytes || rows & 63 == 0 && columns.contains(where: { $0.textBytes > Self.textBytes }) {
        begin = cursor.at
        if try !emit(finish()) { return false }
      }
    }
    guard cursor.left == 0 else { throw cursor.error("\(cursor.left) bytes are left behind the last record") }
    return true
  }

  /// Rows that wait.
  package var rowCount: Int { rows }

  /// The rows that wait as a batch.
  package func finish() -> RecordBatch {
    defer { rows = 0 }
    return RecordBatch(schema: output, columns: columns.map { $0.finish() }, rowCount: rows)
  }
}
