// Role: the program: parses the command line, runs one command, turns errors into messages on stderr and exit codes.

import ArgumentParser
import CLinux
import DataSource
import KConnect

/// The root command. `kconnect COMMAND --help` explains each command.
struct KConnectCommand: ParsableCommand {
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
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
    let arguments = Array(CommandLine.arguments.dropFirst())
    do {
      var command = try KConnectCommand.parseAsRoot(arguments)
      try command.run()
      Exit.leave(0)
    } catch {
      Exit.leave(ErrorReport.report(error, arguments: arguments))
    }
  }
}
