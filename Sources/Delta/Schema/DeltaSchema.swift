// Role: `schemaString` ⇄ fields ⇄ `StructType`.

package import Columnar
import DataSource

/// The columns of a table.
package struct DeltaSchema: Sendable, Hashable {
  package var fields: [DeltaField]

  package init(_ fields: [DeltaField]) { self.fields = fields }

  /// Depth of nested types beyond which a schema is refused.
  private static let maxDepth = 100

  /// Parses `schemaString`; `place` is for messages.
  package init(json text: String, place: String) throws {
    let value = try JSONTree.parse(Array(text.utf8), place: "\(place), schemaString")
    guard case .structure(let fields) = try Self.type(value, depth: 0, place) else {
      throw DeltaError.corrupt(place, "schemaString is not a struct")
    }
    var names: Set<String> = []
    for field in fields where !names.insert(field.name.lowercased()).inserted {
      throw DeltaError.corrupt(place, "schemaString has column '\(field.name)' twice (names differ by case at most)")
    }
    self.fields = fields
  }

  private static func type(_ value: DynamicValue, depth: Int, _ place: String) throws -> DeltaType {
    guard depth < maxDepth else { throw DeltaError.corrupt(place, "schemaString is nested deeper than \(maxDepth)") }
    if case .string(let name) = value {
      if let primitive = DeltaType.Primitive(rawValue: name) { return .primitive(primitive) }
      if name == "decimal" { return .decimal(precision: 10, scale: 0) }
      if name.hasPrefix("decimal("), name.hasSuffix(")") {
        let parts = name.dropFirst(8).dropLast().split(separator: ",").map { Int($0.drop { $0 == " " }) }
        if parts.count == 2, let precision = parts[0], let scale = parts[1], (1...38).contains(precision), (0...precision).contains(scale) {
          return .decimal(precision: precision, scale: scale)
        }
      }
      throw DeltaError.notSupported("the Delta type '\(name.prefix(60))' (\(place))")
    }
    guard case .string(let kind)? = value["type"] else { throw DeltaError.corrupt(place, "schemaString has a type without a name: \(value.json.prefix(80))") }
    func flag(_ name: String) -> Bool { value[name] != .bool(false) }
    func inner(_ name: String) throws -> DeltaType {
      guard let inner = value[name] else { throw DeltaError.corrupt(place, "schemaString: '\(kind)' lacks '\(name)'") }
      return try type(inner, depth: depth + 1, place)
    }
    switch kind {
    case "struct":
      guard case .array(let items)? = value["fields"] else { throw DeltaError.corrupt(place, "schemaString: a struct without fields") }
      var fields: [DeltaField] = []
      for item in items {
        guard case .string(let name)? = item["name"], let fieldType = item["type"] else {
          throw DeltaError.corrupt(place, "schemaString: a field without name or type: \(item.json.prefix(80))")
        }
        var metadata: [DynamicEntry] = []
        if case .bag(let entries)? = item["metadata"] { metadata = entries }
        fields.append(DeltaField(name, try type(fieldType, depth: depth + 1, place), nullable: item["nullable"] != .bool(false), metadata: metadata))
      }
      return .structure(fields)
    case "array": return .array(element: try inner("elementType"), containsNull: flag("containsNull"))
    case "map": return .map(key: try inner("keyType"), value: try inner("valueType"), valueContainsNull: flag("valueContainsNull"))
    default: throw DeltaError.notSupported("the Delta type '\(kind.prefix(60))' (\(place))")
    }
  }

  /// The text of `schemaString`.
  package var json: String { Self.value(.structure(fields)).json }

  private static func value(_ type: DeltaType) -> DynamicValue {
    switch type {
    case .primitive, .decimal: return .string(type.name)
    case .structure(let fields):
      return .bag([
        DynamicEntry("type", .string("struct")),
        DynamicEntry(
          "fields",
          .array(
            fields.map { field in
              .bag([
                DynamicEntry("name", .string(field.name)), DynamicEntry("type", value(field.type)), DynamicEntry("nullable", .bool(field.nullable)),
                DynamicEntry("metadata", .bag(field.metadata)),
              ])
            })),
      ])
    case .array(let element, let containsNull):
      return .bag([DynamicEntry("type", .string("array")), DynamicEntry("elementType", value(element)), DynamicEntry("containsNull", .bool(containsNull))])
    case .map(let key, let mapped, let containsNull):
      return .bag([
        DynamicEntry("type", .string("map")), DynamicEntry("keyType", value(key)), DynamicEntry("valueType", value(mapped)),
        DynamicEntry("valueContainsNull", .bool(containsNull)),
      ])
    }
  }

  /// The schema as tables show it.
  package var structType: StructType {
    StructType(fields.map { StructField($0.name, $0.dataType, nullable: $0.nullable, hint: $0.dataType == $0.type.dataType ? $0.type.hint : nil) })
  }

  /// The field of that name, compared exactly.
  package func field(_ name: String) -> DeltaField? { fields.first { $0.name == name } }

  /// The Delta columns of a Kusto schema: string, guid, dynamic → string; timespan → long (ticks); datetime → timestamp, or date where the
  /// hint says so; decimal → decimal(p,s) of the hint, else (38,18). What the Delta type does not tell stands in the field's metadata.
  package init(_ schema: StructType) throws {
    var names: Set<String> = []
    for field in schema.fields where !names.insert(field.name.lowercased()).inserted {
      throw KConnectError(
        .schemaMismatch, "column '\(field.name)' occurs twice when case is ignored, which Delta forbids", hint: "rename one of the columns")
    }
    fields = schema.fields.map { field in
      let type: DeltaType
      var metadata: [DynamicEntry] = []
      switch field.type {
      case .bool: type = .primitive(.boolean)
      case .int: type = .primitive(.integer)
      case .long: type = .primitive(.long)
      case .real: type = .primitive(.double)
      case .string: type = .primitive(.string)
      case .datetime: type = .primitive(field.hint == .date ? .date : .timestamp)
      case .decimal:
        if case .decimal(let p, let s)? = field.hint, (1...38).contains(p), (0...p).contains(s) { type = .decimal(precision: p, scale: s) }
        else { type = .decimal(precision: 38, scale: 18) }
      case .timespan, .guid, .dynamic:
        type = .primitive(field.type == .timespan ? .long : .string)
        metadata = [DynamicEntry(DeltaField.kustoTypeKey, .string(field.type.rawValue))]
      }
      return DeltaField(field.name, type, nullable: field.nullable, metadata: metadata)
    }
  }
}
