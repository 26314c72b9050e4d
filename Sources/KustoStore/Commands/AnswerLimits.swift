// Role: how much an answer may be: Kusto's truncation limits, with the options that change them, and the time a request may take.

package import Columnar
import DataSource
package import Engine
package import Expressions
package import KustoWire

/// Options of a request: those of its body, and `set` statements of its text.
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

  /// `hasDefaults`: a request that names no limits has those of Kusto. Of the values that a request and its text name, the least counts, and a limit
  /// that is named counts although `notruncation` is. Throws OPTION_INVALID.
  package init(_ request: RequestOptions, statements: [String: Scalar], hasDefaults: Bool = true) throws {
    var text = RequestOptions()
    for (name, value) in statements { text.set(name, Self.dynamic(value)) }
    let sources = [request, text]
    rows = try Self.least(["truncationmaxrecords", "truncation_max_records"], sources)
    bytes = try Self.least(["truncationmaxsize", "truncation_max_size"], sources)
    take = try Self.least(["query_take_max_records"], sources)
    columns = try Self.least(["maxoutputcolumns"], sources)
    isDeferred = sources.contains { $0.flag("deferpartialqueryfailures") }
    guard hasDefaults else { return }
    if rows == nil, bytes == nil, take == nil, sources.contains(where: { $0.flag("notruncation") }) { return }
    rows = rows ?? Self.defaultRows
    bytes = bytes ?? Self.defaultBytes
  }

  /// The limits that `set` statements of a text name, without those that Kusto has for all. Throws OPTION_INVALID.
  package init(statements: [String: Scalar]) throws { try self.init(RequestOptions(), statements: statements, hasDefaults: false) }

  private static func least(_ names: [String], _ sources: [RequestOptions]) throws -> Int? {
    var least: Int?
    for options in sources {
      for name in names {
        guard let value = try options.integer(name) else { continue }
        if value < 0 { throw KConnectError(.optionInvalid, "the request option '\(name)' is \(value), expected 0 or more") }
        least = min(least ?? value, value)
      }
    }
    return least
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

  /// The plan under these limits, in a run of its own where it needs one. `execution`: as the request wants it to run; `memory`: the limit it would
  /// have without the request; `seconds`: the time limit. Throws VALUE_INVALID for too many columns.
  package func applied(
    to plan: LogicalPlan, seconds: Int? = nil, execution: ExecutionOptions, memory: Int?, context: EvaluationContext, needsRun: Bool = false
  ) throws -> LogicalPlan {
    if let columns, plan.schema.count > columns {
      throw KConnectError(.valueInvalid, "the result has \(plan.schema.count) columns, \(columns) are allowed (request option maxoutputcolumns)", hint: "keep fewer with project")
    }
    let kept = take.map { plan.limit($0) } ?? plan
    guard needsRun || seconds != nil || rows != nil || bytes != nil || execution.memoryLimit != memory else { return kept }
    return .scan(LimitedAnswer(plan: kept, limits: self, seconds: seconds, execution: execution, context: context))
  }
}
