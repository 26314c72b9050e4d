// Role: the flags every command that runs queries has, and the session they make.

import ArgumentParser
import Columnar
import DataSource
import KConnect

struct CommonFlags: ParsableArguments {
  @Option(help: ArgumentHelp("Settings in TOML: [defaults], [profiles.NAME], [options.SOURCE], [tables]. Else $KCONNECT_CONFIG.", valueName: "file"))
  var config: String?

  @Option(help: ArgumentHelp("The profile of the configuration file to use.", valueName: "name"))
  var profile: String?

  @Option(help: ArgumentHelp("Directory of the embedded store; else $KCONNECT_STORE, else ./kustodata.", valueName: "dir"))
  var store: String?

  @Option(help: ArgumentHelp("Worker threads; default one per core.", valueName: "n"))
  var threads: String?

  @Option(help: ArgumentHelp("Memory a query may hold before it spills, such as 512m or 2g; default 60 % of the memory.", valueName: "size"))
  var memoryLimit: String?

  @Option(help: ArgumentHelp("Progress on stderr: auto, bar, json or none.", valueName: "mode"))
  var progress: String?

  @Flag(name: .shortAndLong, help: "No notes and no summary on stderr.")
  var quiet = false

  @Flag(name: .shortAndLong, help: "More notes on stderr.")
  var verbose = false

  /// What flags, profile and configuration file say together.
  func resolve() throws -> Context {
    if let store { Environment.set("KCONNECT_STORE", store) }
    let configuration = try Configuration.load(path: config, profile: profile)
    var builder = Session.builder.appName("kconnect")
    if let threads = threads ?? configuration.defaults["threads"] { builder = builder.config("threads", threads) }
    if let limit = memoryLimit ?? configuration.defaults["memory-limit"] { builder = builder.config("memoryLimit", limit) }
    if let spill = configuration.defaults["spill-directory"] { builder = builder.config("spillDirectory", spill) }
    let mode = try ProgressMode(word: progress ?? configuration.defaults["progress"] ?? "auto")
    let isFromFlags = threads != nil || memoryLimit != nil
    return Context(
      session: try Self.session(builder, isFromFlags: isFromFlags), configuration: configuration,
      progress: quiet && progress == nil ? .none : mode, isQuiet: quiet, isVerbose: verbose)
  }

  /// A wrong setting is a usage error when a flag says it, else one of configuration.
  private static func session(_ builder: SessionBuilder, isFromFlags: Bool) throws -> Session {
    do {
      return try builder.makeOrReuse()
    } catch {
      if isFromFlags, error.code == .configuration { throw KConnectError(.usage, error.message, hint: error.hint) }
      throw error
    }
  }
}

/// What a command runs with.
struct Context {
  let session: Session
  let configuration: Configuration
  let progress: ProgressMode
  let isQuiet: Bool
  let isVerbose: Bool

  /// Remarks for the user.
  func note(_ text: String) { if !isQuiet { ErrorReport.note(text) } }
}
