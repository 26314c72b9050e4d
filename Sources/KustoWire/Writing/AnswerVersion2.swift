// Role: version 2 of the protocol: an array of frames, one on each line. Clients read it as it comes, so the order of members matters.

package import Columnar
import KQL

/// How frames are cut.
package struct FrameOptions: Sendable {
  package enum ErrorPlacement: String, Sendable { case inData = "InData", endOfTable = "EndOfTable", endOfDataset = "EndOfDataset" }

  /// Primary tables as header, fragments and completion.
  package var isFragmented = false
  /// The same, with progress between fragments.
  package var isProgressive = false
  package var errorPlacement = ErrorPlacement.inData
  package init() {}
}

/// Frames of version 2.
package final class AnswerVersion2: AnswerWriter {
  package let out = BufferBuilder<UInt8>(capacity: 1 << 16)
  private let options: FrameOptions
  private let context: ErrorContext
  private var tables: [AnswerTable] = []
  private var current = 0
  private var rowCount = 0

  package init(_ options: FrameOptions, _ context: ErrorContext) {
    self.options = options
    self.context = context
  }

  private var isCut: Bool { options.isFragmented || options.isProgressive }

  package func begin(_ tables: [AnswerTable]) {
    self.tables = tables
    out.raw("[{\"FrameType\":\"DataSetHeader\",\"IsProgressive\":")
    out.raw(options.isProgressive ? "true" : "false")
    out.raw(",\"Version\":\"v2.0\",\"IsFragmented\":")
    out.raw(isCut ? "true" : "false")
    out.raw(",\"ErrorReportingPlacement\":\"")
    out.raw(options.errorPlacement.rawValue)
    out.raw("\"}\n,{\"FrameType\":\"DataTable\",\"TableId\":0,\"TableKind\":\"QueryProperties\",\"TableName\":\"@ExtendedProperties\",")
    out.columns(Self.properties, isVersion1: false)
    out.raw(",\"Rows\":[")
    for (i, table) in tables.enumerated() {
      out.raw(i > 0 ? ",[" : "[")
      out.number(i + 1)
      out.raw(",\"Visualization\",")
      out.string(Visualization.json(table.visualization))
      out.raw("]")
    }
    out.raw("]}\n")
  }

  package func beginTable(_ index: Int) {
    current = index
    rowCount = 0
    out.raw(isCut ? ",{\"FrameType\":\"TableHeader\",\"TableId\":" : ",{\"FrameType\":\"DataTable\",\"TableId\":")
    out.number(index + 1)
    out.raw(",\"TableKind\":\"PrimaryResult\",\"TableName\":")
    out.string(tables[index].name)
    out.raw(",")
    out.columns(tables[index].schema, isVersion1: false)
    out.raw(isCut ? "}\n" : ",\"Rows\":[")
  }

  package func rows(_ batch: RecordBatch) {
    if batch.rowCount == 0 { return }
    if !isCut {
      RowText.append(batch, to: out, isFirst: rowCount == 0)
      rowCount += batch.rowCount
      return
    }
    out.raw(",{\"FrameType\":\"TableFragment\",\"TableFragmentType\":\"DataAppend\",\"TableId\":")
    out.number(current + 1)
    if options.isProgressive {
      out.raw(",\"FieldCount\":")
      out.number(batch.schema.count)
    }
    out.raw(",\"Rows\":[")
    RowText.append(batch, to: out, isFirst: true)
    out.raw("]}\n")
    rowCount += batch.rowCount
  }

  /// How far the current table is, 0 to 100; only in progressive answers.
  package func progress(_ percent: Double) {
    guard options.isProgressive else { return }
    out.raw(",{\"FrameType\":\"TableProgress\",\"TableId\":")
    out.number(current + 1)
    out.raw(",\"TableProgress\":")
    // SAFETY: at most `ScalarText.room` bytes are written, which `appendText` reserves.
    unsafe out.appendText { unsafe ScalarText.write(realWithPoint: percent, to: $0) }
    out.raw("}\n")
  }

  package func endTable(_ error: WireError?, isDeferred: Bool) {
    let shown = isDeferred ? nil : error
    guard isCut else {
      if let shown {
        out.raw(rowCount > 0 ? ",{" : "{")
        errors(shown)
        out.raw("}")
      }
      out.raw("]}\n")
      return
    }
    if let shown, options.errorPlacement == .inData {
      out.raw(",{\"FrameType\":\"TableFragment\",\"TableFragmentType\":\"DataAppend\",\"TableId\":")
      out.number(current + 1)
      out.raw(",\"Rows\":[{")
      errors(shown)
      out.raw("}]}\n")
    }
    out.raw(",{\"FrameType\":\"TableCompletion\",\"TableId\":")
    out.number(current + 1)
    out.raw(",\"RowCount\":")
    out.number(rowCount)
    if let shown, options.errorPlacement == .endOfTable {
      out.raw(",")
      errors(shown)
    }
    out.raw("}\n")
  }

  private func errors(_ error: WireError) {
    out.raw("\"OneApiErrors\":[")
    out.error(error, context)
    out.raw("]")
  }

  package func end(_ facts: AnswerFacts, _ error: WireError?, isDeferred: Bool) {
    if error == nil || isDeferred { completionInformation(facts, isDeferred ? error : nil) }
    out.raw(",{\"FrameType\":\"DataSetCompletion\",\"HasErrors\":")
    let shown = isDeferred ? nil : error
    out.raw(shown == nil ? "false" : "true")
    out.raw(shown?.code == "BadRequest_RequestCancelled" ? ",\"Cancelled\":true" : ",\"Cancelled\":false")
    if let shown {
      out.raw(",")
      errors(shown)
    }
    out.raw("}\n]\n")
  }

  private static let properties = StructType([StructField("TableId", .int), StructField("Key", .string), StructField("Value", .dynamic)])
  private static let completion = StructType([
    StructField("Timestamp", .datetime), StructField("ClientRequestId", .string), StructField("ActivityId", .guid), StructField("SubActivityId", .guid),
    StructField("ParentActivityId", .guid), StructField("Level", .int), StructField("LevelName", .string), StructField("StatusCode", .int),
    StructField("StatusCodeName", .string), StructField("EventType", .int), StructField("EventTypeName", .string), StructField("Payload", .string),
  ])

  private func completionInformation(_ facts: AnswerFacts, _ deferred: WireError?) {
    out.raw(",{\"FrameType\":\"DataTable\",\"TableId\":")
    out.number(tables.count + 1)
    out.raw(",\"TableKind\":\"QueryCompletionInformation\",\"TableName\":\"QueryCompletionInformation\",")
    out.columns(Self.completion, isVersion1: false)
    out.raw(",\"Rows\":[")
    if let deferred {
      event(facts, 2, "Error", -2_133_196_797, "Query result set too large (E_QUERY_RESULT_SET_TOO_LARGE). (-2133196797)", 1, "QueryLimitsExceeded", Self.note(deferred.detail))
    } else {
      event(facts, 4, "Info", 0, "S_OK (0)", 4, "QueryInfo", Self.note("Query completed successfully"))
    }
    out.raw(",")
    event(facts, 4, "Info", 0, "S_OK (0)", 5, "WorkloadGroup", Self.note("default"))
    out.raw(",")
    event(facts, 6, "Stats", 0, "S_OK (0)", 0, "QueryResourceConsumption", facts.resources)
    out.raw("]}\n")
  }

  private static func note(_ text: String) -> String { DynamicValue.bag([DynamicEntry("Count", .long(1)), DynamicEntry("Text", .string(text))]).json }

  private func event(_ facts: AnswerFacts, _ level: Int, _ levelName: StaticString, _ status: Int, _ statusName: StaticString, _ type: Int, _ typeName: StaticString, _ payload: String) {
    out.raw("[")
    out.datetime(facts.finishedOn)
    out.raw(",")
    out.string(facts.clientRequestId)
    for _ in 0..<3 {
      out.raw(",")
      out.string(facts.activityId)
    }
    out.raw(",")
    out.number(level)
    out.raw(",\"")
    out.raw(levelName)
    out.raw("\",")
    out.number(status)
    out.raw(",\"")
    out.raw(statusName)
    out.raw("\",")
    out.number(type)
    out.raw(",\"")
    out.raw(typeName)
    out.raw("\",")
    out.string(payload)
    out.raw("]")
  }
}
