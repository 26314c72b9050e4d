// Role: what happens to a record that is no row: null row, dropped, error; always with file, line and byte; optionally kept in a bad-rows file.

import CSV
import Columnar
import DataSource
import JSON

/// The policy of one table.
struct JSONPolicy: Sendable {
  enum Mode: String, Sendable {
    case permissive = "PERMISSIVE", dropMalformed = "DROPMALFORMED", failFast = "FAILFAST"
  }

  let path: String
  let mode: Mode
  /// The types were guessed and the user chose no mode: a value that does not fit is an error, not a silent null.
  let isGuessed: Bool
  let badRecords: BadRecordsFile?

  /// Deals with a failed record: `line` is asked only when it is needed; `offset` is the file offset of `record`'s first byte.
  func handle(
    _ error: any Error, _ parser: JSONRowParser, record: UnsafeBufferPointer<UInt8>, offset: Int, start: Int, line: () throws -> Int?
  ) throws {
    let (at, message) = Self.position(error)
    let isMismatch = if let error = error as? JSONRowError, case .mismatch = error.kind { true } else { false }
    let byte = offset + max(0, at - start)
    if mode == .failFast || isMismatch && isGuessed {
      throw Self.located(
        path, try line(), byte, message, isMismatch ? .valueInvalid : .formatCorrupt,
        hint: isMismatch
          ? isGuessed ? "the type was guessed from the first records: give a schema, raise sampleRows, or set a mode" : "mode PERMISSIVE reads such values as null, DROPMALFORMED drops the record"
          : "mode PERMISSIVE keeps such records as nulls, DROPMALFORMED drops them")
    }
    if let badRecords {
      try unsafe badRecords.append([CSVBadRecord(line: try line() ?? 0, byteOffset: byte, reason: message, text: Array(record.prefix(1 << 20)))], file: path)
    }
    switch (mode, isMismatch) {
    case (.dropMalformed, true): parser.dropLast()
    case (.dropMalformed, false): break
    case (_, true): unsafe parser.markLastCorrupt(record)
    case (_, false): unsafe parser.appendCorrupt(record)
    }
  }

  /// Offset and words of an error of the JSON layers.
  static func position(_ error: any Error) -> (Int, String) {
    if let error = error as? JSONRowError { return (error.offset, error.message) }
    if let error = error as? JSONTextError { return (error.offset, error.message) }
    return (0, "\(error)")
  }

  static func located(_ path: String, _ line: Int?, _ byte: Int, _ message: String, _ code: KConnectError.Code, hint: String?) -> KConnectError {
    let name = path == "-" ? "standard input" : "'\(path)'"
    return KConnectError(code, "\(name) " + (line.map { "line \($0), " } ?? "") + "byte \(byte): \(message)", hint: hint)
  }

  /// The error of a sample.
  static func error(_ path: String, _ bytes: [UInt8], _ offset: Int, _ message: String, hint: String? = nil) -> KConnectError {
    let line = 1 + bytes.prefix(offset).count { $0 == 0x0A }
    return located(path, line, offset, message, .formatCorrupt, hint: hint)
  }
}
