// Role: how parts reach a table: the three write modes of the connector, behind one protocol, and the ingestion properties all of them send.

import Columnar
import DataSource
import KQL
import KustoStore

/// A finished part.
struct IngestionPart: Sendable {
  var bytes: [UInt8]
  var rows: Int
  var rawBytes: Int
  /// 0, 1, … in row order.
  var number: Int
  var isLast: Bool
}

/// Takes parts on any thread; then `commit` or `abort` is called once.
protocol PartIngestor: Sendable {
  func ingest(_ part: IngestionPart) throws
  /// All parts have been taken. False: the rows were there already and nothing was written.
  func commit(rows: Int) throws -> Bool
  func abort()
}

/// What is sent with each part.
struct PartProperties: Sendable {
  var format: PartFormat
  var ingestion: IngestProperties
  var mappingReference: String?
  var flushImmediately: Bool

  /// All tags with their prefixes.
  var tags: [String] {
    ingestion.dropByTags.map { "drop-by:" + $0 } + ingestion.ingestByTags.map { "ingest-by:" + $0 } + ingestion.additionalTags
  }

  /// Names and values, as texts. `unless`: ingest-by values that stop the part.
  func members(extraTags: [String] = [], unless: [String] = []) -> [(name: String, value: String)] {
    var out = [(name: "format", value: format.ingestionName)]
    let tags = tags + extraTags
    if !tags.isEmpty { out.append(("tags", Self.list(tags))) }
    if !unless.isEmpty { out.append(("ingestIfNotExists", Self.list(unless))) }
    if let time = ingestion.creationTime, let text = ScalarText.text(.datetime(time)) { out.append(("creationTime", text)) }
    if let mappingReference { out.append(("ingestionMappingReference", mappingReference)) }
    return out
  }

  /// ` with (format='csv', …)`.
  func clause(extraTags: [String] = [], unless: [String] = []) -> String {
    " with (" + members(extraTags: extraTags, unless: unless).map { "\($0.name)=\(KQLPrinter.quoted(string: $0.value))" }.joined(separator: ", ") + ")"
  }

  private static func list(_ texts: [String]) -> String { DynamicValue.array(texts.map { .string($0) }).json }
}
