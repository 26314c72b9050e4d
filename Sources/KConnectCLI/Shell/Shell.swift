// Role: the interactive prompt: reads a text, runs it, prints what it answers. Without a terminal it runs the texts of standard input.

import Columnar
import DataSource
import Engine
import KConnect
import KQL

/// One shell.
struct Shell {
  private let context: Context
  private(set) var scope: QueryScope
  private var output: ResultOutput
  private var history = History()
  /// Whether each result is followed by the number of its rows and the time it took.
  private var showsTiming = true
  private var hasFailed = false
  private var isDone = false

  init(_ scope: QueryScope, _ output: ResultOutput, _ context: Context) {
    self.scope = scope
    self.output = output
    self.context = context
  }

  /// Runs to the end; the exit code. With a terminal errors are only shown, otherwise the code says whether one happened.
  mutating func run() -> Int32 {
    Interrupt.keepGoing()
    guard StandardStreams.isInputTerminal, StandardStreams.isOutputTerminal else { return runInput() }
    if !context.isQuiet { RawTerminal.write("KConnect \(KConnectCommand.version). A query ends with ';' or an empty line. \\? shows help, \\q ends.\n") }
    let keys = KeyReader { RawTerminal.byte(waits: $0) }
    while !isDone {
      let prompt = "\(scope.name)> "
      let scope = scope
      var editor = LineEditor(
        prompt: prompt, continuation: String(repeating: " ", count: max(0, TextWidth.cells(prompt) - 4)) + "... ", isColourful: StandardStreams.isOutputColourful,
        isComplete: Self.isComplete, complete: { ShellCompletion.complete($0, scope) })
      // From the end of the line on a signal is meant for what the line asks for.
      Interrupt.clear()
      let outcome = RawTerminal.editing { editor.read(history, keys: keys) }
      switch outcome {
      case .ended: isDone = true
      case .cancelled: break
      case .text(let text):
        let entry = Self.trimmed(text)
        history.add(entry)
        execute(entry)
      }
    }
    return ExitStatus.done
  }

  /// The texts of standard input, one after another.
  private mutating func runInput() -> Int32 {
    run(text: StandardStreams.readInput())
    return hasFailed ? ExitStatus.failure : ExitStatus.done
  }

  /// Runs the texts of a file or of standard input, whose lines may end as Windows ends them.
  private mutating func run(text: String) {
    var pending = "", isBlank = true
    for line in text.split(omittingEmptySubsequences: false, whereSeparator: { $0 == "\n" || $0 == "\r\n" }) {
      if isDone { return }
      pending += pending.isEmpty ? String(line) : "\n" + line
      // The whole text is looked at only where it may begin or end: long ones come line by line.
      var mayEnd = isBlank || line.utf8.contains(UInt8(ascii: ";"))
      if isBlank {
        isBlank = TextState.isBlank(pending)
        if isBlank { if line.allSatisfy(\.isWhitespace) { pending = "" } else { continue } }
      } else if !mayEnd {
        mayEnd = line.allSatisfy(\.isWhitespace)
      }
      if mayEnd, Self.isComplete(pending) {
        execute(Self.trimmed(pending))
        pending = ""
        isBlank = true
      }
    }
    if !TextState.isBlank(pending) { execute(Self.trimmed(pending)) }
  }

  // MARK: Texts

  /// A text is complete after `;`, after an empty line, and at once when it is a command of the shell.
  static func isComplete(_ text: String) -> Bool {
    if let first = trimmed(text).first, first == "\\" || first == "#" { return true }
    if TextState.isBlank(text) { return !text.contains("//") }
    if TextState.endsStatement(text) { return true }
    guard let last = text.lastIndex(of: "\n"), text[text.index(after: last)...].allSatisfy(\.isWhitespace) else { return false }
    return !TextState.isInsideFence(text)
  }

  private static func trimmed(_ text: String) -> String {
    var text = text[...]
    while let first = text.first, first.isWhitespace { text.removeFirst() }
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return String(text)
  }

