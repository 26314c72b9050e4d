// Role: window functions over rows in order: prev, next, row_number, row_cumsum, row_rank_dense, row_rank_min, row_window_session.
// Source: Kusto language reference, "Window functions".

package import Columnar
import DataSource
package import Expressions

/// One call of a window function and the column it gives.
package struct WindowCall: Sendable {
  package enum Function: Sendable, Hashable {
    /// The value `offset` rows before (`prev`) or, when negative, after (`next`) the row; `otherwise` where there is no such row.
    case shifted(Expr, offset: Int, otherwise: Scalar)
    /// Counts rows from `start`, again where `restart` is true.
    case rowNumber(start: Int64, restart: Expr?)
    /// The running sum of a numeric expression; nulls add nothing.
    case cumulativeSum(Expr, restart: Expr?)
    /// 1 plus the number of changes of the expression, or the number of the first row with its value.
    case rank(Expr, isDense: Bool, restart: Expr?)
    /// The datetime that starts the session of the row; distances in ticks.
    case session(Expr, maxFromFirst: Int64, maxBetween: Int64, restart: Expr?)
  }

  package var name: String
  package var function: Function

  package init(_ name: String, _ function: Function) {
    self.name = name
    self.function = function
  }

  /// The columns that the call reads.
  package var columnsRead: Set<String> { expressions.reduce(into: []) { $0.formUnion($1.columns) } }

  /// The expressions that are evaluated for each row.
  var expressions: [Expr] {
    switch function {
    case .shifted(let value, _, _): [value]
    case .rowNumber(_, let restart): [restart].compactMap(\.self)
    case .cumulativeSum(let value, let restart), .rank(let value, _, let restart), .session(let value, _, _, let restart):
      [value] + [restart].compactMap(\.self)
    }
  }
}

/// Adds a column for each call to the columns of its input, row by row in order. Output columns replace input columns of the same name.
package struct WindowOperator: TableOperator {
  private var calls: [WindowCall]

  package init(_ calls: [WindowCall]) { self.calls = calls }

  package var name: String { "Window" }

  package var detail: String {
    calls.map { call in
      let inner = call.expressions.map { ExprText.text($0) }.joined(separator: ", ")
      let function = switch call.function {
      case .shifted(_, let offset, _): offset < 0 ? "next(\(inner), \(-offset))" : "prev(\(inner), \(offset))"
      case .rowNumber: "row_number(\(inner))"
      case .cumulativeSum: "row_cumsum(\(inner))"
      case .rank(_, let isDense, _): "\(isDense ? "row_rank_dense" : "row_rank_min")(\(inner))"
      case .session: "row_window_session(\(inner))"
      }
      return "\(quotedName(call.name)) = \(function)"
    }.joined(separator: ", ")
  }

  package var keepsRowCount: Bool { true }

  private func passed(_ schema: StructType) -> [StructField] {
    let names = Set(calls.map(\.name))
    return schema.fields.filter { !names.contains($0.name) }
  }

  package func outputSchema(_ inputs: [StructType]) throws -> StructType {
    let typing = EvaluationContext(nowTicks: 0, seed: 0)
    let added = try calls.map { call in
      switch call.function {
      case .rowNumber, .rank: return StructField(call.name, .long)
      case .shifted(let value, _, _), .cumulativeSum(let value, _), .session(let value, _, _, _):
        return StructField(call.name, try CompiledExpr(value, schema: inputs[0], context: typing).type)
      }
    }
    return StructType(passed(inputs[0]) + added)
  }

  package func keeping(_ wanted: Set<String>) -> any TableOperator { WindowOperator(calls.filter { wanted.contains($0.name) }) }

  package func columnsRead(for wanted: Set<String>, inputs: [StructType]) -> [Set<String>] {
    let names = Set(calls.map(\.name))
    return [calls.flatMap(\.expressions).reduce(into: wanted.subtracting(names)) { $0.formUnion($1.columns) }]
  }

  package func execution(inputs: [StructType], output: StructType, context: TableOperatorContext) throws -> TableOperatorExecution {
    let schema = inputs[0]
    let kept = passed(schema).compactMap { schema.index(of: $0.name) }
    let functions = try calls.map { try WindowTransform.Call($0, schema, context.evaluation) }
    return .ordered(WindowTransform(kept: kept, calls: functions, schema: output, context: context))
  }
}
