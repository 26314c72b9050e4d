// Role: errors about logs, in one form: the file (and line), what is wrong, what to do.

package import DataSource

/// A file that a listing or a checkpoint names is not there. Where logs are cleaned up meanwhile a fresh listing helps; else `cause` is the error.
struct LogFileGone: Error {
  let cause: KConnectError
}

package enum DeltaError {
  /// A log that cannot be trusted; `place` is a file, perhaps with a line.
  package static func corrupt(_ place: String, _ what: String) -> KConnectError {
    KConnectError(
      .formatCorrupt, "Delta log \(place): \(what)", hint: "the log was damaged or edited; restore the file from a backup, or read an older version")
  }

  /// Something valid that is not handled, named.
  package static func notSupported(_ what: String, hint: String? = nil) -> KConnectError {
    KConnectError(.notSupported, "not supported yet: \(what)", hint: hint)
  }
}