  private mutating func execute(_ text: String) {
    guard !TextState.isBlank(text) else { return }
    do {
      if let command = try ShellCommandLine(text) { return try run(command) }
      let start = WallClock.monotonicNanoseconds
      var rows = 0
      for result in try scope.results(text, context) { rows += try output.show(result, context) }
      if showsTiming, !context.isQuiet { StandardStreams.error("\(rows) row\(rows == 1 ? "" : "s"), \(Measures.time(Double(WallClock.monotonicNanoseconds - start) / 1e9))\n") }
    } catch {
      hasFailed = true
      let known = (error as? KConnectError) ?? KConnectError(converting: error)
      StandardStreams.error(known.code == .cancelled ? "cancelled\n" : ErrorReport.rendered(known) + "\n")
      if known.code == .cancelled { Interrupt.clear() }
    }
  }

  // MARK: Commands of the shell

  private mutating func run(_ command: ShellCommandLine) throws {
    switch command.name {
    case .quit: isDone = true
    case .help: try ByteOutput.print(ShellCommandLine.help)
    case .describe:
      if command.argument.isEmpty { try listTables() } else { try describe(command.argument) }
    case .databases: try list(scope.databaseNames, "database")
    case .connect:
      try scope.connect(command.argument)
      if !context.isQuiet { StandardStreams.error("database \(scope.name)\n") }
    case .functions: try ByteOutput.print(FunctionHelp.text(matching: command.argument))
    case .operators: try showOperators(command.argument)
    case .timing:
      showsTiming = try Self.flag(command, showsTiming)
      StandardStreams.error("timing is \(showsTiming ? "on" : "off")\n")
    case .format:
      if !command.argument.isEmpty { output.format = try ResultFormat(word: command.argument) }
      StandardStreams.error("format is \(output.format.rawValue)\n")
    case .output:
      output.path = command.argument.isEmpty ? "-" : command.argument
      if let format = ResultFormat(path: output.path) { output.format = format } else if output.path == "-" { output.format = .table }
      StandardStreams.error(output.path == "-" ? "results go to the terminal\n" : "the next result goes to \(output.path) as \(output.format.rawValue)\n")
    case .include: run(text: try Environment.readFile(command.argument))
    case .chart: try ChartOutput.write(try scope.results(history.entries.last { !$0.hasPrefix("\\") && !$0.hasPrefix("#") } ?? "", context), to: command.argument, context)
    case .history: try ByteOutput.print(history.entries.suffix(50).joined(separator: "\n") + "\n")
    }
  }

  private static func flag(_ command: ShellCommandLine, _ now: Bool) throws -> Bool {
    switch command.argument.lowercased() {
    case "": return !now
    case "on": return true
    case "off": return false
    default: throw KConnectError(.usage, "\\timing: found '\(command.argument)', expected on or off")
    }
  }

  private func listTables() throws {
    let names = scope.tableNames
    if names.isEmpty, let unchosen = scope.unchosen { throw unchosen }
    if names.isEmpty { return try ByteOutput.print("no tables\n") }
    try list(names, "table")
  }

  private func list(_ names: [String], _ title: String) throws {
    try printRows(StructType([StructField(title, .string)]), names.map { [$0] })
  }

  private func describe(_ name: String) throws {
    let schema = try scope.schema(ofTable: name)
    try printRows(StructType([StructField("column", .string), StructField("type", .string)]), schema.fields.map { [$0.name, "\($0.type)"] })
  }

  private func showOperators(_ name: String) throws {
    let wanted = name.lowercased()
    let found = OperatorHelp.all.filter { wanted.isEmpty || $0.name.hasPrefix(wanted) }
    guard !found.isEmpty else {
      if FunctionHelp.names.contains(wanted) { throw KConnectError(.usage, "\\h: '\(name)' is a function, no operator", hint: "\\f \(wanted) shows it") }
      let near = nearestNames(to: name, among: OperatorHelp.all.map(\.name), limit: 1).first
      throw KConnectError(.usage, "\\h: there is no operator '\(name)'", hint: near.map { "did you mean '\($0)'?" } ?? "\\h lists all operators")
    }
    if found.count > 3 { return try printRows(StructType([StructField("operator", .string), StructField("meaning", .string)]), found.map { [$0.name, $0.meaning] }) }
    try ByteOutput.print(found.map { "\($0.name): \($0.meaning)\n    \($0.syntax)\n" }.joined())
  }

  private func printRows(_ schema: StructType, _ rows: [[String]]) throws {
    try ByteOutput.print(TableText.render(schema: schema, rows: rows, maxWidth: StandardStreams.outputWidth, maxCell: nil))
  }
}
