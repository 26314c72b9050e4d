// Role: `kconnect schema`: the columns of a source.

import ArgumentParser
import Columnar
import DataSource
import KConnect

struct SchemaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema", abstract: "Prints the columns of a table and their types.",
    discussion: """
      Form kusto prints 'name:type, …', ddl prints 'name type, …' (both are taken by --schema); tree and json are for people and programs.
      """)

  @Argument(help: "The table: parquet:PATH, csv:PATH, json:PATH or PATH.", completion: .file())
  var locator: String
  @Option(name: .shortAndLong, help: ArgumentHelp("kusto, ddl, tree or json.", valueName: "form"), completion: .list(["kusto", "ddl", "tree", "json"]))
  var format = "kusto"
  @OptionGroup(title: "Source") var source: SourceFlags
  @OptionGroup(title: "Common") var common: CommonFlags

  func run() throws {
    let forms = ["kusto", "ddl", "tree", "json"]
    guard forms.contains(format.lowercased()) else {
      let near = nearestNames(to: format, among: forms, limit: 1).first
      throw KConnectError(.usage, "--format: unknown form '\(format)'", hint: (near.map { "did you mean '\($0)'? " } ?? "") + "forms: \(forms.joined(separator: ", "))")
    }
    let context = try common.resolve()
    let frame = try source.open(locator, context)
    let output = try ByteOutput(standardOutput: ())
    try output.write(Self.text(frame, form: format.lowercased()))
    try output.finish()
  }

  private static func text(_ frame: DataFrame, form: String) -> String {
    switch form {
    case "ddl": return frame.schema.fields.map { "\(SQLName.quoted($0.name)) \($0.type)" }.joined(separator: ", ") + "\n"
    case "tree": return frame.schemaTree
    case "json":
      let columns = frame.schema.fields.map { "{\"name\":\(ValueText.quoted($0.name)),\"type\":\"\($0.type)\",\"nullable\":\($0.nullable)}" }
      return "{\"columns\":[\(columns.joined(separator: ","))]}\n"
    default: return "\(frame.schema)\n"
    }
  }
}

/// Column names as Spark's DDL writes them.
enum SQLName {
  /// Bare for a plain word, else in back-quotes.
  static func quoted(_ name: String) -> String {
    let isWord = !name.isEmpty && name.utf8.allSatisfy { ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A || $0 >= 0x30 && $0 <= 0x39 || $0 == 0x5F }
    if isWord { return name }
    var out = "`"
    for character in name {
      if character == "`" || character == "\\" { out += "\\" }
      out.append(character)
    }
    return out + "`"
  }
}
