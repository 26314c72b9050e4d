// Role: one process of a script: started with its limits, watched until it ends, killed when the query stops or a limit is reached.

import CSandbox
import DataSource

#if canImport(Glibc)
import Glibc
#endif

/// What a process is started with.
struct ScriptPlan {
  var program: String
  var arguments: [String]
  var environment: [String]
  /// Its working directory, and the only place where it may make files.
  var directory: String
  var readable: [String] = []
  /// Descriptors it gets as 0, 3 and 4; -1: none.
  var input: Int32 = -1
  var table: Int32 = -1
  var result: Int32 = -1
  /// Bytes; 0: no limit.
  var memory = 0
  /// Bytes of all files it makes.
  var disk = 0
  var cpuSeconds = 0
  var confines = false
}

/// How a process ended.
struct ScriptOutcome {
  /// Exit status, or nil when a signal ended it.
  var status: Int32?
  var signal: Int32 = 0
  /// What it wrote to descriptor 5 and, at the end, to standard error.
  var report: [UInt8] = []
  var errors: [UInt8] = []
  var tookTooLong = false
  var filledDisk = false

  /// The last lines on standard error.
  var errorText: String {
    let lines = String(decoding: errors.suffix(2_000), as: UTF8.self).split(separator: "\n")
    return lines.suffix(4).joined(separator: "; ")
  }
}

enum ScriptProcess {
  private static let reportLimit = 1 << 20

  /// Runs a process to its end. `check` is asked many times a second; when it throws, the process is killed. Throws IO when it cannot be started.
  static func run(_ plan: ScriptPlan, timeoutSeconds: Int, _ check: () throws -> Void) throws -> ScriptOutcome {
    var report = try Channel()
    defer { report.close() }
    var errors = try Channel()
    defer { errors.close() }
    let process = try start(plan, report: report.writing, errors: errors.writing)
    report.closeWriting()
    errors.closeWriting()
    var outcome = ScriptOutcome()
    var isRunning = true
    defer { if isRunning { kcsandbox_kill(process) } }
    let end = milliseconds() + timeoutSeconds * 1_000
    var nextLook = milliseconds() + 200
    while isRunning {
      let isOpen = report.reading >= 0 || errors.reading >= 0
      Channel.wait(&report, &errors, milliseconds: isOpen ? 50 : 2)
      var status: Int32 = 0
      // SAFETY: the call fills an integer on the stack.
      if unsafe kcsandbox_ended(process, &status) != 0 {
        isRunning = false
        if status & 0x7F == 0 { outcome.status = status >> 8 & 0xFF } else { outcome.signal = status & 0x7F }
        break
      }
      try check()
      let now = milliseconds()
      outcome.tookTooLong = now >= end
      if plan.disk > 0, now >= nextLook {
        outcome.filledDisk = DiskUse.bytes(below: plan.directory, process: process, limit: plan.disk) > plan.disk
        nextLook = milliseconds() + 200
      }
      if outcome.tookTooLong || outcome.filledDisk { break }
    }
    if !isRunning { Channel.wait(&report, &errors, milliseconds: 0) }
    outcome.report = report.bytes
    outcome.errors = errors.bytes
    return outcome
  }

  static func pause(milliseconds: Int) { usleep(UInt32(milliseconds * 1_000)) }

