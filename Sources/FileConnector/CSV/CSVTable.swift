// Role: one delimited file as a table, and its scans: ranges of the file side by side, or slices of a stream in order.

import CSV
import Columnar
import DataSource
import Expressions
import Synchronization

/// An open delimited file.
final class CSVTable: BatchReadable, GuessedTable {
  let schema: StructType
  let description: String
  private let input: TextInput
  private let settings: CSVReadSettings
  private let inferred: InferredSchema
  private let plan: CSVReadPlan
  private let isStreamUsed = Atomic<Bool>(false)

  init(_ file: InputFile, schema declared: StructType?, isGuessed: Bool, settings: CSVReadSettings) throws {
    self.settings = settings
    description = "csv \(file.path)"
    var sample = settings.sampleBytes
    if let ratio = settings.samplingRatio {
      guard let size = file.size, settings.compression == nil else {
        throw KConnectError(.notSupported, "option 'samplingRatio': not supported yet: streams and compressed files", hint: "use sampleBytes")
      }
      sample = max(4_096, Int((Double(size) * ratio).rounded(.up)) + 1)
    }
    if let size = file.size, settings.compression == nil { sample = min(sample, size + 1) }
    input = try TextInput(file, compression: settings.compression, encoding: settings.encoding, sampleBytes: sample)
    // A given schema may name the corrupt-record column; it is no field of the file.
    let corrupt = settings.corruptColumn
    let fileSchema = declared.map { StructType($0.fields.filter { $0.name != corrupt }) }
    if let corrupt, let field = declared?.field(corrupt), field.type != .string {
      throw KConnectError(.schemaMismatch, "column '\(corrupt)' for malformed records is \(field.type), expected string")
    }
    let inference = SchemaInference(settings.dialect, settings.words, settings.formats, settings.inference)
    do {
      inferred = try inference.infer(input.head, isWhole: input.isHeadWhole, declared: fileSchema)
    } catch let error as CSVError {
      throw CSVTable.named(error, file.path)
    }
    if inferred.schema.count == 0, declared == nil, input.head.isEmpty { throw NoRecords.error(file.path == "-" ? "standard input" : "'\(file.path)'", "CSV") }
    guard inferred.schema.count > 0 else {
      throw KConnectError(
        .schemaMismatch, "'\(file.path)': found no column, expected \(declared == nil ? "a header line" : "a schema with a column of the file")",
        hint: "is the file empty? header=false and a schema read a file without names")
    }
    if let fileSchema, isGuessed, settings.inference.hasHeader, !input.head.isEmpty {
      try Self.check(inferred.ownNames, fileSchema, file.path, like: "as in the other files", hint: "mergeSchema=true reads them by name; a schema given by you reads them by position")
    } else if let fileSchema, !settings.enforcesSchema {
      try Self.check(inferred.headerNames, fileSchema, file.path, like: "as in the schema", hint: "enforceSchema=true takes columns by position, whatever the header says")
    }
    var fields = inferred.schema.fields
    var columns = Array(fields.indices)
    if let corrupt {
      let at = declared?.index(of: corrupt) ?? fields.count
      guard inferred.schema.field(corrupt) == nil else {
        throw KConnectError(.optionInvalid, "option 'columnNameOfCorruptRecord': the file has a column '\(corrupt)' already", hint: "choose another name")
      }
      fields.insert(StructField(corrupt, .string), at: at)
      columns.insert(CSVReadPlan.corruptRecord, at: at)
    }
    schema = StructType(fields)
    var plan = CSVReadPlan(fields: inferred.schema, columns: columns)
    if let corrupt { plan.corruptRecordName = corrupt }
    plan.dialect = settings.dialect
    plan.words = settings.words
    plan.formats = settings.formats
    if let text = settings.formatText { plan.formatText = text }
    plan.mode = settings.mode
    if inferred.fieldsInFirstRecord > 0 { plan.recordWidth = inferred.fieldsInFirstRecord }
    plan.refusesMisfits = (declared == nil || isGuessed) && !settings.isModeGiven && corrupt == nil && settings.badRecordsPath == nil
    plan.maxFieldBytes = settings.maxFieldBytes
    self.plan = plan
  }

  var hasRecords: Bool { inferred.fieldsInFirstRecord > 0 }

  /// Remarks about the schema: types that were widened, names that were changed.
  var notes: [String] { inferred.notes }

  func pushdown(_ filters: [Expr]) -> [FilterPushdown] { filters.map { _ in .unsupported } }

