// Role: the commands of the design that are not done: each is known, takes any arguments, and says so.

import ArgumentParser
import DataSource

private func notYet(_ command: String, _ what: String, _ hint: String) -> KConnectError {
  KConnectError(.notSupported, "kconnect \(command): not supported yet: \(what)", hint: hint)
}

struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "serve", abstract: "Answers Kusto clients over HTTP (not supported yet).")
  @Argument(parsing: .captureForPassthrough) var arguments: [String] = []
  func run() throws { throw notYet("serve", "the Kusto-compatible server", "kconnect query runs KQL here") }
}
