// Role: everything outside that a method of authentication touches — network, clock, environment, programs, the user's terminal — as one value,
// so that tests can put scripts in their places.

#if canImport(Glibc)
import Glibc
#endif
import DataSource

/// The world as credentials see it. Thread-safe.
package struct CredentialContext: Sendable {
  package var transport: any HTTPTransport
  /// Ticks of 100 ns since the Unix epoch.
  package var now: @Sendable () -> Int64
  /// Waits so many milliseconds.
  package var wait: @Sendable (Int) throws -> Void
  /// An environment variable; nil when unset or empty.
  package var environment: @Sendable (String) -> String?
  /// Runs a program with arguments, at most so many milliseconds; answers its exit status and what it printed. Throws `KConnectError` when it
  /// cannot be started or takes too long.
  package var run: @Sendable ([String], Int) throws -> ProgramOutput
  /// Shows the user a message; standard error by default.
  package var tell: @Sendable (String) -> Void
  /// True when somebody reads messages: an interactive sign-in makes sense.
  package var isInteractive: Bool
  /// Where the agent of Azure Arc puts its challenge files.
  package var arcKeyDirectory = "/var/opt/azcmagent/tokens"

  package init(
    transport: any HTTPTransport,
    now: @escaping @Sendable () -> Int64 = Self.systemNow,
    wait: @escaping @Sendable (Int) throws -> Void = { usleep(UInt32(clamping: $0 * 1_000)) },
    environment: @escaping @Sendable (String) -> String? = Self.systemEnvironment,
    run: @escaping @Sendable ([String], Int) throws -> ProgramOutput = Subprocess.run,
    tell: @escaping @Sendable (String) -> Void = Self.tellOnStandardError,
    isInteractive: Bool = isatty(2) == 1
  ) {
    self.transport = transport
    self.now = now
    self.wait = wait
    self.environment = environment
    self.run = run
    self.tell = tell
    self.isInteractive = isInteractive
  }

  package static let systemNow: @Sendable () -> Int64 = {
    var time = timespec()
    // SAFETY: the call fills the structure, which lives on the stack.
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 10_000_000 + Int64(time.tv_nsec) / 100
  }

  package static let systemEnvironment: @Sendable (String) -> String? = { name in
    // SAFETY: the text is copied at once; nobody changes the environment while other threads run.
    guard let value = unsafe getenv(name).map({ unsafe String(cString: $0) }), !value.isEmpty else { return nil }
    return value
  }

  package static let tellOnStandardError: @Sendable (String) -> Void = { text in
    var line = text + "\n"
    // SAFETY: the bytes live for the call.
    line.withUTF8 { bytes in _ = unsafe write(2, bytes.baseAddress, bytes.count) }
  }

  /// Seconds since 1970.
  var nowSeconds: Int64 { now() / 10_000_000 }
}

/// What a program left.
package struct ProgramOutput: Sendable {
  package var status: Int32
  package var output: String
  package var errorOutput: String

  package init(status: Int32, output: String, errorOutput: String = "") {
    self.status = status
    self.output = output
    self.errorOutput = errorOutput
  }
}
