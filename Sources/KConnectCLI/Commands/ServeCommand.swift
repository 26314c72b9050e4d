// Role: `kconnect serve`: becomes the program `kconnect-server` beside this one, so that no other command pays for loading a web server.

import ArgumentParser
import DataSource

#if canImport(Glibc)
import Glibc
#endif

struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Answers Kusto clients over HTTP from the embedded store.",
    discussion: "The flags are those of kconnect-server: kconnect serve -- --help lists them.")

  @Argument(parsing: .captureForPassthrough, help: "Flags of the server.") var arguments: [String] = []

  func run() throws {
    let program = joinPath(parentPath(resolvedPath("/proc/self/exe")), "kconnect-server")
    guard pathKind(program) == .file else {
      throw KConnectError(.configuration, "the server program '\(program)' is missing", hint: "it is installed beside kconnect; build it with swift build --product kconnect-server")
    }
    // The server takes its signals itself.
    var set = sigset_t()
    // SAFETY: the set lives on the stack; the calls fill and read it.
    unsafe sigemptyset(&set)
    unsafe sigaddset(&set, SIGINT)
    unsafe sigaddset(&set, SIGTERM)
    unsafe sigaddset(&set, SIGHUP)
    unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
    let flags = arguments.first == "--" ? Array(arguments.dropFirst()) : arguments
    // SAFETY: the texts are copied and the list ends with nil; both live until the program is replaced, or to the end of a failed call.
    var list = unsafe ([program] + flags).map { unsafe strdup($0) } + [nil]
    defer { unsafe list.forEach { unsafe free($0) } }
    // A server that dies is to be restarted at once, not after a picture of its stack was drawn.
    unsafe setenv("SWIFT_BACKTRACE", "enable=no", 0)
    unsafe execv(program, &list)
    throw SystemError.make("cannot start", program, errno)
  }
}
