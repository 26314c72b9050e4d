// Role: `kconnect completions`: the completion script of a shell.

import ArgumentParser
import Columnar
import DataSource
import KConnect

struct CompletionsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "completions", abstract: "Prints the completion script of a shell.",
    discussion: """
      EXAMPLES
        source <(kconnect completions bash)
        kconnect completions zsh > "${fpath[1]}/_kconnect"
        kconnect completions fish > ~/.config/fish/completions/kconnect.fish
      """)

  @Argument(help: "bash, zsh or fish.", completion: .list(["bash", "zsh", "fish"]))
  var shell: String

  func run() throws {
    guard let shell = CompletionShell(rawValue: shell.lowercased()) else {
      let names = ["bash", "zsh", "fish"]
      throw KConnectError(
        .usage, "unknown shell '\(self.shell)'",
        hint: (nearestNames(to: self.shell, among: names, limit: 1).first.map { "did you mean '\($0)'? " } ?? "") + "shells: \(names.joined(separator: ", "))")
    }
    let output = try ByteOutput(standardOutput: ())
    try output.write(CompletedCommand.completionScript(for: shell) + "\n")
    try output.finish()
  }
}

/// The commands as the scripts know them: those of the program, with the flags of 'stream run' behind 'stream' too, which runs it by default.
private struct CompletedCommand: ParsableCommand {
  static let configuration: CommandConfiguration = {
    var configuration = KConnectCommand.configuration
    configuration.subcommands = configuration.subcommands.map { command -> any ParsableCommand.Type in
      command == StreamCommand.self ? CompletedStreamCommand.self : command
    }
    return configuration
  }()
}

private struct CompletedStreamCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stream", abstract: StreamCommand.configuration.abstract, subcommands: StreamCommand.configuration.subcommands)

  @OptionGroup var flags: StreamRunCommand
}
