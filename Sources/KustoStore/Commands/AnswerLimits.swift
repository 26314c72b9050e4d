// Role: how much an answer may be: Kusto's truncation limits, with the options that change them, and the time a request may take.

package import Columnar
import DataSource
package import KustoWire

/// Options of a request: those of its body, and `set` statements of its text, which win.
package struct AnswerLimits: Sendable {
  private static let defaultRows = 500_000
  private static let defaultBytes = 64 << 20

  /// Nil: no limit.
  package var rows: Int?
  package var bytes: Int?
  /// More rows are silently left out (`query_take_max_records`).
  package var take: Int?
  /// More columns are refused.
  package var columns: Int?
  /// A cut answer says so in its completion information only.
  package var isDeferred = false

  /// `hasDefaults`: a request that names no limits has those of Kusto. Throws OPTION_INVALID.
  package init(_ options: RequestOptions, statements: [String: Scalar], hasDefaults: Bool = true) throws {
    var options = options
    for (name, value) in statements { options.set(name, Self.dynamic(value)) }
    if !options.flag("notruncation") {
      rows = try options.integer("truncationmaxrecords") ?? (hasDefaults ? Self.defaultRows : nil)
      bytes = try options.integer("truncationmaxsize") ?? (hasDefaults ? Self.defaultBytes : nil)
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

  /// The time limit in seconds: `servertimeout`, an hour at most; nil where the request names none. Throws OPTION_INVALID.
  package static func timeout(_ options: RequestOptions) throws -> Int? {
    if options.flag("norequesttimeout") { return 3_600 }
    return try options.serverTimeout().map { max(1, Int((min($0, 3_600 * 10_000_000) + 9_999_999) / 10_000_000)) }
  }
}
