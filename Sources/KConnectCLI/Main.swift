// Role: the program: parses the command line, runs one command, turns errors into messages on stderr and exit codes.

import ArgumentParser
import CLinux
import DataSource
import KConnect

/// The root command. `kconnect COMMAND --help` explains each command.
struct KConnectCommand: ParsableCommand {
  static let version = "0.1.0"

  static let configuration: CommandConfiguration = {
    var configuration = described
    // The parser asks a root for scripts of completions, by parsing two other commands before the one that was given, unless its name stands
    // behind another. Which it does not; but that shows in help only.
    if isPlain(CommandLine.arguments.dropFirst()) { configuration._superCommandName = "" }
    return configuration
  }()

  /// True for arguments that run a command: they ask for neither help nor scripts.
  private static func isPlain(_ arguments: ArraySlice<String>) -> Bool {
    guard let command = arguments.first, ["query", "read", "write", "stream", "run", "explain"].contains(command) else { return false }
    return !arguments.contains { ["help", "-h", "-help", "--help"].contains($0) || $0.hasPrefix("--generate-") || $0.hasPrefix("--experimental-") }
  }

  private static let described = CommandConfiguration(
    commandName: "kconnect",
    abstract: "Moves tables between Parquet, CSV and JSON files and asks them questions in KQL.",
    discussion: """
      A LOCATOR names a table: parquet:PATH, csv:PATH, json:PATH, or just PATH where the extension tells the format. PATH is a file, a \
      directory, a glob in quotes, a URL, or '-' for standard input.

      Exit codes: 0 done, 1 data or run-time failure, 2 usage, 75 locked or transient, 78 configuration, 130 interrupted.
      """,
    version: version,
    subcommands: [
      ReadCommand.self, WriteCommand.self, QueryCommand.self, ExplainCommand.self, InspectCommand.self, SchemaCommand.self,
      OptionsCommand.self, FunctionsCommand.self, CompletionsCommand.self, StreamCommand.self, RunCommand.self, ServeCommand.self, ShellCommand.self, StoreCommand.self,
    ])
}

@main
enum Program {
  static func main() {
    Interrupt.install()
    kclinux_return_large_buffers()
    OpenFiles.raiseLimit()
    let arguments = Array(CommandLine.arguments.dropFirst())
    do {
      try ErrorReport.checkHelp(arguments)
      var command = try KConnectCommand.parseAsRoot(arguments)
      try command.run()
      Exit.leave(0)
    } catch {
      Exit.leave(ErrorReport.report(error, arguments: arguments))
    }
  }
}
