// Role: what a trigger did, under Spark's names, and its JSON.

import Columnar

/// One source in a progress record.
public struct SourceProgress: Sendable, Hashable {
  public var description: String
  /// Offsets as JSON; nil where there is none.
  public var startOffset: String?
  public var endOffset: String?
  public var numInputRows: Int
  /// What waits, such as `numFilesOutstanding`.
  public var metrics: [String: Int]
}

/// One operator with state in a progress record.
public struct StateOperatorProgress: Sendable, Hashable {
  /// `dedupe`.
  public var operatorName: String
  /// Keys remembered.
  public var numRowsTotal: Int
  /// Keys that the batch added.
  public var numRowsUpdated: Int
  /// Rows left out because they came behind the watermark.
  public var numRowsDroppedByWatermark: Int
  /// Rows left out because their key was known.
  public var numDroppedDuplicateRows: Int
  public var memoryUsedBytes: Int
}

/// One trigger of a streaming query.
public struct StreamingQueryProgress: Sendable, Hashable {
  /// The query's identity for ever, and that of this run.
  public var id: String
  public var runId: String
  public var name: String?
  /// The start of the trigger, milliseconds since 1970.
  public var timestampMs: Int64
  public var batchId: Int
  public var numInputRows: Int
  public var numOutputRows: Int
  /// Rows per second since the last trigger began; 0 for the first.
  public var inputRowsPerSecond: Double
  public var processedRowsPerSecond: Double
  /// Milliseconds by phase: latestOffset, queryPlanning, walCommit, addBatch, commitOffsets, triggerExecution.
  public var durationMs: [(phase: String, milliseconds: Int)]
  public var sources: [SourceProgress]
  public var sink: String
  /// True when the sink had the batch already.
  public var isSkipped: Bool
  /// The watermark the batch ran with, milliseconds since 1970; nil for queries without one, 0 before the first.
  public var watermarkMs: Int64?
  public var stateOperators: [StateOperatorProgress] = []

  public static func == (a: Self, b: Self) -> Bool { a.runId == b.runId && a.batchId == b.batchId && a.timestampMs == b.timestampMs }
  public func hash(into hasher: inout Hasher) {
    hasher.combine(runId)
    hasher.combine(batchId)
    hasher.combine(timestampMs)
  }

  /// The record as Spark writes it, on one line.
  public var json: String {
    func raw(_ text: String?) -> DynamicValue { text.flatMap { try? StreamOffset(json: $0).value() } ?? .null }
    func rate(_ value: Double) -> DynamicValue { .real((value * 10).rounded() / 10) }
    var members: [(String, DynamicValue)] = [
      ("id", .string(id)), ("runId", .string(runId)), ("name", name.map { .string($0) } ?? .null),
      ("timestamp", .string(StreamClock.text(timestampMs))), ("batchId", .long(Int64(batchId))),
      ("batchDuration", .long(Int64(durationMs.first { $0.phase == "triggerExecution" }?.milliseconds ?? 0))),
      ("numInputRows", .long(Int64(numInputRows))), ("inputRowsPerSecond", rate(inputRowsPerSecond)),
      ("processedRowsPerSecond", rate(processedRowsPerSecond)),
      ("durationMs", .object(durationMs.map { ($0.phase, .long(Int64($0.milliseconds))) })),
    ]
    if let watermarkMs { members.append(("eventTime", .object([("watermark", .string(StreamClock.text(watermarkMs)))]))) }
    members.append(
      (
        "stateOperators",
        .array(
          stateOperators.map { state in
            .object([
              ("operatorName", .string(state.operatorName)), ("numRowsTotal", .long(Int64(state.numRowsTotal))),
              ("numRowsUpdated", .long(Int64(state.numRowsUpdated))), ("memoryUsedBytes", .long(Int64(state.memoryUsedBytes))),
              ("numRowsDroppedByWatermark", .long(Int64(state.numRowsDroppedByWatermark))),
              ("customMetrics", .object([("numDroppedDuplicateRows", .long(Int64(state.numDroppedDuplicateRows)))])),
            ])
          })
      ))
    members.append(
      (
        "sources",
        .array(
          sources.map { source in
            .object([
              ("description", .string(source.description)), ("startOffset", raw(source.startOffset)), ("endOffset", raw(source.endOffset)),
              ("latestOffset", raw(source.endOffset)), ("numInputRows", .long(Int64(source.numInputRows))),
              ("metrics", .object(source.metrics.sorted { $0.key < $1.key }.map { ($0.key, .string(String($0.value))) })),
            ])
          })
      ))
    members.append(("sink", .object([("description", .string(sink)), ("numOutputRows", .long(Int64(numOutputRows)))])))
    return DynamicValue.object(members).json
  }
}
