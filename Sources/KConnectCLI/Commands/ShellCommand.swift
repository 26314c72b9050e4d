// Role: `kconnect shell`: the interactive prompt.

import ArgumentParser
import KConnect
import KustoStore

struct ShellCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "shell", abstract: "An interactive KQL prompt with history, completion and charts.",
    discussion: """
      A query ends with ';' or an empty line. Tab completes tables, columns, functions and operators; Ctrl-C cancels a running query; Ctrl-D or \\q \
      ends. \\? lists the shell's commands. Without a terminal the texts of standard input are run one after another.

      EXAMPLES
        kconnect shell --table S=storms.csv
        kconnect shell --database telemetry
        kconnect shell < queries.kql
      """)

  @OptionGroup(title: "Tables") var tables: TableFlags
  @OptionGroup(title: "Output") var output: OutputFlags
  @OptionGroup(title: "Common") var common: CommonFlags

  func run() throws {
    let context = try common.resolve()
    var shell = Shell(try tables.scope(context, readsQueryFromInput: false), try output.settings(context, options: tables.outputOptions()), context)
    let status = shell.run()
    OpenStores.drain()
    if status != ExitStatus.done { Exit.leave(status) }
  }
}
