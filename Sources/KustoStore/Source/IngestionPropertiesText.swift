// Role: `sparkIngestionPropertiesJson` to ingestion properties. Unknown fields are refused, as the connector does.
// Source: the connector's SparkIngestionProperties.

import Columnar
import DataSource

/// The parsed option.
package struct SparkIngestionProperties {
  package var properties = IngestProperties()
  /// Columns from the rows by position; nil: `adjustSchema` decides.
  package var mapping: [MappedColumn]?
  /// A mapping of the table by its name.
  package var mappingReference: String?
  /// A cluster is not to wait for more data. The embedded store never does.
  package var flushImmediately = false

  /// One column of a mapping.
  package struct MappedColumn {
    var column: String
    var type: DataType?
    /// Position in the rows; nil: `constant`.
    var ordinal: Int?
    var constant: String?
  }

  private static let fields = [
    "flushImmediately", "dropByTags", "ingestByTags", "additionalTags", "ingestIfNotExists", "creationTime", "csvMapping", "csvMappingNameReference",
  ]

  /// Reads the option; throws OPTION_INVALID or NOT_SUPPORTED.
  package init(_ text: String?) throws {
    guard let text, !text.isEmpty else { return }
    guard let value = try? DynamicValue(parsing: text), case .bag(let entries) = value else { throw Self.invalid("is no JSON object") }
    for entry in entries where entry.value != .null {
      switch entry.key {
      case "flushImmediately":
        guard case .bool(let flag) = entry.value else { throw Self.invalid("flushImmediately is neither true nor false") }
        flushImmediately = flag
      case "dropByTags": properties.dropByTags = try Self.texts(entry)
      case "ingestByTags": properties.ingestByTags = try Self.texts(entry)
      case "additionalTags": properties.additionalTags = try Self.texts(entry)
      case "ingestIfNotExists": properties.ingestIfNotExists = try Self.texts(entry)
      case "creationTime":
        guard case .string(let text) = entry.value, case .datetime(let ticks)? = ScalarText.parse(text, as: .datetime) else { throw Self.invalid("creationTime is no ISO 8601 moment") }
        properties.creationTime = ticks
      case "csvMapping": mapping = try Self.mapping(entry.value)
      case "csvMappingNameReference":
        guard case .string(let name) = entry.value, !name.isEmpty else { throw Self.invalid("csvMappingNameReference is no name") }
        mappingReference = name
      default:
        let near = nearestNames(to: entry.key, among: Self.fields, limit: 1).first
        throw KConnectError(.optionInvalid, "sparkIngestionPropertiesJson: unknown field '\(entry.key)'", hint: near.map { "did you mean '\($0)'?" } ?? "fields: \(Self.fields.joined(separator: ", "))")
      }
    }
  }

  private static func invalid(_ what: String) -> KConnectError { KConnectError(.optionInvalid, "sparkIngestionPropertiesJson: \(what)") }

  private static func texts(_ entry: DynamicEntry) throws -> [String] {
    guard case .array(let items) = entry.value else { throw invalid("\(entry.key) is no array of texts") }
    return try items.map { item in
      guard case .string(let text) = item, !text.isEmpty else { throw invalid("\(entry.key) is no array of texts") }
      return text
    }
  }

  /// `[{"Column", "DataType", "Properties": {"Ordinal" | "ConstValue"}}]`, as JSON or as text that holds it.
  private static func mapping(_ value: DynamicValue) throws -> [MappedColumn] {
    var value = value
    if case .string(let text) = value { value = try (try? DynamicValue(parsing: text)) ?? { throw invalid("csvMapping is no JSON") }() }
    guard case .array(let items) = value else { throw invalid("csvMapping is no array") }
    guard !items.isEmpty else { throw invalid("csvMapping: the list is empty") }
    return try items.map { item in
      func member(_ name: String, of value: DynamicValue) -> DynamicValue? {
        guard case .bag(let entries) = value else { return nil }
        return entries.first { $0.key.lowercased() == name }?.value
      }
      guard case .string(let name)? = member("column", of: item) ?? member("name", of: item) else { throw invalid("csvMapping: an entry has no Column") }
      var column = MappedColumn(column: name)
      if case .string(let type)? = member("datatype", of: item) { column.type = DataType(name: type) }
      let properties = member("properties", of: item) ?? item
      if member("transform", of: properties) != nil { throw KConnectError(.notSupported, "csvMapping of column '\(name)': not supported yet: transforms") }
      switch member("ordinal", of: properties) {
      case .long(let n)?: column.ordinal = Int(n)
      case .string(let text)?: column.ordinal = Int(text)
      default: break
      }
      if case .string(let text)? = member("constvalue", of: properties) { column.constant = text }
      guard column.ordinal != nil || column.constant != nil else { throw invalid("csvMapping of column '\(name)' has neither Ordinal nor ConstValue") }
      return column
    }
  }
}
