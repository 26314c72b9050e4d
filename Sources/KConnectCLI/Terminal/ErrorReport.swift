// Role: errors as people read them: `error[CODE]: message`, the excerpt with its caret, `hint: …`; and the exit code.

import ArgumentParser
import Columnar
import DataSource
import KConnect

enum ErrorReport {
  /// Prints the error (help and version go to stdout) and gives the exit code.
  static func report(_ error: any Error, arguments: [String]) -> Int32 {
    if let error = error as? KConnectError { return report(error) }
    if error is OutputClosed { return ExitStatus.done }
    if let exit = error as? ExitCode, exit != .success { return exit.rawValue }
    if KConnectCommand.exitCode(for: error) == .success {
      let text = KConnectCommand.fullMessage(for: error)
      do {
        let out = try ByteOutput(standardOutput: ())
        try out.write(text + "\n")
        try out.finish()
      } catch let failure {
        return report(failure, arguments: arguments)
      }
      return ExitStatus.done
    }
    if isFromParser(error) { return report(usage(error, arguments)) }
    return report(KConnectError(converting: error))
  }

  private static func report(_ error: KConnectError) -> Int32 {
    if Interrupt.isRequested { return Interrupt.finish() }
    if error.code == .io, StandardStreams.isOutputClosed { return ExitStatus.done }
    StandardStreams.error(rendered(error) + "\n")
    return ExitStatus.of(error)
  }

  /// `error[CODE]: message`, excerpt, hint.
  static func rendered(_ error: KConnectError) -> String {
    let (bold, red, reset) = StandardStreams.isErrorColourful ? ("\u{1B}[1m", "\u{1B}[31m", "\u{1B}[0m") : ("", "", "")
    var out = "\(bold)\(red)error[\(error.code)]\(reset)\(bold): \(error.message)\(reset)"
    if let excerpt = error.excerpt, !excerpt.isEmpty { out += "\n" + excerpt }
    if let hint = error.hint { out += "\n\(bold)hint\(reset): \(hint)" }
    return out
  }

  /// What was left out, or could not be done.
  static func warning(_ text: String) { StandardStreams.error("warning: \(text)\n") }

  /// What the user may want to know.
  static func note(_ text: String) { StandardStreams.error("note: \(text)\n") }

  private static func isFromParser(_ error: any Error) -> Bool {
    let name = String(reflecting: type(of: error))
    return name.hasPrefix("ArgumentParser.")
  }

  /// The parser's complaint in our form, with the command whose help explains the flags.
  private static func usage(_ error: any Error, _ arguments: [String]) -> KConnectError {
    let message = KConnectCommand.message(for: error)
    let names = KConnectCommand.configuration.subcommands.map { $0._commandName }
    let given = arguments.first { !$0.hasPrefix("-") }
    let command = given.flatMap { names.contains($0) ? $0 : nil }
    var text = message.split(separator: "\n").first.map(String.init) ?? message
    if text.hasPrefix("Error: ") { text = String(text.dropFirst(7)) }
    let hint = "see: kconnect \(command.map { "\($0) " } ?? "")--help"
    if command == nil, let given { return unknown(given, names) }
    return KConnectError(.usage, text, hint: hint)
  }

  private static func unknown(_ command: String, _ names: [String]) -> KConnectError {
    let near = nearestNames(to: command, among: names, limit: 1).first
    return KConnectError(.usage, "unknown command '\(command)'", hint: (near.map { "did you mean '\($0)'? " } ?? "") + "commands: \(names.joined(separator: ", "))")
  }

  /// Throws USAGE for `help NAME` of a command that there is none of, for which the parser prints the general help.
  static func checkHelp(_ arguments: [String]) throws {
    let names = KConnectCommand.configuration.subcommands.map { $0._commandName }
    guard arguments.first == "help", let name = arguments.dropFirst().first, !name.hasPrefix("-"), name != "help", !names.contains(name) else { return }
    throw unknown(name, names)
  }
}
