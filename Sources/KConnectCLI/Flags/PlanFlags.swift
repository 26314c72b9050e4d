// Role: the flags that say which rows and columns are wanted; they become one plan over the source.

import ArgumentParser
import DataSource
import KConnect

struct PlanFlags: ParsableArguments {
  @Option(help: ArgumentHelp("Columns of the source to take, separated by commas.", valueName: "a,b"))
  var columns: String?

  @Option(help: ArgumentHelp("Rows to take: a KQL predicate over the source's columns.", valueName: "predicate"))
  var filter: String?

  @Option(help: ArgumentHelp("KQL operators applied to the rows: 'where … | summarize …'. The source is also in scope as the table 'source'.", valueName: "pipeline"))
  var query: String?

  @Option(parsing: .unconditional, help: ArgumentHelp("Rows of the result at most.", valueName: "n"))
  var limit: String?

  var selection: RowSelection { RowSelection(columns: columns, filter: filter, query: query, limit: limit) }

  /// The frame with filter, columns, query and limit applied, in this order.
  func apply(to frame: DataFrame) throws -> DataFrame { try selection.apply(to: frame) }
}

/// `a, b, ['my, column']`: names separated by commas; KQL's brackets or quotes keep a comma.
enum ColumnList {
  static func parse(_ text: String) throws -> [String] {
    var names: [String] = []
    var current = ""
    var quote: Character?
    var wasQuoted = false
    for character in text {
      if let open = quote {
        if character == open { quote = nil } else { current.append(character) }
      } else if character == "'" || character == "\"" || character == "`" {
        quote = character
        wasQuoted = true
      } else if character == "," {
        names.append(finished(current, wasQuoted))
        current = ""
        wasQuoted = false
      } else {
        current.append(character)
      }
    }
    guard quote == nil else { throw KConnectError(.usage, "--columns: a quoted name does not end", hint: "write --columns \"a,['my column']\"") }
    names.append(finished(current, wasQuoted))
    guard !names.contains("") else { throw KConnectError(.usage, "--columns '\(text)': found an empty name", hint: "separate names by single commas") }
    return names
  }

  private static func finished(_ text: String, _ wasQuoted: Bool) -> String {
    var name = Substring(text)
    while name.first == " " { name.removeFirst() }
    while name.last == " " { name.removeLast() }
    if wasQuoted, name.first == "[", name.last == "]" { name = name.dropFirst().dropLast() }
    return String(name)
  }
}

/// The flags that say how a source is read.
struct SourceFlags: ParsableArguments {
  @Option(help: ArgumentHelp("The source's columns and types instead of discovering them: 'a:long, b:string'.", valueName: "schema"))
  var schema: String?

  @Option(name: .shortAndLong, help: ArgumentHelp("An option of the source or sink, 'to.key=value' for the sink or output alone; repeatable. List: kconnect options SOURCE.", valueName: "key=value"))
  var option: [String] = []

  /// Opens a locator, or one of the configuration file's sources, with these options.
  func open(_ text: String, _ context: Context) throws -> DataFrame {
    try Secrets.refuseSignatures(text)
    let argument = try SourceArgument(text, context.configuration)
    let locator = try Locator(argument.locator, registry: context.session.registry)
    return try locator.open(schema: schema ?? argument.schema, options: argument.options + OptionArgument.split(option).source, context)
  }

  /// The `--option` values.
  func parsedOptions() throws -> [(String, String)] {
    try option.map { text in
      let argument = try OptionArgument(text)
      return (argument.key, argument.value)
    }
  }
}
