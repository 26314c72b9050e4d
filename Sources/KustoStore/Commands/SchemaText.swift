// Role: schemas as Kusto writes them: JSON documents, `a:string,b:long` texts, and scripts that make the same entities again.

import Columnar
import DataSource
import KQL

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

  /// The parameters of a stored function as the schema document has them: scalar ones with their type, tables with their columns.
  static func parameters(_ function: StoredFunction) -> DynamicValue {
    let text = "let f = \(function.parameters) { print 1 }; print 1"
    guard case .letFunction(_, let declaration)? = KQLParser.parse(text).query.statements.first?.kind else { return .array([]) }
    let bytes = Array(text.utf8)
    return .array(
      declaration.parameters.map { parameter -> DynamicValue in
        let name = DynamicEntry("Name", .string(parameter.name.text))
        switch parameter.type {
        case .tabular(let schema):
          return .bag([name, DynamicEntry("Columns", columns(StructType(schema.columns.map { StructField($0.name.text, dataType($0.type)) })))])
        case .scalar(let reference):
          let found = dataType(reference)
          var entries = [name, DynamicEntry("Type", .string(found.systemTypeName)), DynamicEntry("CslType", .string(found.rawValue))]
          if let span = parameter.defaultValue?.span {
            entries.append(DynamicEntry("CslDefaultValue", .string(String(decoding: bytes[Int(span.start)..<Int(span.end)], as: UTF8.self))))
          }
          return .bag(entries)
        }
      })
  }

  private static func dataType(_ reference: TypeReference) -> DataType { DataType(rawValue: reference.type.rawValue) ?? .dynamic }

  /// `output`: the columns that it gives, as far as they are known.
  static func function(_ function: StoredFunction, output: StructType = StructType()) -> DynamicValue {
    .bag([
      DynamicEntry("Name", .string(function.name)), DynamicEntry("InputParameters", parameters(function)), DynamicEntry("Body", .string(function.body)),
      DynamicEntry("Folder", .string(function.folder)), DynamicEntry("DocString", .string(function.docstring)), DynamicEntry("FunctionKind", .string("Unknown")),
      DynamicEntry("OutputColumns", columns(output)),
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

  /// `.create-or-alter function …`; with `isValidated` false the command asks for nothing that the body reads.
  static func script(_ function: StoredFunction, isValidated: Bool = true) -> String {
    let more = (function.isView ? ["view = true"] : []) + (isValidated ? [] : ["skipvalidation = true"])
    return ".create-or-alter function" + withClause(folder: function.folder, docstring: function.docstring, more) + " \(quotedName(function.name))\(function.parameters) \(function.body)"
  }

  /// ` with (folder = "…", …)`, or nothing.
  static func withClause(folder: String?, docstring: String?, _ more: [String] = []) -> String {
    var parts: [String] = []
    if let folder, !folder.isEmpty { parts.append("folder = \(quoted(folder))") }
    if let docstring, !docstring.isEmpty { parts.append("docstring = \(quoted(docstring))") }
    parts += more
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
