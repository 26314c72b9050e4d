// Role: everything a read of one file has decided before it starts, and what its threads share while it runs.

package import Columnar
import Synchronization

/// Fixed for a read; shared by its threads.
package struct CSVReadPlan: Sendable {
  /// The fields of a record in file order.
  package var fields: StructType
  /// What to return: positions in `fields`, or `corruptRecord` for the column of that role.
  package var columns: [Int]
  package static let corruptRecord = -1
  package var corruptRecordName = "_corrupt_record"
  package var dialect = CSVDialect()
  package var words = CSVWords()
  package var formats = CSVDateFormats()
  /// The formats as the user wrote them, for messages.
  package var formatText = "ISO 8601 (yyyy-MM-dd[THH:mm:ss])"
  package var mode = CSVMode.permissive
  /// Fields that every record has in mode FAILBROKEN: those of the first one.
  package var recordWidth: Int?
  /// A value that does not fit an inferred type fails the read: set when the user chose neither schema nor mode.
  package var refusesMisfits = false
  /// Longest field in bytes, nil for any.
  package var maxFieldBytes: Int?
  /// Receives every defective record.
  package var onBadRecords: (@Sendable ([CSVBadRecord]) throws -> Void)?
  package var maxRows = RecordBatch.maxRows

  package init(fields: StructType, columns: [Int]) {
    self.fields = fields
    self.columns = columns
  }

  /// The schema of the batches.
  package var outputSchema: StructType {
    StructType(columns.map { $0 == Self.corruptRecord ? StructField(corruptRecordName, .string) : fields[$0] })
  }
}

/// Counters and hints of a running read.
package final class CSVReadState: Sendable {
  /// What was found wrong so far.
  package struct Defects: Sendable {
    /// Records with at least one defect.
    package var records = 0
    /// Of these, left out.
    package var dropped = 0
    /// Values that are not of their column's type, by column.
    package var values: [String: Int] = [:]
    package var tooFewFields = 0
    package var tooManyFields = 0
    /// The quote that does not end: everything behind it is one field.
    package var openQuote: CSVError?
    /// The defect with the lowest line seen so far.
    package var first: CSVError?
  }

  let hints = ColumnHints()
  private let state = Mutex((rows: 0, defects: Defects()))

  package init() {}

  package var rowsRead: Int { state.withLock { $0.rows } }
  package var defects: Defects { state.withLock { $0.defects } }

  func addRows(_ n: Int) { state.withLock { $0.rows += n } }
  func change(_ body: (inout Defects) -> Void) { state.withLock { body(&$0.defects) } }

  /// Sentences for the user about what was skipped, replaced or cut; empty when all was well.
  package var notes: [String] {
    let d = defects
    var out: [String] = []
    func records(_ n: Int, _ one: String, _ many: String) -> String { n == 1 ? "1 record \(one)" : "\(n) records \(many)" }
    if d.records > 0 {
      let first = d.first.map { "; the first: \($0)" } ?? ""
      out.append(
        (d.dropped > 0 ? "\(d.dropped) malformed \(d.dropped == 1 ? "record was" : "records were") dropped" : records(d.records, "has defects", "have defects")) + first)
    }
    if let open = d.openQuote, d.first?.kind != .unterminatedQuote { out.append("\(open)") }
    for (column, count) in d.values.sorted(by: { $0.key < $1.key }) {
      out.append("column '\(column)': \(count) \(count == 1 ? "value" : "values") could not be read")
    }
    if d.tooFewFields > 0 { out.append(records(d.tooFewFields, "has", "have") + " fewer fields than the schema") }
    if d.tooManyFields > 0 { out.append(records(d.tooManyFields, "has", "have") + " more fields than the schema") }
    return out
  }
}
