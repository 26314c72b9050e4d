// Role: `kconnect run`: the pipelines of a configuration file, each as steps from → query → to. What cron and systemd start.

import ArgumentParser
import Settings
import DataSource
import KConnect

#if canImport(Glibc)
import Glibc
#endif

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Runs pipelines of a configuration file: steps from → query → to, whole tables or streams.",
    discussion: """
      A pipeline is [pipelines.NAME] with [[pipelines.NAME.steps]]; kconnect options configuration lists the keys. Relative paths start at the \
      file's directory. A second start while one runs ends at once with code 75. Each run prints one line on standard error.

      EXAMPLES
        kconnect run pipelines.toml
        kconnect run pipelines.toml events --dry-run
      """)

  @Argument(help: "The configuration file.", completion: .file())
  var file: String
  @Argument(help: "The pipelines to run, in this order; without names all that are enabled.")
  var names: [String] = []
  @Flag(help: "Print what would run: plans, where streams stand and what they would read; change nothing.")
  var dryRun = false
  @OptionGroup(title: "Common") var common: CommonFlags

  func validate() throws {
    if common.config != nil { throw ValidationError("--config: the file is the argument of run") }
  }

  func run() throws {
    var flags = common
    flags.config = try absolute(file)
    let context = try flags.resolve()
    let pipelines = try context.configuration.pipelines(named: names)
    var status: Int32 = 0
    for pipeline in pipelines {
      try enter(pipeline)
      if dryRun {
        try PipelineRun(pipeline: pipeline, context: context).dryRun()
      } else {
        let ended = PipelineRun(pipeline: pipeline, context: context).run()
        if status == 0 { status = ended }
        if Interrupt.isStopRequested { break }
      }
    }
    if status != 0 { throw ExitCode(status) }
  }

  /// Relative paths of a pipeline start at its directory, which starts at that of the file.
  private func enter(_ pipeline: Pipeline) throws {
    let home = parentPath(try absolute(file))
    let directory = pipeline.directory.map { $0.hasPrefix("/") ? $0 : joinPath(home, $0) } ?? home
    // SAFETY: the path lives for the call.
    guard unsafe chdir(directory) == 0 else {
      throw pipeline.place.error("the directory '\(directory)' of pipeline '\(pipeline.name)' cannot be entered", hint: "make it, or change 'directory'")
    }
  }

  private static let start: String = {
    // SAFETY: getcwd allocates the text, which is copied and freed.
    guard let text = unsafe getcwd(nil, 0) else { return "." }
    defer { unsafe free(text) }
    return unsafe String(cString: text)
  }()

  private func absolute(_ path: String) throws -> String { path.hasPrefix("/") ? path : joinPath(Self.start, path) }
}
