// Role: Ctrl-C. Signals are blocked in every thread and taken by one of their own, so that stopping a query is ordinary code:
// the first signal cancels the running query, whose sink cleans up; a second one, or a query that does not stop in time, ends the process.
// In the shell the first Ctrl-C only cancels the query.

import CLinux
import DataSource
import Engine
import FileConnector
import KConnect
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

enum Interrupt {
  private struct State: Sendable {
    var signal: Int32 = 0
    var running: QueryExecution?
    /// What a long run wants done on the first and on the second signal, instead of being cancelled.
    var onFirst: (@Sendable () -> Void)?
    var onSecond: (@Sendable () -> Void)?
    /// In the shell Ctrl-C ends the query, not the process.
    var keepsGoing = false
    /// A signal has called `onFirst`.
    var wasAsked = false
  }

  private static let state = Mutex(State())

  /// How long a query may take to stop before the process ends without it.
  private static let graceMicroseconds: UInt32 = 600_000

  /// Blocks SIGINT, SIGTERM and SIGHUP here and in threads made later, ignores SIGPIPE, and starts the thread that waits for signals. A
  /// SIGHUP that is ignored (`nohup`) stays so.
  // SAFETY: the calls fill and read a set of signals on the stack.
  static func install() {
    signal(SIGPIPE, SIG_IGN)
    var set = sigset_t()
    unsafe sigemptyset(&set)
    unsafe sigaddset(&set, SIGINT)
    unsafe sigaddset(&set, SIGTERM)
    if kclinux_is_signal_ignored(SIGHUP) == 0 { unsafe sigaddset(&set, SIGHUP) }
    unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    let waited = set
    // Where no thread can be had, signals end the process as they do by default.
    if !SystemThread.start({ wait(waited) }) { unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil) }
  }

  // SAFETY: the calls read a set and write a number, both on this thread's stack.
  private static func wait(_ waited: sigset_t) {
    var set = waited
    var received: Int32 = 0
    var running: QueryExecution?
    while true {
      while unsafe sigwait(&set, &received) != 0 {}
      let number = received
      let onFirst = state.withLock { state -> (@Sendable () -> Void)? in
        guard !state.wasAsked, let onFirst = state.onFirst else { return nil }
        state.wasAsked = true
        return onFirst
      }
      if let onFirst {
        onFirst()
        continue
      }
      state.withLock { $0.onSecond }?()
      let goesOn = state.withLock { state in
        let isFirst = state.signal == 0
        state.signal = number
        running = state.running
        return state.keepsGoing && isFirst && number == SIGINT
      }
      if !goesOn { break }
      running?.cancel()
    }
    let wasRunning = running != nil
    running?.cancel()
    // The main thread normally leaves first. Where it waits for input or a slow device, this thread ends the process.
    _ = SystemThread.start {
      usleep(wasRunning ? graceMicroseconds : 100_000)
      endNow()
    }
    while unsafe sigwait(&set, &received) != 0 {}
    endNow()
  }

  private static func endNow() -> Never {
    StagedFile.removeAll()
    RawTerminal.restore()
    _exit(finish())
  }

  /// Makes Ctrl-C end queries instead of the process.
  static func keepGoing() { state.withLock { $0.keepsGoing = true } }

  /// Forgets a Ctrl-C that ended a query.
  static func clear() { state.withLock { $0.signal = 0 } }

  /// True once a signal has asked a long run to end after what it is doing.
  static var isStopRequested: Bool { state.withLock { $0.wasAsked || $0.signal != 0 } }

  /// True once a signal has come.
  static var isRequested: Bool { state.withLock { $0.signal != 0 } }

  /// 128 and the number of the signal that came.
  static var exitCode: Int32 { 128 + state.withLock { $0.signal } }

  /// Says so on stderr; the exit code of the signal.
  static func finish() -> Int32 {
    StandardStreams.error("interrupted\n")
    return exitCode
  }

  /// Runs `body` with `execution` as what a signal cancels.
  static func cancelling<R>(_ execution: QueryExecution, _ body: () throws -> R) throws -> R {
    let isLate = state.withLock { state in
      state.running = execution
      return state.signal != 0
    }
    if isLate { execution.cancel() }
    defer { state.withLock { $0.running = nil } }
    return try body()
  }

  /// Runs `body`; the first signal while it runs calls `first`, after which `body` is expected to end in its own time, the next one calls
  /// `second` and ends the process soon.
  static func stopping<R>(first: @escaping @Sendable () -> Void, second: @escaping @Sendable () -> Void, _ body: () throws -> R) throws -> R {
    let isLate = state.withLock { state in
      state.onFirst = first
      state.onSecond = second
      return state.signal != 0 || state.wasAsked
    }
    if isLate { first() }
    // What runs behind it is ended by the first signal.
    defer { state.withLock { ($0.onFirst, $0.onSecond) = (nil, nil) } }
    return try body()
  }
}
