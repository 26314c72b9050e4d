// Role: what holds for the transfers of a request, wherever below it they begin: the one who asked may leave, or run out of time.

/// Limits of the transfers that are set up within `holding`.
package struct TransferLimits: Sendable {
  /// Asked about once a second while a transfer runs, by the thread that runs it: true ends it with CANCELLED.
  package var isCancelled: @Sendable () -> Bool
  /// How long an address may be silent at most; nil: as long as the options of its files say.
  package var stallTimeoutMilliseconds: Int?

  private static let local = TaskLocal<TransferLimits?>(wrappedValue: nil)

  package init(stallTimeoutMilliseconds: Int? = nil, isCancelled: @escaping @Sendable () -> Bool) {
    self.isCancelled = isCancelled
    self.stallTimeoutMilliseconds = stallTimeoutMilliseconds
  }

  /// Those of this thread, or task.
  package static var current: TransferLimits? { local.get() }

  /// A time-out of `milliseconds`, or the shorter one of this thread.
  static func stall(_ milliseconds: Int) -> Int { min(milliseconds, current?.stallTimeoutMilliseconds ?? milliseconds) }

  /// Runs `body`. Files that it opens keep the limits, whichever thread reads them later.
  package func holding<R>(_ body: () throws -> R) throws -> R { try Self.local.withValue(self, operation: body) }
}
