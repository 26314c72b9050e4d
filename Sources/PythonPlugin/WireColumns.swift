// Role: how columns travel to and from a script: as Parquet of types that both sides hold exactly. Decimals go as text, datetimes and timespans
// as ticks; what comes back is checked, since a script can write anything.

import Codecs
import Columnar
import DataSource
import FileConnector
import Parquet

#if canImport(Glibc)
import Glibc
#endif

enum WireColumns {
  /// The schema of the files that stand for a table.
  static func schema(_ table: StructType) -> StructType {
    StructType(table.fields.map { StructField($0.name, $0.type == .decimal ? .string : $0.type) })
  }

  static func encoded(_ batch: RecordBatch, as schema: StructType) -> RecordBatch {
    RecordBatch(schema: schema, columns: zip(batch.columns, schema.fields).map { $0.type == $1.type ? $0 : $0.cast(to: $1.type) }, rowCount: batch.rowCount)
  }

  /// Throws VALUE_INVALID for values that the table's types do not have.
  static func decoded(_ batch: RecordBatch, as table: StructType) throws -> RecordBatch {
    var columns: [ColumnVector] = []
    for (column, field) in zip(batch.columns, table.fields) {
      switch field.type {
      case .decimal where column.type == .string:
        let numbers = column.cast(to: .decimal)
        guard numbers.nullCount == column.nullCount else { throw refusal(field, "a number that decimal does not hold (34 digits)") }
        columns.append(numbers)
      case .datetime:
        guard case .long(let ticks) = column.flattened.storage else { throw refusal(field, "something else than \(field.type)") }
        for i in 0..<column.count where !CivilTime.isInRange(ticks[i]) && column.isValid(i) { throw refusal(field, "a time out of range") }
        columns.append(column)
      default: columns.append(column)
      }
      guard columns.last?.type == field.type else { throw refusal(field, "something else than \(field.type)") }
    }
    return RecordBatch(schema: table, columns: columns, rowCount: batch.rowCount)
  }

  private static func refusal(_ field: StructField, _ what: String) -> KConnectError {
    KConnectError(.valueInvalid, "the Python script gave \(what) in column '\(field.name)'")
  }
}

/// The rows for a script, written as they come.
final class WireWriter {
  private let schema: StructType
  private let encoder: ParquetEncoder
  private let file: ParquetFileWriter
  private var pending: [RecordBatch] = []
  private var pendingRows = 0
  private(set) var pendingBytes = 0
  private static let groupBytes = 64 << 20

  /// Writes to an open descriptor, which stays the caller's.
  init(_ table: StructType, to descriptor: Int32) throws {
    let wire = WireColumns.schema(table)
    schema = wire
    var options = ParquetWriterOptions()
    options.codec = .snappy
    options.pageIndex = false
    options.rawTickColumns = Set(table.fields.filter { $0.type == .datetime }.map(\.name))
    encoder = try ParquetErrors.mapped { try ParquetEncoder(schema: wire, options: options) }
    // SAFETY: the writer's bytes live for the call that writes them.
    file = try unsafe ParquetFileWriter(encoder, createdBy: "kconnect") { bytes in
      let (_, code) = unsafe FileSystem.system.write(descriptor, "the input of a script", bytes)
      try SystemError.check(code, "cannot write", "the input of a script")
    }
  }

  func append(_ batch: RecordBatch) throws {
    let batch = WireColumns.encoded(batch, as: schema)
    pending.append(batch)
    pendingRows += batch.rowCount
    pendingBytes += batch.byteSize
    if pendingRows >= encoder.options.rowGroupRows || pendingBytes >= Self.groupBytes { try flush() }
  }

  func finish() throws {
    try flush()
    try ParquetErrors.mapped { try file.finish() }
  }

  private func flush() throws {
    try ParquetErrors.mapped { try file.append(try encoder.encode(pending)) }
    pending = []
    pendingRows = 0
    pendingBytes = 0
  }
}

/// The rows that a script gave, batch by batch.
final class WireReader {
  private let table: StructType
  private let file: ParquetFile
  private var group = 0
  private var reader: RowGroupReader?

  /// Throws VALUE_INVALID when the file has other columns than the table.
  init(_ table: StructType, path: String) throws {
    self.table = table
    file = try ParquetErrors.mapped { try ParquetFile(path: path) }
    let wanted = WireColumns.schema(table)
    guard file.structType.names == wanted.names, zip(file.structType.fields, wanted.fields).allSatisfy({ $0.type == $1.type }) else {
      throw KConnectError(.valueInvalid, "the Python script gave the columns (\(file.structType)), and (\(table)) are needed")
    }
  }

  func next() throws -> RecordBatch? {
    while group < file.rowGroupCount {
      let current = try reader ?? ParquetErrors.mapped {
        try RowGroupReader(file, rowGroup: group, columns: Array(0..<table.count), context: DecodeContext())
      }
      reader = current
      if let batch = try ParquetErrors.mapped({ try current.nextBatch() }) { return try WireColumns.decoded(batch, as: table) }
      reader = nil
      group += 1
    }
    return nil
  }
}
