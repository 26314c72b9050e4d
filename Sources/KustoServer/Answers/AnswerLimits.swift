// Role: how much an answer may be: Kusto's truncation limits, with the options that change them, and the time a request may take.

import Columnar
import DataSource
import KustoStore
import KustoWire

/// Options of a request: those of its body, and `set` statements of its text, which win.
struct AnswerLimits: Sendable {
  static let defaultRows = 500_000
  static let defaultBytes = 64 << 20

  /// Nil: no limit.
  var rows: Int?
  var bytes: Int?
  /// More rows are silently left out (`query_take_max_records`).
  var take: Int?
  /// More columns are refused.
  var columns: Int?
  /// A cut answer says so in its completion information only.
  var isDeferred = false

  init(_ options: RequestOptions, statements: [String: Scalar]) throws {
    var options = options
    for (name, value) in statements { options.set(name, Self.dynamic(value)) }
    if !options.flag("notruncation") {
      rows = try options.integer("truncationmaxrecords") ?? Self.defaultRows
      bytes = try options.integer("truncationmaxsize") ?? Self.defaultBytes
    }
    take = try options.integer("query_take_max_records")
    columns = try options.integer("maxoutputcolumns")
    isDeferred = options.flag("deferpartialqueryfailures")
    for (name, value) in [("truncationmaxrecords", rows), ("truncationmaxsize", bytes), ("query_take_max_records", take)] {
      if let value, value < 0 { throw KConnectError(.optionInvalid, "the request option '\(name)' is \(value), expected 0 or more") }
    }
  }

  private static func dynamic(_ scalar: Scalar) -> DynamicValue {
    switch scalar {
    case .bool(let value): .bool(value)
    case .int(let value): .long(Int64(value))
    case .long(let value): .long(value)
    case .real(let value): .real(value)
    case .string(let value): .string(value)
    case .dynamic(let value): value
    default: .string(ScalarText.text(scalar) ?? "")
    }
  }

  /// The time limit in seconds: `servertimeout`, else the default; an hour at most.
  static func timeout(_ options: RequestOptions, default seconds: Int) throws -> Int {
    if options.flag("norequesttimeout") { return 3_600 }
    guard let ticks = try options.serverTimeout() else { return seconds }
    return max(1, Int((min(ticks, 3_600 * 10_000_000) + 9_999_999) / 10_000_000))
  }
}
