// Role: runs `evaluate python(...)`: finds the interpreter once, limits how many scripts run at a time, makes their operators.

import CSandbox
import DataSource
package import Engine
import Synchronization

/// The host of Python scripts. Nothing is started before the first script runs.
package final class PythonHost: ScriptHost {
  let settings: PythonSettings
  private let found = Mutex<Interpreter?>(nil)
  private let running = Mutex(0)

  package init(_ settings: PythonSettings) { self.settings = settings }

  package func tableOperator(_ call: ScriptCall) throws -> any TableOperator { PythonOperator(call, self) }

  /// Whether scripts see only what they may: this kernel has Landlock and seccomp filters.
  package static var canConfine: Bool { kcsandbox_can_confine() != 0 }

  /// Looks whether scripts can run. Throws CONFIGURATION.
  package func prepare() throws { _ = try interpreter() }

  /// The interpreter, after a first look at it. Throws CONFIGURATION when there is none, when it lacks a package, or when it would show a script
  /// what is protected.
  func interpreter() throws -> Interpreter {
    try found.withLock { found in
      if let found { return found }
      if settings.requiresConfinement, !Self.canConfine {
        throw KConnectError(
          .configuration, "Python scripts need a kernel that can confine them: Landlock (Linux 6.2 or newer, switched on) and seccomp filters",
          hint: "on a server they run no other way; kconnect query and read run them with limits only")
      }
      let interpreter = try Interpreter.find(settings.interpreter)
      if Self.canConfine { try interpreter.check(protected: settings.protectedPaths) }
      found = interpreter
      return interpreter
    }
  }

  /// Runs `body` when fewer scripts than allowed run; `check` is asked while waiting and throws to give up.
  func whenFree<R>(_ check: () throws -> Void, _ body: () throws -> R) throws -> R {
    while !running.withLock({ count in
      guard count < settings.maxScripts else { return false }
      count += 1
      return true
    }) {
      try check()
      ScriptProcess.pause(milliseconds: 10)
    }
    defer { running.withLock { $0 -= 1 } }
    return try body()
  }
}
