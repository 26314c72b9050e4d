import ArgumentParser

@main
struct KConnectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "kconnect")
}
