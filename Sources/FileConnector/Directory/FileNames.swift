// Role: file names: the extension that tells the format, below one that tells a compression.

import Columnar
import DataSource

package enum FileNames {
  /// Extensions of whole-file compression, with the dot.
  package static let compressions = [".gz", ".gzip", ".zst", ".zstd", ".bz2", ".xz", ".lz4", ".snappy", ".br"]

  /// The extension that tells the format, lower case with its dot: `.csv` for `a.CSV.gz`; nil when there is none.
  package static func formatExtension(_ name: String) -> String? {
    var name = lastPathComponent(name).lowercased()
    for suffix in compressions where name.hasSuffix(suffix) && name.utf8.count > suffix.utf8.count {
      name.removeLast(suffix.count)
      break
    }
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return nil }
    return String(name[dot...])
  }

  /// The compression's extension of a name, or nil.
  package static func compressionExtension(_ name: String) -> String? {
    let name = lastPathComponent(name).lowercased()
    return compressions.first { name.hasSuffix($0) && name.utf8.count > $0.utf8.count }
  }
}

/// The nearest of some names, for "did you mean".
func nearestName(to name: String, among candidates: [String]) -> String? { nearestNames(to: name, among: candidates, limit: 1).first }
