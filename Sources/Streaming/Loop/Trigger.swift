// Role: when batches run.

public import DataSource

/// When the batches of a streaming query run.
public enum Trigger: Sendable, Hashable {
  /// One batch after the other, as soon as there is data (the default).
  case asFastAsPossible
  /// On multiples of an interval, in milliseconds; a batch that ran late is followed at once, ticks that were missed are not made up.
  case processingTime(milliseconds: Int)
  /// One batch with everything there is, then the query ends.
  case once
  /// Everything there is when the query starts, in batches within the rate limits, then the query ends.
  case availableNow

  /// `available-now`, `once`, or an interval such as `10 seconds`. Throws USAGE.
  public init(text: String) throws(KConnectError) {
    switch text.lowercased() {
    case "available-now", "availablenow": self = .availableNow
    case "once": self = .once
    case "", "default", "as-fast-as-possible": self = .asFastAsPossible
    case let word where word.hasPrefix("continuous"):
      throw KConnectError(.notSupported, "trigger '\(text)': not supported: continuous processing", hint: "without a trigger one batch follows the other at once")
    default:
      guard let milliseconds = DataSourceOptions.durationMilliseconds(text), milliseconds >= 0 else {
        throw KConnectError(.usage, "trigger '\(text)': found neither available-now, once nor an interval", hint: "an interval is written as '10 seconds' or '500ms'")
      }
      self = milliseconds == 0 ? .asFastAsPossible : .processingTime(milliseconds: milliseconds)
    }
  }

  /// True when the query ends by itself.
  public var ends: Bool { self == .once || self == .availableNow }

  /// The next start, in milliseconds of the wall clock, after a batch that was due at `started` and ended at `now`; nil: at once.
  func nextStart(started: Int64, now: Int64) -> Int64? {
    guard case .processingTime(let interval) = self, interval > 0 else { return nil }
    let step = Int64(interval)
    let due = started / step * step + step
    return due > now ? due : nil
  }
}
