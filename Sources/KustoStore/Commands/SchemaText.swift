// Role: schemas as Kusto writes them: JSON documents, `a:string,b:long` texts, and scripts that make the same entities again.

import Columnar
import DataSource

enum SchemaText {
  /// `{"Name":"T","Folder":"","DocString":"","OrderedColumns":[…]}`
  static func table(_ table: TableDescription) -> DynamicValue {
    .bag([
      DynamicEntry("Name", .string(table.name)), DynamicEntry("Folder", .string(table.folder ?? "")), DynamicEntry("DocString", .string(table.docstring ?? "")),
      DynamicEntry("OrderedColumns", columns(table.schema, table.columnDocstrings)),
    ])
  }

  static func columns(_ schema: StructType, _ docstrings: [String: String] = [:]) -> DynamicValue {
    .array(
      schema.fields.map { field in
        var entries = [
          DynamicEntry("Name", .string(field.name)), DynamicEntry("Type", .string(field.type.systemTypeName)), DynamicEntry("CslType", .string(field.type.rawValue)),
        ]
        if let text = docstrings[field.name], !text.isEmpty { entries.append(DynamicEntry("DocString", .string(text))) }
        return .bag(entries)
      })
  }

  /// `a:string,b:long`
  static func csl(_ schema: StructType) -> String { schema.fields.map { "\(quotedName($0.name)):\($0.type.rawValue)" }.joined(separator: ",") }

  /// The parameters of a stored function as the schema document has them.
  static func parameters(_ function: StoredFunction) -> DynamicValue {
    let inside = function.parameters.dropFirst().dropLast()
    guard !inside.contains("("), let schema = try? StructType(ddl: Self.withoutDefaults(String(inside))) else { return .array([]) }
    return columns(schema)
  }

  private static func withoutDefaults(_ text: String) -> String {
    text.split(separator: ",").map { part in part.split(separator: "=", maxSplits: 1)[0].trimmingSpaces() }.joined(separator: ", ")
  }

  static func function(_ function: StoredFunction) -> DynamicValue {
    .bag([
      DynamicEntry("Name", .string(function.name)), DynamicEntry("InputParameters", parameters(function)), DynamicEntry("Body", .string(function.body)),
      DynamicEntry("Folder", .string(function.folder)), DynamicEntry("DocString", .string(function.docstring)), DynamicEntry("FunctionKind", .string("Unknown")),
      DynamicEntry("OutputColumns", .array([])),
    ])
  }

  /// A string literal.
  static func quoted(_ text: String) -> String {
    var out = "\""
    for character in text {
      switch character {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      default: out.append(character)
      }
    }
    return out + "\""
  }

  /// `.create-merge table …`
  static func script(_ table: TableDescription) -> String {
    let columns = table.schema.fields.map { "\(quotedName($0.name)):\($0.type.rawValue)" }.joined(separator: ", ")
    return ".create-merge table \(quotedName(table.name)) (\(columns))" + withClause(folder: table.folder, docstring: table.docstring)
  }

  /// `.create-or-alter function …`
  static func script(_ function: StoredFunction) -> String {
    ".create-or-alter function" + withClause(folder: function.folder, docstring: function.docstring) + " \(quotedName(function.name))\(function.parameters) \(function.body)"
  }

  static func withClause(folder: String?, docstring: String?) -> String {
    var parts: [String] = []
    if let folder, !folder.isEmpty { parts.append("folder = \(quoted(folder))") }
    if let docstring, !docstring.isEmpty { parts.append("docstring = \(quoted(docstring))") }
    return parts.isEmpty ? "" : " with (\(parts.joined(separator: ", ")))"
  }
}

extension StringProtocol {
  /// Without spaces at both ends.
  func trimmingSpaces() -> String {
    var text = Substring(self)
    while let first = text.first, first.isWhitespace { text = text.dropFirst() }
    while let last = text.last, last.isWhitespace { text = text.dropLast() }
    return String(text)
  }
}
