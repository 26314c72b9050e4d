// Role: the tags of an extent as Kusto writes them: `drop-by:x`, `ingest-by:x`, or any other text.

/// The tags of one extent. Order and repetitions do not matter.
package struct ExtentTags: Sendable, Hashable {
  package static let dropByPrefix = "drop-by:"
  package static let ingestByPrefix = "ingest-by:"

  /// Full texts, prefixes included, sorted by bytes without repetitions.
  package let all: [String]

  package init(_ tags: [String] = []) {
    all = Set(tags).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// Extents merge only when these are equal.
  package var dropBy: [String] { all.filter { Self.hasPrefix($0, Self.dropByPrefix) } }
  /// What `ingestIfNotExists` compares with, full texts.
  package var ingestBy: [String] { all.filter { Self.hasPrefix($0, Self.ingestByPrefix) } }

  /// Both sets together.
  package func union(_ other: ExtentTags) -> ExtentTags { ExtentTags(all + other.all) }

  /// Prefixes are compared whatever their case, as Kusto does.
  private static func hasPrefix(_ tag: String, _ prefix: String) -> Bool {
    let a = Array(tag.utf8.prefix(prefix.utf8.count))
    return a.elementsEqual(prefix.utf8) { $0 == $1 || ($0 | 0x20) == $1 && $0 &- 0x41 < 26 }
  }
}