  private static func start(_ plan: ScriptPlan, report: Int32, errors: Int32) throws -> pid_t {
    var process: pid_t = 0
    var step: UnsafePointer<CChar>?
    let code = unsafe CStrings.with(plan.arguments) { arguments in
      unsafe CStrings.with(plan.environment) { environment in
        unsafe CStrings.with(plan.readable) { readable in
          unsafe plan.program.withCString { program in
            unsafe plan.directory.withCString { directory in
              // SAFETY: all texts and lists live until the call returns; the new process has copies of them.
              unsafe readable.withMemoryRebound(to: UnsafePointer<CChar>?.self, capacity: plan.readable.count + 1) { readable in
                var c = unsafe kcsandbox_plan(
                  program: program, arguments: arguments, environment: environment, directory: directory, readable: readable,
                  input: plan.input, errors: errors, table: plan.table, result: plan.result, report: report,
                  memory: UInt64(plan.memory), file_size: UInt64(plan.disk), cpu_seconds: UInt64(plan.cpuSeconds), confines: plan.confines ? 1 : 0)
                return unsafe kcsandbox_start(&c, &process, &step)
              }
            }
          }
        }
      }
    }
    guard code == 0 else {
      // SAFETY: the step is a constant text.
      let what = unsafe step.map { unsafe String(cString: $0) } ?? "start"
      throw KConnectError(.io, unsafe "cannot start '\(plan.program)': \(what): \(String(cString: strerror(code)))")
    }
    return process
  }

  static func milliseconds() -> Int {
    var time = timespec()
    // SAFETY: the call fills the structure, which lives on the stack.
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1_000 + time.tv_nsec / 1_000_000
  }

  /// A pipe, and what came out of it.
  private struct Channel {
    var reading: Int32 = -1
    var writing: Int32 = -1
    var bytes: [UInt8] = []

    init() throws {
      var ends: (Int32, Int32) = (-1, -1)
      // SAFETY: two descriptors stand side by side in the tuple.
      let code = unsafe withUnsafeMutableBytes(of: &ends) { unsafe pipe($0.baseAddress?.assumingMemoryBound(to: Int32.self)) }
      guard code == 0 else { throw SystemError.make("cannot make", "a pipe", errno) }
      (reading, writing) = ends
      for end in [reading, writing] { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
      _ = fcntl(reading, F_SETFL, O_NONBLOCK)
    }

    mutating func closeWriting() {
      if writing >= 0 { Glibc.close(writing) }
      writing = -1
    }

    mutating func close() {
      closeWriting()
      if reading >= 0 { Glibc.close(reading) }
      reading = -1
    }

    /// Takes what is there; closes at the end. What goes beyond the limit drops out at the front.
    mutating func take() {
      var block = [UInt8](repeating: 0, count: 1 << 16)
      while reading >= 0 {
        // SAFETY: the block lives for the call.
        let n = unsafe block.withUnsafeMutableBytes { unsafe read(reading, $0.baseAddress, $0.count) }
        if n < 0 {
          if errno == EINTR { continue }
          if errno != EAGAIN { close() }
          return
        }
        if n == 0 { return close() }
        bytes += block.prefix(n)
        if bytes.count > reportLimit { bytes.removeFirst(bytes.count - reportLimit / 2) }
        if n < block.count { return }
      }
    }

    /// Waits for either, and takes what came.
    static func wait(_ a: inout Channel, _ b: inout Channel, milliseconds: Int) {
      var waits = [pollfd(fd: a.reading, events: Int16(POLLIN), revents: 0), pollfd(fd: b.reading, events: Int16(POLLIN), revents: 0)]
      // SAFETY: two entries, which live for the call.
      _ = unsafe poll(&waits, 2, Int32(milliseconds))
      if waits[0].revents != 0 { a.take() }
      if waits[1].revents != 0 { b.take() }
    }
  }
}

/// Lists of texts as C has them.
enum CStrings {
  /// Runs `body` with copies of the texts in a list that ends with nil.
  static func with<R>(_ texts: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) throws -> R) rethrows -> R {
    let list = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: texts.count + 1)
    // SAFETY: the list has room for all texts and the nil behind them; both are given back after `body`.
    for (i, text) in texts.enumerated() { unsafe (list + i).initialize(to: strdup(text)) }
    unsafe (list + texts.count).initialize(to: nil)
    defer {
      for i in texts.indices { unsafe free(list[i]) }
      unsafe list.deallocate()
    }
    return try unsafe body(list)
  }
}
