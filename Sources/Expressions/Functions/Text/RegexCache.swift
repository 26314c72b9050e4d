// Role: the compiled patterns of a batch with a pattern per row, the least recently used of which make room for others.

import Columnar

/// Compiled patterns by their text, at most `capacity`.
package struct RegexCache {
  private let function: String
  private let capacity: Int
  private var entries: [TextKey: (regex: Regex, lastUse: Int)] = [:]
  private var uses = 0

  package init(function: String, capacity: Int = 256) {
    self.function = function
    self.capacity = capacity
  }

  package var count: Int { entries.count }

  /// The compiled pattern; throws `ExpressionError` for one that is not valid.
  package mutating func regex(_ pattern: String) throws -> Regex {
    uses += 1
    let key = TextKey(pattern)
    if let found = entries[key]?.regex {
      entries[key]?.lastUse = uses
      return found
    }
    let made = try Regex(pattern, function: function)
    // Looking at all of them takes far less than compiling one.
    if entries.count >= capacity, let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse })?.key { entries[oldest] = nil }
    entries[key] = (regex: made, lastUse: uses)
    return made
  }
}
