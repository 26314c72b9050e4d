// Role: the flags every command that runs queries has, and the session they make.

import ArgumentParser
import Columnar
import Settings
import DataSource
import KConnect
import KustoConnector
import PythonPlugin

struct CommonFlags: ParsableArguments {
  @Option(help: ArgumentHelp("Settings in TOML. Else $KCONNECT_CONFIG, ~/.config/kconnect/config.toml or /etc/kconnect/config.toml.", valueName: "file"), completion: .file())
  var config: String?

  @Option(help: ArgumentHelp("The profile of the configuration file to use.", valueName: "name"))
  var profile: String?

  @Option(help: ArgumentHelp("Directory of the embedded store; else $KCONNECT_STORE, else ./kustodata.", valueName: "dir"), completion: .directory)
  var store: String?

  @Option(parsing: .unconditional, help: ArgumentHelp("Worker threads; default one per core.", valueName: "n"))
  var threads: String?

  @Option(parsing: .unconditional, help: ArgumentHelp("Memory a query may hold before it spills, such as 512m or 2g; default 60 % of the memory.", valueName: "size"))
  var memoryLimit: String?

  @Flag(help: "Let queries run Python scripts: evaluate python(...).")
  var enablePython = false

  @Option(help: ArgumentHelp("The interpreter of scripts, with pandas and pyarrow; default python3.", valueName: "path"), completion: .file())
  var python: String?

  @Option(parsing: .unconditional, help: ArgumentHelp("Seconds a script may take; default 240.", valueName: "n"))
  var pythonTimeout: String?

  @Option(parsing: .unconditional, help: ArgumentHelp("Memory a script may use, and bytes of its result at most; default 4g.", valueName: "size"))
  var pythonMemory: String?

  @Option(help: ArgumentHelp("Progress on stderr: auto, bar, json or none.", valueName: "mode"), completion: .list(["auto", "bar", "json", "none"]))
  var progress: String?

  @Flag(name: .shortAndLong, help: "No notes and no summary on stderr; warnings of streams stay.")
  var quiet = false

  @Flag(name: .shortAndLong, help: "More notes on stderr.")
  var verbose = false

  /// What flags, profile and configuration file say together.
  func resolve() throws -> Context {
    let configuration = try ConfigurationFile.load(path: config, profile: profile)
    if let store = store ?? (Environment.value("KCONNECT_STORE") == nil ? configuration.defaults["store"] : nil) { Environment.set("KCONNECT_STORE", store) }
    var builder = Session.builder.appName("kconnect")
    if let threads = threads ?? configuration.defaults["threads"] { builder = builder.config("threads", threads) }
    if let limit = memoryLimit ?? configuration.defaults["memory-limit"] { builder = builder.config("memoryLimit", limit) }
    if let spill = configuration.defaults["spill-directory"] { builder = builder.config("spillDirectory", spill) }
    builder = try addingPython(builder)
    let mode = try ProgressMode(word: progress ?? configuration.defaults["progress"] ?? "auto")
    let isFromFlags = threads != nil || memoryLimit != nil || enablePython
    let context = Context(
      session: try Self.session(builder, isFromFlags: isFromFlags), configuration: configuration,
      progress: quiet && progress == nil ? .none : mode, isQuiet: quiet, isVerbose: verbose)
    for note in configuration.notes { context.note(note) }
    if enablePython, !PythonHost.canConfine { context.note("this kernel cannot confine programs: Python scripts can read and write whatever you can") }
    return context
  }

  /// The flags of scripts, which mean nothing unless scripts are on.
  private func addingPython(_ builder: SessionBuilder) throws -> SessionBuilder {
    var builder = builder
    for (flag, setting, value) in [("--python", "python", python), ("--python-timeout", "pythonTimeout", pythonTimeout), ("--python-memory", "pythonMemory", pythonMemory)] {
      guard let value else { continue }
      guard enablePython else { throw KConnectError(.usage, "\(flag) means nothing without --enable-python") }
      builder = builder.config(setting, value)
    }
    return enablePython ? builder.config("enablePython", "true") : builder
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
  let configuration: ConfigurationFile
  let progress: ProgressMode
  let isQuiet: Bool
  let isVerbose: Bool

  /// The configuration file's options of a format, as far as they are for that use and `upper` does not replace its method of authentication by
  /// another; for a place on another machine with those of the credential that profile or defaults name. Throws CONFIGURATION.
  func options(of format: String, _ use: OptionSpec.Use, at path: String, under upper: [(String, String)]) throws -> [(String, String)] {
    var given = try configuration.options(of: format)
    if ConnectionOptions.leadsOut(format, path, given + upper) {
      let credential = try configuration.defaultCredential()
      given = Authentication.defaults(given, under: credential) + credential
    }
    given = Authentication.defaults(given, under: upper)
    if given.isEmpty { return [] }
    let specs = try session.registry.provider(format).options
    return given.filter { OptionSplit.declares(specs, $0.0, use) }
  }

  /// The same without summaries, bars and notes of single jobs; JSON progress stays.
  var quiet: Context {
    Context(session: session, configuration: configuration, progress: progress == .json ? .json : .none, isQuiet: !isVerbose, isVerbose: isVerbose)
  }

  /// Remarks on rows or files that were left out or could not be dealt with: they are said however quiet the rest is.
  func warn(_ text: String) { ErrorReport.warning(text) }

  /// Remarks for the user.
  func note(_ text: String) { if !isQuiet { ErrorReport.note(text) } }
}
