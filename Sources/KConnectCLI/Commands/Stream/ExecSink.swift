// Role: `--exec`: each batch goes to a shell command as JSON lines on its standard input. A command that fails stops the stream; the batch
// comes again at the next start.

import Columnar
import DataSource
import Engine
import FileConnector
import KConnect
import Streaming

#if canImport(Glibc)
import Glibc
#endif

enum ExecSink {
  /// Rows wait in the checkpoint for the command, in a file without a name that nobody else can open.
  static func make(_ command: String, checkpoint: String) throws -> any MicroBatchSink {
    guard let json = FileFormats.all.first(where: { $0.shortName == "json" }) else { throw KConnectError(.internalError, "no json format") }
    let options = try DataSourceOptions(source: "json", specs: json.options, given: [], use: .write)
    return CallbackSink(description: "exec") { batch in
      let spool = try Spool(in: checkpoint)
      let sink = try SingleFileSink(.device(spool.path), replaces: false) { try json.makeWriter($0, schema: batch.schema, options: options) }
      let summary = try batch.execution.write(to: sink)
      let status = run(command, input: spool.descriptor, ["KCONNECT_BATCH_ID=\(batch.id)", "KCONNECT_QUERY_ID=\(batch.queryId)"])
      guard status == 0 else {
        throw KConnectError(.io, "the command '\(command)' ended with \(status) on batch \(batch.id)", hint: "the batch stays planned and is handed over again at the next start")
      }
      return summary
    }
  }

  /// A file of this user alone, which has lost its name when it is written to: nothing is left of it, however this process ends.
  private final class Spool {
    let descriptor: Int32
    /// Leads to the open file.
    var path: String { "/proc/self/fd/\(descriptor)" }

    init(in directory: String) throws {
      // Drafts of that form are swept when the checkpoint is opened.
      let name = joinPath(directory, ".exec.\(randomIdentifier()).tmp")
      // SAFETY: the path is copied by the calls.
      descriptor = unsafe open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
      guard descriptor >= 0 else { throw SystemError.make("cannot create", name, errno) }
      unsafe unlink(name)
    }

    deinit { close(descriptor) }
  }

  /// Runs the hook of a failed stream; its own failure is nobody's.
  static func runHook(_ command: String, _ variables: [String: String]) {
    _ = run(command, input: nil, variables.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" })
  }

  /// The exit status of `sh -c command` with an open file, or none, as standard input; 128 + signal when it was killed.
  private static func run(_ command: String, input: Int32?, _ variables: [String]) -> Int32 {
    var actions = unsafe posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    // SAFETY: every string is copied by strdup and freed below; the arrays end with nil.
    unsafe posix_spawn_file_actions_init(&actions)
    if let input {
      lseek(input, 0, SEEK_SET)
      unsafe posix_spawn_file_actions_adddup2(&actions, input, 0)
    } else {
      unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    }
    unsafe posix_spawnattr_init(&attributes)
    var none = sigset_t()
    unsafe sigemptyset(&none)
    unsafe posix_spawnattr_setsigmask(&attributes, &none)
    unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    defer {
      unsafe posix_spawn_file_actions_destroy(&actions)
      unsafe posix_spawnattr_destroy(&attributes)
    }
    var arguments: [UnsafeMutablePointer<CChar>?] = unsafe ["sh", "-c", command].map { (text: String) in unsafe strdup(text) } + [nil]
    var environment: [UnsafeMutablePointer<CChar>?] = unsafe variables.map { (text: String) in unsafe strdup(text) }
    var at = unsafe environ
    while let entry = unsafe at.pointee {
      unsafe environment.append(strdup(entry))
      unsafe at += 1
    }
    unsafe environment.append(nil)
    defer { unsafe (arguments + environment).forEach { unsafe free($0) } }
    var process: pid_t = 0
    guard unsafe posix_spawn(&process, "/bin/sh", &actions, &attributes, &arguments, &environment) == 0 else { return 127 }
    var status: Int32 = 0
    while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
    return status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
  }
}
