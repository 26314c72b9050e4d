// Role: Delta's data types and fields, as `schemaString` serialises them.

package import Columnar

/// A Delta data type.
package indirect enum DeltaType: Sendable, Hashable {
  /// The types that are only a name.
  package enum Primitive: String, Sendable, Hashable, CaseIterable {
    case string, long, integer, short, byte, float, double, boolean, binary, date, timestamp
    case timestampNtz = "timestamp_ntz"
    case void, variant
  }

  case primitive(Primitive)
  case decimal(precision: Int, scale: Int)
  case structure([DeltaField])
  case array(element: DeltaType, containsNull: Bool)
  case map(key: DeltaType, value: DeltaType, valueContainsNull: Bool)

  /// For messages: `long`, `decimal(10,2)`, `array`.
  package var name: String {
    switch self {
    case .primitive(let p): p.rawValue
    case .decimal(let precision, let scale): "decimal(\(precision),\(scale))"
    case .structure: "struct"
    case .array: "array"
    case .map: "map"
    }
  }

  /// The Kusto type that values are read as.
  package var dataType: DataType {
    switch self {
    case .primitive(.string), .primitive(.binary), .primitive(.void): .string
    case .primitive(.long): .long
    case .primitive(.integer), .primitive(.short), .primitive(.byte): .int
    case .primitive(.float), .primitive(.double): .real
    case .primitive(.boolean): .bool
    case .primitive(.date), .primitive(.timestamp), .primitive(.timestampNtz): .datetime
    case .primitive(.variant), .structure, .array, .map: .dynamic
    case .decimal: .decimal
    }
  }

  /// What the type says about values beyond the Kusto type.
  package var hint: StorageHint? {
    switch self {
    case .primitive(.date): .date
    case .decimal(let precision, let scale): .decimal(precision: precision, scale: scale)
    default: nil
    }
  }

  /// True when the type, or one it contains, satisfies `condition`.
  package func contains(_ condition: (DeltaType) -> Bool) -> Bool {
    if condition(self) { return true }
    switch self {
    case .structure(let fields): return fields.contains { $0.type.contains(condition) }
    case .array(let element, _): return element.contains(condition)
    case .map(let key, let value, _): return key.contains(condition) || value.contains(condition)
    default: return false
    }
  }
}

/// A column, or a member of a struct.
package struct DeltaField: Sendable, Hashable {
  package var name: String
  package var type: DeltaType
  package var nullable: Bool
  /// The field's metadata in order; `delta.…` keys belong to features, `kusto.…` keys are ours.
  package var metadata: [DynamicEntry]

  package init(_ name: String, _ type: DeltaType, nullable: Bool = true, metadata: [DynamicEntry] = []) {
    self.name = name
    self.type = type
    self.nullable = nullable
    self.metadata = metadata
  }

  /// The key of the metadata member that holds the Kusto type of a column whose Delta type does not tell it.
  package static let kustoTypeKey = "kusto.type"

  package func metadataValue(_ key: String) -> DynamicValue? { metadata.first { $0.key == key }?.value }

  /// The Kusto type: the recorded one where it fits the Delta type, else what the Delta type maps to.
  package var dataType: DataType {
    guard case .string(let name)? = metadataValue(Self.kustoTypeKey), let recorded = DataType(name: name) else { return type.dataType }
    switch (type, recorded) {
    case (.primitive(.string), .guid), (.primitive(.string), .dynamic), (.primitive(.long), .timespan): return recorded
    default: return type.dataType
    }
  }

  /// The name of the column in files, statistics and partition values.
  package var physicalName: String {
    if case .string(let name)? = metadataValue("delta.columnMapping.physicalName") { return name }
    return name
  }

  /// The column's id in files, for column mapping by id.
  package var fieldID: Int64? {
    if case .long(let id)? = metadataValue("delta.columnMapping.id") { return id }
    return nil
  }
}
