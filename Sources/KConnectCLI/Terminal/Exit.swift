// Role: leaving the process, and the exit code of each error.

import DataSource
import KConnect
import KustoConnector
import KustoStore

#if canImport(Glibc)
import Glibc
#endif

/// The exit codes of the design.
enum ExitStatus {
  static let done: Int32 = 0
  static let failure: Int32 = 1
  static let usage: Int32 = 2
  static let transient: Int32 = 75
  static let configuration: Int32 = 78
  static let interrupted: Int32 = 130

  /// The code of an error.
  static func of(_ error: KConnectError) -> Int32 {
    switch error.code {
    case .usage, .optionUnknown, .optionInvalid: usage
    case .locked, .throttled: transient
    case .configuration: configuration
    case .cancelled: Interrupt.isRequested ? Interrupt.exitCode : interrupted
    default: error.isRetryable ? transient : failure
    }
  }
}

enum Exit {
  /// Ends the process at once, without running destructors of global objects: everything durable has been closed by now.
  static func leave(_ status: Int32) -> Never {
    ExportCache.drain()
    OpenStores.logQueries()
    fflush(nil)
    _exit(status)
  }
}
