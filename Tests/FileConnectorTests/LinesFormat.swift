// A tiny typed format for tests of directories and sinks: a line with the schema, then tab-separated values, `\N` for null.

import Columnar
import DataSource
import Expressions
import Synchronization

import FileConnector

struct LinesFormat: FileFormat {
  var shortName: String { "lines" }
  var aliases: [String] { [] }
  var summary: String { "test format" }
  var fileExtensions: [String] { [".lines"] }
  var options: [OptionSpec] { [OptionSpec("chunkRows", .integer, default: "0", "rows wanted in a chunk")] }
  var schemaFidelity: SchemaFidelity { .typed }

  func open(_ file: InputFile, schema: StructType?, isGuessed: Bool, options: DataSourceOptions) throws -> any BatchReadable {
    let spooled = try file.spooled()
    var bytes = [UInt8](repeating: 0, count: spooled.size ?? 0)
    _ = try bytes.withUnsafeMutableBytes { try spooled.pread(into: $0, at: 0) }
    var lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.last == "" else { throw KConnectError(.formatCorrupt, "'\(file.path)' is torn") }
    lines.removeLast()
    guard let head = lines.first else { throw KConnectError(.formatCorrupt, "'\(file.path)' has no schema") }
    let schema = try StructType(ddl: String(head))
    let rows = try lines.dropFirst().map { line in
      let cells = line.split(separator: "\t", omittingEmptySubsequences: false)
      guard cells.count == schema.count else { throw KConnectError(.formatCorrupt, "'\(file.path)' is torn") }
      return zip(cells, schema.fields).map { cell, field -> Scalar in
        cell == "\\N" ? .null(field.type) : ScalarText.parse(String(cell), as: field.type) ?? .null(field.type)
      }
    }
    let columns = schema.fields.indices.map { c in ColumnVector.of(schema[c].type, rows.map { $0[c] }) }
    return LinesTable(schema: schema, description: file.path, batch: RecordBatch(schema: schema, columns: columns, rowCount: rows.count))
  }

  func makeWriter(_ file: OutputFile, schema: StructType, options: DataSourceOptions) throws -> any FileWriter {
    let writer = LinesWriter(file, schema, options.integer("chunkRows") ?? 0)
    try writer.put(schema.description + "\n")
    return writer
  }
}

struct LinesTable: BatchReadable {
  let schema: StructType
  let description: String
  let batch: RecordBatch
  /// Exact for comparisons with literals, to exercise the adaptation of filters.
  func pushdown(_ filters: [Expr]) -> [FilterPushdown] { filters.map { _ in .exact } }
  func scan(_ request: ScanRequest, context: EvaluationContext) throws -> any Scan {
    var batch = batch
    for filter in request.filters { batch = batch.filter(try CompiledExpr(filter, schema: schema, context: context).select(batch)) }
    return LinesScan(batch.selecting(request.columns.compactMap { schema.index(of: $0) }))
  }
  var exactRowCount: Int? { batch.rowCount }
}

final class LinesScan: Scan, Morsel {
  private let batch: Mutex<RecordBatch?>
  let schema: StructType
  init(_ batch: RecordBatch) {
    schema = batch.schema
    self.batch = Mutex(batch)
    rows = batch
  }
  private let rows: RecordBatch
  func nextMorsel() throws -> (any Morsel)? { batch.withLock { batch in defer { batch = nil }; return batch == nil ? nil : self } }
  func read(_ emit: (RecordBatch) throws -> Bool) throws { _ = try emit(rows) }
  var metrics: ScanMetrics { ScanMetrics() }
}

struct LinesChunk: EncodedChunk {
  var text: String
  var rowCount: Int
  var byteCount: Int { text.utf8.count }
}

final class LinesWriter: FileWriter, @unchecked Sendable {
  private let file: OutputFile
  private let schema: StructType
  private let chunkRows: Int
  init(_ file: OutputFile, _ schema: StructType, _ chunkRows: Int) {
    self.file = file
    self.schema = schema
    self.chunkRows = chunkRows
  }
  var preferredChunkRows: Int? { chunkRows > 0 ? chunkRows : nil }
  func encode(_ chunk: [RecordBatch]) throws -> any EncodedChunk {
    var out = LinesChunk(text: "", rowCount: 0)
    for batch in chunk {
      precondition(batch.schema.names == schema.names, "\(batch.schema) for \(schema)")
      for i in 0..<batch.rowCount {
        out.text += batch.row(i).map { $0.isNull ? "\\N" : ScalarText.text($0) ?? "" }.joined(separator: "\t") + "\n"
        out.rowCount += 1
      }
    }
    return out
  }
  func append(_ chunk: any EncodedChunk) throws { if let chunk = chunk as? LinesChunk { try put(chunk.text) } }
  func put(_ text: String) throws {
    var text = text
    try text.withUTF8 { try file.write(UnsafeRawBufferPointer($0)) }
  }
  func finish() throws {}
}
