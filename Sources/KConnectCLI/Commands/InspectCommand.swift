// Role: `kconnect inspect`: the layout of a Parquet file.

import ArgumentParser
import DataSource
import KConnect

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Shows how a Parquet file is laid out: row groups, columns, encodings, sizes, statistics, indexes.")

  @Argument(help: "A Parquet file.")
  var file: String
  @Option(name: .shortAndLong, help: ArgumentHelp("text or json.", valueName: "form"))
  var format = "text"

  func run() throws {
    guard ["text", "json"].contains(format.lowercased()) else {
      throw KConnectError(.usage, "--format: unknown form '\(format)'", hint: "forms: text, json")
    }
    throw KConnectError(.notSupported, "not supported yet: kconnect inspect")
  }
}