  func scan(_ request: ScanRequest, context: EvaluationContext) throws -> any Scan {
    if input.file.size == nil, isStreamUsed.exchange(true, ordering: .relaxed) {
      throw KConnectError(.usage, "'\(input.file.path)' is a stream and can be read only once", hint: "write it to a file first")
    }
    var plan = plan
    plan.columns = try request.columns.map { name in
      guard let i = schema.index(of: name) else { throw KConnectError(.columnNotFound, "column '\(name)' not found in \(description)") }
      return self.plan.columns[i]
    }
    if let path = settings.badRecordsPath {
      let writer = try BadRecordsFile.shared(path)
      try writer.start()
      let file = input.file.path
      plan.onBadRecords = { try writer.append($0, file: file) }
    }
    var split = SplitOptions()
    // Small files are still worth two threads.
    if let size = input.file.size { split.blockSize = max(256 << 10, min(split.blockSize, (size / 4 + 0xFFFF) & ~0xFFFF)) }
    if input.isRandomAccess, let size = input.file.size {
      let file = input.file
      // SAFETY: the splitter's buffer lives for the call, and `pread` fills no more than it has.
      let splitter = unsafe FileSplitter(
        size: size, from: input.markLength + inferred.dataOffset, line: inferred.dataLine, dialect: plan.dialect, options: split
      ) { try unsafe file.pread(into: $0, at: $1) }
      return CSVScan(plan, .file(splitter), path: file.path, bytesTotal: size, notes: notes)
    }
    // SAFETY: readers fill no more than the buffer they are given, which lives for the call.
    let reader = try unsafe input.reader()
    var skipped = [UInt8](repeating: 0, count: inferred.dataOffset)
    _ = try unsafe skipped.withUnsafeMutableBytes { try unsafe reader($0) }
    let box = unsafe TextInput.StreamBox(reader)
    split.blockSize = 8 << 20
    let splitter = unsafe StreamSplitter(head: [], offset: inferred.dataOffset, line: inferred.dataLine, dialect: plan.dialect, options: split) { try unsafe box.reader($0) }
    return CSVScan(plan, .stream(splitter), path: input.file.path, bytesTotal: input.file.size ?? 0, notes: notes)
  }

  private static func check(_ header: [String], _ schema: StructType, _ path: String, like: String, hint: String) throws {
    guard header != schema.names else { return }
    for i in 0..<max(header.count, schema.count) {
      let found = i < header.count ? "'\(header[i])'" : "nothing"
      let expected = i < schema.count ? "'\(schema[i].name)'" : "nothing"
      guard found != expected else { continue }
      throw KConnectError(
        .schemaMismatch, "'\(path)', line 1, column \(i + 1): found \(found) in the header, expected \(expected) \(like)",
        hint: hint)
    }
  }

  /// The engine's error with the path.
  static func named(_ error: CSVError, _ path: String) -> KConnectError {
    let code: KConnectError.Code = switch error.kind {
    case .value: .valueInvalid
    case .fieldCount, .schema: .schemaMismatch
    case .unterminatedQuote, .encoding, .limit: .formatCorrupt
    }
    let broken: BrokenRecord? = switch error.kind {
    case .fieldCount: .fieldCount
    case .unterminatedQuote: .openQuote
    default: nil
    }
    return KConnectError(code, "'\(path == "-" ? "standard input" : path)', \(error)", hint: error.hint, cause: broken)
  }
}

/// A running scan of one file.
final class CSVScan: Scan {
  enum Source: Sendable {
    case file(FileSplitter)
    case stream(StreamSplitter)
  }

  let schema: StructType
  let plan: CSVReadPlan
  let path: String
  let state = CSVReadState()
  private let source: Source
  private let bytesTotal: Int
  private let notes: [String]

  init(_ plan: CSVReadPlan, _ source: Source, path: String, bytesTotal: Int, notes: [String]) {
    self.plan = plan
    self.source = source
    self.path = path
    self.bytesTotal = bytesTotal
    self.notes = notes
    schema = plan.outputSchema
  }

  func nextMorsel() throws -> (any Morsel)? {
    switch source {
    case .file(let splitter): return splitter.takeBlock().map { CSVMorsel(scan: self, work: .block(splitter, $0)) }
    case .stream(let splitter):
      do {
        return try splitter.next().map { CSVMorsel(scan: self, work: .slice($0)) }
      } catch let error as CSVError {
        throw CSVTable.named(error, path)
      }
    }
  }

  var metrics: ScanMetrics {
    var out = ScanMetrics()
    switch source {
    case .file(let splitter): out.bytesRead = splitter.bytesRead
    case .stream(let splitter): out.bytesRead = bytesTotal > 0 ? min(splitter.bytesRead, bytesTotal) : splitter.bytesRead
    }
    out.bytesTotal = max(bytesTotal, out.bytesRead)
    out.rowsRead = state.rowsRead
    out.files = 1
    out.recordsDropped = state.defects.dropped
    out.notes = (notes + state.notes).map { "\(path == "-" ? "standard input" : path): \($0)" }
    return out
  }
}

/// A range of a file, or a slice of a stream.
private struct CSVMorsel: Morsel {
  enum Work: Sendable {
    case block(FileSplitter, Int)
    case slice(TextSlice)
  }

  let scan: CSVScan
  let work: Work

  func read(_ emit: (RecordBatch) throws -> Bool) throws {
    do {
      let reader = SliceReader(scan.plan, scan.state)
      switch work {
      case .block(let splitter, let block):
        if let slice = try splitter.slice(block) { try reader.read(slice, emit) }
      case .slice(let slice): try reader.read(slice, emit)
      }
    } catch let error as CSVError {
      throw CSVTable.named(error, scan.path)
    }
  }
}
