// Role: what the tests share: a text read in one go, in blocks of any size, as a stream, with small batches; and seeded numbers.

import CSV
import Columnar
import Synchronization
import Testing

struct Seeded: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &+ 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// How a text is read.
struct Reading {
  var dialect = CSVDialect()
  var words = CSVWords()
  var formats = CSVDateFormats()
  var mode = CSVMode.permissive
  var schema: StructType?
  var inference = InferenceOptions()
  var blockSize = 8 << 20
  var isStream = false
  var maxRows = RecordBatch.maxRows
  var columns: [Int]?
  var corruptName: String?
  var refusesMisfits = false

  /// What a read gave.
  struct Result {
    var schema: StructType
    var rows: [[Scalar]] = []
    var bad: [CSVBadRecord] = []
    var notes: [String] = []
  }

  func read(_ bytes: [UInt8]) throws -> Result {
    let inferred = try SchemaInference(dialect, words, formats, inference).infer(bytes, isWhole: true, declared: schema)
    var plan = CSVReadPlan(fields: inferred.schema, columns: columns ?? Array(inferred.schema.fields.indices))
    if let corruptName {
      plan.corruptRecordName = corruptName
      plan.columns.append(CSVReadPlan.corruptRecord)
    }
    plan.dialect = dialect
    plan.words = words
    plan.formats = formats
    plan.mode = mode
    plan.maxRows = maxRows
    plan.refusesMisfits = refusesMisfits
    let bad = BadList()
    plan.onBadRecords = { bad.add($0) }
    let state = CSVReadState()
    var split = SplitOptions()
    split.blockSize = blockSize
    var result = Result(schema: plan.outputSchema)
    func take(_ batch: RecordBatch) -> Bool {
      #expect(batch.brokenInvariant() == nil)
      #expect(batch.rowCount <= maxRows)
      for i in 0..<batch.rowCount { result.rows.append(batch.row(i)) }
      return true
    }
    if isStream {
      let source = ByteSource(Array(bytes[inferred.dataOffset...]))
      let splitter = StreamSplitter(head: [], offset: inferred.dataOffset, line: inferred.dataLine, dialect: dialect, options: split) { source.read($0) }
      while let slice = try splitter.next() { try SliceReader(plan, state).read(slice, take) }
    } else {
      let splitter = FileSplitter(size: bytes.count, from: inferred.dataOffset, line: inferred.dataLine, dialect: dialect, options: split) { target, offset in
        let n = min(target.count, bytes.count - offset)
        bytes.withUnsafeBytes { if n > 0, let from = $0.baseAddress { target.baseAddress?.copyMemory(from: from + offset, byteCount: n) } }
        return n
      }
      while let block = splitter.takeBlock() {
        if let slice = try splitter.slice(block) { try SliceReader(plan, state).read(slice, take) }
      }
    }
    result.bad = bad.all
    result.notes = inferred.notes + state.notes
    return result
  }

  func read(_ text: String) throws -> Result { try read(Array(text.utf8)) }
}

final class BadList: Sendable {
  private let list = Mutex<[CSVBadRecord]>([])
  func add(_ records: [CSVBadRecord]) { list.withLock { $0 += records } }
  var all: [CSVBadRecord] { list.withLock { $0 } }
}

final class ByteSource: Sendable {
  private let state: Mutex<(bytes: [UInt8], at: Int)>
  init(_ bytes: [UInt8]) { state = Mutex((bytes, 0)) }
  func read(_ target: UnsafeMutableRawBufferPointer) -> Int {
    state.withLock { state in
      let n = min(target.count, state.bytes.count - state.at)
      state.bytes.withUnsafeBytes { if n > 0, let from = $0.baseAddress { target.baseAddress?.copyMemory(from: from + state.at, byteCount: n) } }
      state.at += n
      return n
    }
  }
}

/// Rows as texts, null as `∅`: short to write in tables of cases.
func shown(_ rows: [[Scalar]]) -> [[String]] {
  rows.map { row in
    row.map { value in
      if case .dynamic(let v) = value { return "\(v)" }
      return value.isNull ? "∅" : ScalarText.text(value) ?? "?"
    }
  }
}

let allStrings: InferenceOptions = {
  var options = InferenceOptions()
  options.infersTypes = false
  return options
}()
