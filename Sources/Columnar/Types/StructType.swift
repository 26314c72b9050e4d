// Role: schemas. A `StructType` is the ordered list of named, typed fields of a table, batch or plan node.

/// What is known of a column's values beyond its Kusto type, for writers: true of every value, from the source to the sink.
/// Projections that only pass a column on keep it.
public enum StorageHint: Sendable, Hashable {
  /// Every decimal has at most `scale` digits behind the point and `precision` digits in all.
  case decimal(precision: Int, scale: Int)
  /// Every datetime lies at midnight UTC: a date.
  case date
}

/// A column's name and type.
public struct StructField: Sendable, Hashable, CustomStringConvertible {
  public var name: String
  public var type: DataType
  /// False where the source promises that no value is null.
  public var nullable: Bool
  public var hint: StorageHint?

  public init(_ name: String, _ type: DataType, nullable: Bool = true, hint: StorageHint? = nil) {
    self.name = name
    self.type = type
    self.nullable = nullable
    self.hint = hint
  }

  public var description: String { "\(quotedName(name)):\(type)" }
}

/// An ordered list of fields. Names are compared exactly (Kusto is case-sensitive).
public struct StructType: Sendable, Hashable, CustomStringConvertible {
  public var fields: [StructField]

  public init(_ fields: [StructField] = []) { self.fields = fields }

  public var count: Int { fields.count }
  public var names: [String] { fields.map(\.name) }

  public subscript(_ i: Int) -> StructField { fields[i] }

  /// The position of the first field of that name, or nil.
  public func index(of name: String) -> Int? { fields.firstIndex { $0.name == name } }

  /// The field of that name, or nil.
  public func field(_ name: String) -> StructField? { fields.first { $0.name == name } }

  /// The fields of those names, in that order; nil when one is missing.
  public func selecting(_ names: [String]) -> StructType? {
    var out: [StructField] = []
    for name in names {
      guard let field = field(name) else { return nil }
      out.append(field)
    }
    return StructType(out)
  }

  /// Kusto's form: `name:type, name:type`.
  public var description: String { fields.map(\.description).joined(separator: ", ") }

  /// Parses `name:type, ['my name']:type` (Kusto's schema text) or `name type, …` (Spark's DDL); throws `SchemaParseError`.
  public init(ddl text: String) throws {
    var parser = SchemaTextParser(text)
    fields = try parser.parse()
  }
}

/// The name as KQL writes it: bare when it is an identifier, else `['…']`.
package func quotedName(_ name: String) -> String {
  let bytes = Array(name.utf8)
  let isWord = !bytes.isEmpty && bytes.allSatisfy { ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A || $0 >= 0x30 && $0 <= 0x39 || $0 == 0x5F }
    && !(bytes[0] >= 0x30 && bytes[0] <= 0x39)
  if isWord { return name }
  var out = "['"
  for character in name {
    if character == "'" || character == "\\" { out.append("\\") }
    out.append(character)
  }
  return out + "']"
}
