// Role: ingestion mappings: how the fields of a file become a table's columns; stored under a name, or given with an ingestion.
// Source: Kusto's mapping documentation; all spellings of keys are read (column/Name, DataType/datatype, Properties.Ordinal/Ordinal, …).

import Columnar
import DataSource

/// One column of a mapping.
struct ColumnMapping: Sendable {
  var column: String
  /// Given with the mapping, for columns the table does not have.
  var type: DataType?
  var ordinal: Int?
  /// `$.a.b`, or `$` for the whole record.
  var path: String?
  /// The name of a field.
  var field: String?
  /// The text of a constant; also a path that does not begin with `$`.
  var constant: String?
  /// The property that names a field where ConstValue is given as well.
  var besideConstant: String?
  var transform: String?
}

/// A mapping.
struct IngestionMapping: Sendable {
  var name: String
  /// `csv`, `json`, `parquet`, `avro`, …
  var kind: String
  var columns: [ColumnMapping]
  /// The JSON list as stored.
  var text: String
  var updated: Int64 = 0

  /// Kinds that can be used here; the others can be stored and are refused when they are used.
  static let usable = ["csv", "json", "parquet", "avro", "w3clogfile"]

  /// Reads a JSON list. Throws VALUE_INVALID with the element that is wrong.
  init(name: String, kind: String, text: String) throws {
    self.name = name
    self.kind = kind
    func fail(_ what: String) -> KConnectError {
      KConnectError(.valueInvalid, "ingestion mapping '\(name)': \(what)", hint: #"as in [{"column":"a","Properties":{"Path":"$.a"}}]"#)
    }
    guard let value = DynamicValue(lenientJSON: text) else { throw fail("found '\(text.prefix(80))', which is no JSON") }
    guard let list = value.elements else { throw fail("expected a JSON list, found '\(text.prefix(80))'") }
    columns = try list.map { item in
      let members = Members(item)
      let properties = Members(members["properties"] ?? .null)
      guard let column = (members["column"] ?? members["name"])?.stringValue else { throw fail("an element has no column: \(item.json.prefix(120))") }
      func text(_ key: String) -> String? {
        switch properties[key] ?? members[key] {
        case .string(let text)?: text.isEmpty ? nil : text
        case .long(let number)?: String(number)
        case .bool(let flag)?: flag ? "true" : "false"
        case .real(let number)?: String(number)
        default: nil
        }
      }
      let typeText = (members["datatype"])?.stringValue ?? ""
      let type = typeText.isEmpty ? nil : DataType(kustoName: typeText)
      if !typeText.isEmpty, type == nil { throw fail("column '\(column)': '\(typeText)' is no type") }
      var ordinal: Int?
      if let given = text("ordinal") {
        guard let number = Int(given), number >= 0, number < 20_000 else { throw fail("column '\(column)': the ordinal '\(given)' is no position") }
        ordinal = number
      }
      // A field of the file, or a path into it.
      let field = text("field"), path = text("path") ?? (field?.hasPrefix("$") == true ? field : nil), isPath = path?.hasPrefix("$") ?? false
      let constant = text("constvalue")
      let beside: String? = constant == nil ? nil : ordinal != nil ? "Ordinal" : field != nil ? "Field" : path != nil ? "Path" : nil
      return ColumnMapping(
        column: column, type: type, ordinal: ordinal, path: isPath ? path : nil, field: path == field ? nil : field, constant: constant ?? (isPath ? nil : path),
        besideConstant: beside, transform: text("transform"))
    }
    guard !columns.isEmpty else { throw fail("the list is empty") }
    var names: Set<String> = []
    if let twice = columns.first(where: { !names.insert($0.column).inserted }) { throw fail("the column '\(twice.column)' is named twice") }
    self.text = value.json
  }

  /// Refuses, when a mapping is made, a constant beside a field of the record, and one that the column's type has no value for. `schema`: the columns
  /// of the table, where there is one. Throws VALUE_INVALID.
  func checkConstants(_ schema: StructType?) throws {
    for column in columns {
      guard let constant = column.constant else { continue }
      if let other = column.besideConstant {
        throw KConnectError(
          .valueInvalid, "ingestion mapping '\(name)': column '\(column.column)' has both \(other) and ConstValue '\(constant.prefix(80))'", hint: "leave one of them")
      }
      guard let type = schema?.field(column.column)?.type ?? column.type, Self.value(constant, as: type) == nil else { continue }
      throw KConnectError(
        .valueInvalid, "ingestion mapping '\(name)': column '\(column.column)': the constant '\(constant.prefix(80))' is no \(type)",
        hint: "write it as a file would hold it")
    }
  }

  /// The value of a constant; nil where the type has none for it.
  static func value(_ constant: String, as type: DataType) -> Scalar? {
    switch type {
    case .string: .string(constant)
    case .dynamic: .dynamic(DynamicValue(json: constant) ?? .string(constant))
    default: ScalarText.parse(constant, as: type)
    }
  }

  /// Members of a bag, whatever the case of their names.
  private struct Members {
    private let byName: [String: DynamicValue]
    init(_ value: DynamicValue) {
      var byName: [String: DynamicValue] = [:]
      for entry in value.entries ?? [] { byName[entry.key.lowercased()] = entry.value }
      self.byName = byName
    }
    subscript(_ name: String) -> DynamicValue? { byName[name] }
  }

  // MARK: Stored mappings

  static func all(in scope: EntryScope, _ metadata: MetadataStore) throws -> [IngestionMapping] {
    try metadata.entries(.mapping, in: scope).compactMap { entry in
      let parts = entry.name.split(separator: "|", maxSplits: 1)
      guard parts.count == 2 else { return nil }
      var mapping = try IngestionMapping(name: String(parts[1]), kind: String(parts[0]), text: entry.document.json)
      mapping.updated = entry.updated
      return mapping
    }
  }

  /// The table's mapping of that name, else the database's; throws with the nearest name.
  static func find(_ name: String, kind: String, for table: StoreTable, _ metadata: MetadataStore) throws -> IngestionMapping {
    let known = try all(in: .table(table.id), metadata) + all(in: .database(table.database.name), metadata)
    if let found = known.first(where: { $0.name == name && $0.kind == kind }) { return found }
    let names = known.filter { $0.kind == kind }.map(\.name)
    throw KConnectError(
      .pathNotFound, "the table '\(table.name)' has no \(kind) ingestion mapping '\(name)'",
      hint: nearestNames(to: name, among: names, limit: 1).first.map { "did you mean '\($0)'?" } ?? (names.isEmpty ? "make one with .create table \(quotedName(table.name)) ingestion \(kind) mapping" : "mappings: \(names.joined(separator: ", "))"))
  }

  static func key(_ kind: String, _ name: String) -> String { kind + "|" + name }
}

extension DataType {
  /// A type by any of the names mappings and policies use: `long`, `Int64`, `System.String`, `double`.
  init?(kustoName text: String) {
    let word = text.lowercased().split(separator: ".").last.map(String.init) ?? ""
    switch word {
    case "bool", "boolean", "sbyte": self = .bool
    case "int", "int32": self = .int
    case "long", "int64": self = .long
    case "real", "double", "float": self = .real
    case "decimal", "sqldecimal": self = .decimal
    case "string": self = .string
    case "datetime", "date": self = .datetime
    case "timespan", "time": self = .timespan
    case "guid", "uuid", "uniqueid": self = .guid
    case "dynamic", "object": self = .dynamic
    default: return nil
    }
  }
}
