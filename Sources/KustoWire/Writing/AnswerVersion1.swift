// Role: version 1 of the protocol: one object with tables; of a query, three more follow that say what they are and how it went.

package import Columnar
import KQL

/// An object of version 1.
package final class AnswerVersion1: AnswerWriter {
  package let out = BufferBuilder<UInt8>(capacity: 1 << 14)
  /// A management command: nothing but its table.
  private let isCommand: Bool
  private let context: ErrorContext
  private var tables: [AnswerTable] = []
  private var rowCount = 0
  private var written = 0

  package init(isCommand: Bool, _ context: ErrorContext) {
    self.isCommand = isCommand
    self.context = context
  }

  package func begin(_ tables: [AnswerTable]) {
    self.tables = tables
    out.raw("{\"Tables\":[")
  }

  package func beginTable(_ index: Int) {
    rowCount = 0
    open("Table_\(index)", tables[index].schema)
  }

  private func open(_ name: String, _ schema: StructType) {
    out.raw(written > 0 ? ",{\"TableName\":" : "{\"TableName\":")
    written += 1
    out.string(name)
    out.raw(",")
    out.columns(schema, isVersion1: true)
    out.raw(",\"Rows\":[")
  }

  package func rows(_ batch: RecordBatch) {
    RowText.append(batch, to: out, isFirst: rowCount == 0)
    rowCount += batch.rowCount
  }

  package func endTable(_ error: WireError?, isDeferred: Bool) {
    if let error, !isDeferred {
      out.raw(rowCount > 0 ? ",{\"Exceptions\":[" : "{\"Exceptions\":[")
      out.string(error.detail)
      out.raw("]}")
    }
    out.raw("]}")
  }

  package func end(_ facts: AnswerFacts, _ error: WireError?, isDeferred: Bool) {
    if !isCommand { trailer(facts, error) }
    out.raw("]")
    if let error, !isDeferred {
      out.raw(",\"Exceptions\":[")
      out.string(error.detail)
      out.raw("]")
    }
    out.raw("}")
  }

  private static let properties = StructType([StructField("Value", .string)])
  private static let status = StructType([
    StructField("Timestamp", .datetime), StructField("Severity", .int), StructField("SeverityName", .string), StructField("StatusCode", .int),
    StructField("StatusDescription", .string), StructField("Count", .int), StructField("RequestId", .guid), StructField("ActivityId", .guid),
    StructField("SubActivityId", .guid), StructField("ClientActivityId", .string),
  ])
  private static let contents = StructType([
    StructField("Ordinal", .long), StructField("Kind", .string), StructField("Name", .string), StructField("Id", .string), StructField("PrettyName", .string),
  ])

  private func trailer(_ facts: AnswerFacts, _ error: WireError?) {
    let results = written
    open("Table_\(results)", Self.properties)
    for (i, table) in tables.enumerated() {
      out.raw(i > 0 ? ",[" : "[")
      out.string(Visualization.json(table.visualization))
      out.raw("]")
    }
    out.raw("]}")
    open("Table_\(results + 1)", Self.status)
    if let error {
      statusRow(facts, 2, "Error", -2_133_196_797, error.detail)
    } else {
      statusRow(facts, 4, "Info", 0, "Query completed successfully")
    }
    out.raw(",")
    statusRow(facts, 6, "Stats", 0, facts.resources)
    out.raw("]}")
    open("Table_\(results + 2)", Self.contents)
    for i in 0..<results {
      contentsRow(i, "QueryResult", tables[i].name, facts.activityId)
      out.raw(",")
    }
    contentsRow(results, "QueryProperties", "@ExtendedProperties", facts.activityId)
    out.raw(",")
    contentsRow(results + 1, "QueryStatus", "QueryStatus", "00000000-0000-0000-0000-000000000000")
    out.raw("]}")
  }

  private func statusRow(_ facts: AnswerFacts, _ severity: Int, _ name: StaticString, _ code: Int, _ text: String) {
    out.raw("[")
    out.datetime(facts.finishedOn)
    out.raw(",")
    out.number(severity)
    out.raw(",\"")
    out.raw(name)
    out.raw("\",")
    out.number(code)
    out.raw(",")
    out.string(text)
    out.raw(",1")
    for _ in 0..<3 {
      out.raw(",")
      out.string(facts.activityId)
    }
    out.raw(",")
    out.string(facts.clientRequestId)
    out.raw("]")
  }

  private func contentsRow(_ ordinal: Int, _ kind: StaticString, _ name: String, _ id: String) {
    out.raw("[")
    out.number(ordinal)
    out.raw(",\"")
    out.raw(kind)
    out.raw("\",")
    out.string(name)
    out.raw(",")
    out.string(id)
    out.raw(",\"\"]")
  }
}
