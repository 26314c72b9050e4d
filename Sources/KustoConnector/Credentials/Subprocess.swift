// Role: runs a program found on PATH without a shell, collects what it prints, and ends it when it takes too long.

#if canImport(Glibc)
import Glibc
#endif
import DataSource

package enum Subprocess {
  /// Bytes taken of each output; the rest is dropped.
  private static let outputLimit = 1 << 20

  /// Runs `arguments[0]` with the rest; standard input is empty. Throws PATH_NOT_FOUND when there is no such program and IO (retryable) after
  /// `timeoutMilliseconds`.
  package static let run: @Sendable ([String], Int) throws -> ProgramOutput = { arguments, timeoutMilliseconds in
    let name = arguments.first ?? ""
    var output = Pipe(), errors = Pipe()
    guard output.open(), errors.open() else { throw SystemError.make("cannot start", name, errno) }
    defer {
      output.closeAll()
      errors.closeAll()
    }
    let process = try start(arguments, output, errors)
    output.closeWriting()
    errors.closeWriting()
    let isInTime = collect(&output, &errors, timeoutMilliseconds)
    var status: Int32 = 0
    if !isInTime { kill(-process, SIGKILL) }
    // SAFETY: the call fills an integer on the stack.
    while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
    guard isInTime else {
      throw KConnectError(.io, "'\(name)' did not answer within \(timeoutMilliseconds / 1_000) s", hint: "run it by hand to see what it waits for", isRetryable: true)
    }
    let code = status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
    return ProgramOutput(status: code, output: String(decoding: output.bytes, as: UTF8.self), errorOutput: String(decoding: errors.bytes, as: UTF8.self))
  }

  /// Two ends of a pipe and what came out of it.
  private struct Pipe {
    var reading: Int32 = -1
    var writing: Int32 = -1
    var bytes: [UInt8] = []

    mutating func open() -> Bool {
      var ends: (Int32, Int32) = (-1, -1)
      // SAFETY: two descriptors stand side by side in the tuple.
      let isOpen = unsafe withUnsafeMutableBytes(of: &ends) { unsafe pipe($0.baseAddress?.assumingMemoryBound(to: Int32.self)) == 0 }
      (reading, writing) = ends
      _ = fcntl(reading, F_SETFD, FD_CLOEXEC)
      _ = fcntl(writing, F_SETFD, FD_CLOEXEC)
      return isOpen
    }

    mutating func closeWriting() {
      if writing >= 0 { close(writing) }
      writing = -1
    }

    mutating func closeAll() {
      closeWriting()
      if reading >= 0 { close(reading) }
      reading = -1
    }

    /// Takes what is there; false at the end.
    mutating func take() -> Bool {
      var block = [UInt8](repeating: 0, count: 1 << 14)
      // SAFETY: the block lives for the call.
      let n = unsafe block.withUnsafeMutableBytes { unsafe read(reading, $0.baseAddress, $0.count) }
      if n < 0 { return errno == EINTR || errno == EAGAIN }
      if bytes.count < outputLimit { bytes += block.prefix(n) }
      return n > 0
    }
  }

  private static func start(_ arguments: [String], _ output: Pipe, _ errors: Pipe) throws -> pid_t {
    var actions = unsafe posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    // SAFETY: both are initialised here and destroyed below; strings are copies that end with 0, and the arrays end with nil.
    unsafe posix_spawn_file_actions_init(&actions)
    unsafe posix_spawnattr_init(&attributes)
    defer {
      unsafe posix_spawn_file_actions_destroy(&actions)
      unsafe posix_spawnattr_destroy(&attributes)
    }
    unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    unsafe posix_spawn_file_actions_adddup2(&actions, output.writing, 1)
    unsafe posix_spawn_file_actions_adddup2(&actions, errors.writing, 2)
    var none = sigset_t()
    unsafe sigemptyset(&none)
    unsafe posix_spawnattr_setsigmask(&attributes, &none)
    // A process group of its own: what the program starts ends with it.
    unsafe posix_spawnattr_setpgroup(&attributes, 0)
    unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))
    var texts: [UnsafeMutablePointer<CChar>?] = unsafe arguments.map { (text: String) in unsafe strdup(text) } + [nil]
    defer { unsafe texts.forEach { unsafe free($0) } }
    var process: pid_t = 0
    guard let program = unsafe texts[0] else { throw SystemError.make("cannot start", arguments.first ?? "", ENOMEM) }
    let code = unsafe posix_spawnp(&process, program, &actions, &attributes, &texts, environ)
    guard code == 0 else { throw SystemError.make("cannot start", arguments.first ?? "", code) }
    return process
  }

  /// Reads both pipes to their ends; false when that takes too long.
  private static func collect(_ output: inout Pipe, _ errors: inout Pipe, _ timeoutMilliseconds: Int) -> Bool {
    let end = milliseconds() + timeoutMilliseconds
    var isOpen = (true, true)
    while isOpen.0 || isOpen.1 {
      let left = end - milliseconds()
      if left <= 0 { return false }
      var waits = [pollfd(fd: isOpen.0 ? output.reading : -1, events: Int16(POLLIN), revents: 0), pollfd(fd: isOpen.1 ? errors.reading : -1, events: Int16(POLLIN), revents: 0)]
      // SAFETY: two entries, which live for the call.
      let n = unsafe poll(&waits, 2, Int32(clamping: left))
      if n < 0, errno != EINTR { return false }
      if waits[0].revents != 0 { isOpen.0 = output.take() }
      if waits[1].revents != 0 { isOpen.1 = errors.take() }
    }
    return true
  }

  private static func milliseconds() -> Int {
    var time = timespec()
    // SAFETY: the call fills the structure, which lives on the stack.
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1_000 + time.tv_nsec / 1_000_000
  }
}
