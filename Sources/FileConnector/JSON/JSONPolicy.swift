// Role: what happens to a record that is no row: null row, dropped, error; always with file, line and byte; optionally kept in a bad-rows file.

import CSV
import Columnar
import DataSource
import JSON

/// The policy of one table.
struct JSONPolicy: Sendable {
  enum Mode: String, Sendable {
    case permissive = "PERMISSIVE", dropMalformed = "DROPMALFORMED", failFast = "FAILFAST"
    /// Only records that are no JSON objects; values that do not fit are null.
    case dropBroken = "DROPBROKEN", failBroken = "FAILBROKEN"
  }

  let path: String
  let mode: Mode
  /// The types were guessed and the user chose no mode: a value that does not fit is an error, not a silent null.
  let isGuessed: Bool
  let badRecords: BadRecordsFile?

  /// Deals with a failed record and answers whether it was dropped: `line` is asked only when it is needed; `offset` is the file offset of `record`'s first byte.
  func handle(
    _ error: any Error, _ parser: JSONRowParser, record: UnsafeBufferPointer<UInt8>, offset: Int, start: Int, line: () throws -> Int?
  ) throws -> Bool {
    let (at, message) = Self.position(error)
    let kind = (error as? JSONRowError)?.kind ?? .malformed
    // There is a row, in spite of its defect.
    let isMismatch = kind != .malformed
    let byte = offset + max(0, at - start)
    if mode == .failFast || mode == .failBroken && !isMismatch || isMismatch && isGuessed {
      throw Self.located(
        path, try line(), byte, message, kind == .mismatch ? .valueInvalid : .formatCorrupt, cause: isMismatch ? nil : BrokenRecord.malformed,
        hint: kind == .encoding
          ? "JSON is UTF-8; with mode PERMISSIVE such bytes become U+FFFD, DROPMALFORMED drops the record"
          : isMismatch
          ? isGuessed ? "the columns were guessed from the first records: give a schema, raise sampleRows, or set a mode" : "mode PERMISSIVE reads such values as null, DROPMALFORMED drops the record"
          : "mode PERMISSIVE keeps such records as nulls, DROPMALFORMED drops them")
    }
    // SAFETY: the record's bytes are the caller's for the call and are copied, here and by the parser.
    if let badRecords {
      try unsafe badRecords.append([CSVBadRecord(line: try line() ?? 0, byteOffset: byte, reason: message, text: Array(record.prefix(1 << 20)))], file: path)
    }
    switch (mode, isMismatch) {
    case (.dropMalformed, true): parser.dropLast()
    case (.dropMalformed, false), (.dropBroken, false): return true
    case (_, true): unsafe parser.markLastCorrupt(record)
    case (_, false): unsafe parser.appendCorrupt(record)
    }
    return mode == .dropMalformed
  }

  /// Offset and words of an error of the JSON layers.
  static func position(_ error: any Error) -> (Int, String) {
    if let error = error as? JSONRowError { return (error.offset, error.message) }
    if let error = error as? JSONTextError { return (error.offset, error.message) }
    return (0, "\(error)")
  }

  static func located(
    _ path: String, _ line: Int?, _ byte: Int, _ message: String, _ code: KConnectError.Code, cause: BrokenRecord? = nil, hint: String?
  ) -> KConnectError {
    let name = path == "-" ? "standard input" : "'\(path)'"
    return KConnectError(code, "\(name) " + (line.map { "line \($0), " } ?? "") + "byte \(byte): \(message)", hint: hint, cause: cause)
  }

  /// The error of a sample.
  static func error(_ path: String, _ bytes: [UInt8], _ offset: Int, _ message: String, hint: String? = nil) -> KConnectError {
    let line = 1 + bytes.prefix(offset).count { $0 == 0x0A }
    return located(path, line, offset, message, .formatCorrupt, hint: hint)
  }
}
