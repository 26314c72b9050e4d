// Role: database cursors: opaque text that names a commit version of every table. Never a clock.

import Columnar
import DataSource

/// A position in the history of a database's tables.
package struct DatabaseCursor: Sendable, Hashable {
  /// Newest version by table id.
  package var versions: [String: Int64]

  package init(_ versions: [String: Int64] = [:]) { self.versions = versions }

  /// Reads a cursor's text; the empty text is the beginning of everything. Throws VALUE_INVALID.
  package init(_ text: String) throws {
    versions = [:]
    if text.isEmpty { return }
    for part in text.split(separator: ";") {
      let pieces = part.split(separator: ":")
      guard pieces.count == 2, let version = Int64(pieces[1], radix: 16), version >= 0 else {
        throw KConnectError(.valueInvalid, "'\(text.prefix(80))' is no cursor of this store", hint: "take it from cursor_current() or .show cursor")
      }
      versions[String(pieces[0])] = version
    }
  }

  package var text: String {
    versions.sorted { $0.key < $1.key }.map { "\($0.key):\(String($0.value, radix: 16))" }.joined(separator: ";")
  }

  /// The last version that the cursor covers; -1 for tables it does not know, whose rows all come after it.
  package func version(of tableId: String) -> Int64 { versions[tableId] ?? -1 }
}
