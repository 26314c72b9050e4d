// Role: the names of files in `_delta_log`: what each stands for.

import DataSource

/// A checkpoint: one version, one or several files.
package struct CheckpointName: Sendable, Hashable {
  package var version: Int64
  /// File names, in part order.
  package var files: [String]
  /// True for `v.checkpoint.<uuid>.parquet|json`.
  package var isNamedByUUID: Bool
}

/// A file of the log.
package enum LogFileName: Sendable, Hashable {
  case commit(Int64)
  case checkpoint(Int64)
  case checkpointPart(Int64, part: Int, of: Int)
  case uuidCheckpoint(Int64)
  /// Actions of the versions first … last, reconciled.
  case compacted(Int64, Int64)
  case checksum(Int64)

  /// Nil for names of other files, which are not part of the log.
  package init?(_ name: String) {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count >= 2, let version = Self.version(parts[0]) else { return nil }
    switch parts.count {
    case 2 where parts[1] == "json": self = .commit(version)
    case 2 where parts[1] == "crc": self = .checksum(version)
    case 3 where parts[1] == "checkpoint" && parts[2] == "parquet": self = .checkpoint(version)
    case 4 where parts[2] == "compacted" && parts[3] == "json":
      guard let last = Self.version(parts[1]), last >= version else { return nil }
      self = .compacted(version, last)
    case 4 where parts[1] == "checkpoint" && (parts[3] == "parquet" || parts[3] == "json"):
      guard parts[2].utf8.count == 36 else { return nil }
      self = .uuidCheckpoint(version)
    case 5 where parts[1] == "checkpoint" && parts[4] == "parquet":
      guard let part = Int(parts[2]), let count = Int(parts[3]), part >= 1, part <= count, parts[2].utf8.count == 10, parts[3].utf8.count == 10 else { return nil }
      self = .checkpointPart(version, part: part, of: count)
    default: return nil
    }
  }

  private static func version(_ text: Substring) -> Int64? {
    guard text.utf8.count == 20, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
    return Int64(text).flatMap { $0 < 1 << 62 ? $0 : nil }
  }

  /// 20 digits.
  package static func digits(_ version: Int64) -> String {
    let text = String(version)
    return String(repeating: "0", count: max(0, 20 - text.utf8.count)) + text
  }

  /// `00000000000000000007.json`.
  package static func commitName(_ version: Int64) -> String { digits(version) + ".json" }
}
