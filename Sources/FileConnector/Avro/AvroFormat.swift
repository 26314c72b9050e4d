// Role: Avro container files as a `FileFormat` that is read only: ingestion and `externaldata` take them. Files in gzip or zstd are read, too.

import Avro
package import Columnar
package import DataSource
import Expressions
import Synchronization

/// Avro object container files.
package struct AvroFormat: FileFormat {
  package init() {}

  package var shortName: String { "avro" }
  package var aliases: [String] { ["apacheavro"] }
  package var summary: String { "Apache Avro container files." }
  package var fileExtensions: [String] { [".avro"] }
  package var schemaFidelity: SchemaFidelity { .typed }
  package var options: [OptionSpec] { [] }

  package func recognizes(_ head: UnsafeRawBufferPointer) -> Bool {
    // SAFETY: four bytes are read only where there are as many.
    unsafe head.count >= 4 && head.loadUnaligned(as: UInt32.self).littleEndian == 0x016A_624F
  }

  package func open(_ file: InputFile, schema: StructType?, isGuessed: Bool, options: DataSourceOptions) throws -> any BatchReadable {
    try AvroErrors.mapped(file) { AvroTable(file, try AvroContainer(AvroInput(file)).schema) }
  }

  package func makeWriter(_ file: OutputFile, schema: StructType, options: DataSourceOptions) throws -> any FileWriter {
    throw KConnectError(.notSupported, "not supported: writing Avro files", hint: "write parquet")
  }
}

/// The bytes of a file for the container.
private final class AvroInput: AvroBytes {
  private let stream: ByteStream

  init(_ file: InputFile) throws { stream = try ByteStream(file) }

  func next(_ count: Int) throws -> [UInt8] {
    var out: [UInt8] = []
    // Lengths are hostile: what is there decides how much is held.
    while out.count < count {
      var part = [UInt8](repeating: 0, count: min(count - out.count, 4 << 20))
      // SAFETY: the array lives through the call, which fills at most its bytes.
      let n = try unsafe part.withUnsafeMutableBytes { try unsafe stream.read(into: $0) }
      if n == part.count, out.isEmpty { out = part } else { out += part[..<n] }
      if n < part.count { break }
    }
    return out
  }
}

enum AvroErrors {
  /// Errors of the format with the file's name.
  static func mapped<R>(_ file: InputFile, _ body: () throws -> R) throws -> R {
    do { return try body() } catch let error as AvroError {
      let code: KConnectError.Code =
        switch error.kind {
        case .damaged: .formatCorrupt
        case .value: .valueInvalid
        case .notSupported: .notSupported
        }
      throw KConnectError(code, "'\(file.path)': \(error.message)", cause: error)
    }
  }
}

/// An open Avro file.
final class AvroTable: BatchReadable {
  private let file: InputFile
  private let avro: AvroSchema

  init(_ file: InputFile, _ avro: AvroSchema) {
    self.file = file
    self.avro = avro
  }

  var schema: StructType { avro.columns }
  var description: String { "avro \(file.path)" }

  func pushdown(_ filters: [Expr]) -> [FilterPushdown] { filters.map { _ in .unsupported } }

  func scan(_ request: ScanRequest, context: EvaluationContext) throws -> any Scan {
    let fields = try request.columns.map { name in
      guard let field = avro.columns.index(of: name) else { throw KConnectError(.columnNotFound, "column '\(name)' not found in '\(file.path)'") }
      return field
    }
    return try AvroErrors.mapped(file) { AvroScan(file, avro, fields, try AvroContainer(AvroInput(file))) }
  }
}

/// A running scan: blocks are taken in their order, and read side by side.
private final class AvroScan: Scan {
  private struct State {
    var container: AvroContainer
    var isAtEnd = false
    var metrics = ScanMetrics()
  }

  let schema: StructType
  private let file: InputFile
  private let avro: AvroSchema
  private let fields: [Int]
  private let state: Mutex<State>
  /// Stored bytes that one thread takes at a time.
  private static let morselBytes = 2 << 20

  init(_ file: InputFile, _ avro: AvroSchema, _ fields: [Int], _ container: AvroContainer) {
    self.file = file
    self.avro = avro
    self.fields = fields
    schema = StructType(fields.map { avro.columns[$0] })
    var metrics = ScanMetrics()
    metrics.files = 1
    metrics.bytesTotal = file.size ?? 0
    state = Mutex(State(container: container, metrics: metrics))
  }

  var metrics: ScanMetrics { state.withLock { $0.metrics } }

  func nextMorsel() throws -> (any Morsel)? {
    let blocks = try AvroErrors.mapped(file) {
      try state.withLock { state -> [AvroBlock] in
        var blocks: [AvroBlock] = []
        var bytes = 0
        while !state.isAtEnd, bytes < Self.morselBytes {
          guard let block = try state.container.nextBlock() else {
            state.isAtEnd = true
            break
          }
          blocks.append(block)
          bytes += block.byteCount
        }
        state.metrics.bytesRead += bytes
        return blocks
      }
    }
    return blocks.isEmpty ? nil : AvroMorsel(scan: self, blocks: blocks)
  }

  fileprivate func read(_ blocks: [AvroBlock], _ emit: (RecordBatch) throws -> Bool) throws {
    let reader = AvroRowReader(avro, fields: fields)
    var rows = 0
    defer { state.withLock { $0.metrics.rowsRead += rows } }
    func counted(_ batch: RecordBatch) throws -> Bool {
      rows += batch.rowCount
      return try emit(batch)
    }
    for block in blocks {
      let goesOn = try AvroErrors.mapped(file) { try reader.read(block, counted) }
      if !goesOn { return }
    }
    if reader.rowCount > 0 { _ = try counted(reader.finish()) }
  }
}

/// Blocks behind each other.
private struct AvroMorsel: Morsel {
  let scan: AvroScan
  let blocks: [AvroBlock]

  func read(_ emit: (RecordBatch) throws -> Bool) throws { try scan.read(blocks, emit) }
}
