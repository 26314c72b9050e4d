// Role: what a plan over streams can say beyond the operators of tables: which column is the event time, and which rows come once only.
// They hold no state; the loop puts operators in their place that do.

package import Columnar
import DataSource
package import Engine
import Expressions

/// Names the event time of the rows and how late a row may come. The watermark is the greatest event time seen less the delay.
package struct StreamWatermark: TableOperator, Hashable {
  package let column: String
  package let delayMs: Int64

  package init(column: String, delayMs: Int64) {
    self.column = column
    self.delayMs = delayMs
  }

  package var name: String { "Watermark" }
  package var detail: String { "\(quotedName(column)) \(delayMs) ms" }
  package var keepsRowCount: Bool { true }
  package var needsOrder: Bool { false }

  package func outputSchema(_ inputs: [StructType]) throws -> StructType {
    guard let field = inputs[0].field(column) else { throw ExpressionError.columnNotFound(column, candidates: inputs[0].names) }
    guard field.type == .datetime else {
      throw KConnectError(.usage, "the event time '\(column)' is \(field.type), expected datetime", hint: "convert it before: extend \(column) = todatetime(\(column))")
    }
    return inputs[0]
  }

  package func columnsRead(for wanted: Set<String>, inputs: [StructType]) -> [Set<String>] { [wanted.union([column])] }

  /// Over a table it does nothing.
  package func execution(inputs: [StructType], output: StructType, context: TableOperatorContext) throws -> TableOperatorExecution { .batches(PassOn(output)) }

  private struct PassOn: BatchTransform {
    let schema: StructType
    init(_ schema: StructType) { self.schema = schema }
    func process(_ batch: RecordBatch, _ emit: (RecordBatch) throws -> Bool) throws -> Bool { try emit(batch) }
  }
}

/// Of rows with equal keys, the first.
package struct StreamDeduplicate: TableOperator {
  package enum Scope: Sendable, Hashable {
    /// Among the rows of a batch.
    case batch
    /// Among the rows of all batches for so long after the first: by the clock of batches, or by the event time of this column.
    case within(milliseconds: Int64, eventTime: String?)
  }

  package let keys: [String]
  package let scope: Scope

  package init(keys: [String], scope: Scope) {
    self.keys = keys
    self.scope = scope
  }

  package var eventTime: String? { if case .within(_, let column) = scope { column } else { nil } }

  package var name: String { "StreamDeduplicate" }
  package var detail: String {
    let by = keys.map { quotedName($0) }.joined(separator: ", ")
    return switch scope {
    case .batch: "\(by) within a batch"
    case .within(let delay, let column): "\(by) within \(delay) ms" + (column.map { " of \(quotedName($0))" } ?? "")
    }
  }
  package var needsOrder: Bool { false }

  package func outputSchema(_ inputs: [StructType]) throws -> StructType {
    for key in keys {
      guard let field = inputs[0].field(key) else { throw ExpressionError.columnNotFound(key, candidates: inputs[0].names) }
      if field.type == .dynamic {
        throw KConnectError(.notSupported, "not supported: the dynamic column '\(key)' as a key of duplicates", hint: "convert it before: extend \(key) = tostring(\(key))")
      }
    }
    if let eventTime, inputs[0].field(eventTime)?.type != .datetime {
      throw KConnectError(.usage, "the event time '\(eventTime)' is not a datetime column of the rows", hint: "keep the column under its name up to here")
    }
    return inputs[0]
  }

  package func columnsRead(for wanted: Set<String>, inputs: [StructType]) -> [Set<String>] {
    [wanted.union(keys).union(eventTime.map { [$0] } ?? [])]
  }

  package func execution(inputs: [StructType], output: StructType, context: TableOperatorContext) throws -> TableOperatorExecution {
    throw KConnectError(.usage, "dropping duplicates across batches over a table", hint: "dropDuplicates does it for tables")
  }
}

extension LogicalPlan {
  /// The event time that the plan's rows have: where inputs of a union name one each, that with the longest delay; nil when none was named.
  /// Throws NOT_SUPPORTED for inputs that name different columns: rows have one event time.
  package var streamWatermark: StreamWatermark? {
    get throws {
      if case .custom(let op as StreamWatermark, _) = node { return op }
      var found: StreamWatermark?
      for input in inputs {
        guard let own = try input.streamWatermark else { continue }
        if let other = found, other.column != own.column {
          throw KConnectError(
            .notSupported, "not supported: rows whose event time is '\(other.column)' in one input and '\(own.column)' in another",
            hint: "rename the columns before withWatermark, so that they are one behind the union")
        }
        found = found.map { StreamWatermark(column: own.column, delayMs: max($0.delayMs, own.delayMs)) } ?? own
      }
      return found
    }
  }
}

/// Which of several event times the watermark of a query goes by: `spark.sql.streaming.multipleWatermarkPolicy`.
package enum WatermarkPolicy: String, Sendable, CaseIterable {
  /// The slowest: no row is late because another stream is ahead.
  case min
  /// The fastest.
  case max

  /// One out of the watermarks of all event times; nil when there are none.
  func chosen(_ watermarks: [Int64]) -> Int64? { self == .min ? watermarks.min() : watermarks.max() }
}
