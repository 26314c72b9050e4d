// Role: what a write goes to, decided from path, mode and what is there.
//
// The rule: `-` is standard output. An existing device or pipe is written through. A path whose name ends in one of the format's extensions
// (also with .gz or .zst behind it), or an existing regular file, is one file — unless it is a directory, ends in `/` or the write is
// partitioned. Everything else is a directory of parts.

#if canImport(Glibc)
import Glibc
#endif
import DataSource

package enum WriteTarget: Sendable, Equatable {
  case standardOutput
  case device(String)
  case file(String)
  case directory(String)

  /// Applies the rule; throws NOT_SUPPORTED for URLs and USAGE for contradictions.
  package init(_ text: String, fileExtensions: [String], isPartitioned: Bool) throws {
    switch try SourcePath(text) {
    case .standardStream:
      if isPartitioned { throw KConnectError(.usage, "standard output cannot be partitioned", hint: "write to a directory") }
      self = .standardOutput
    case .url(let url): throw KConnectError(.notSupported, "'\(URLText.shown(url))': not supported yet: writing to this address", hint: "write to a local path, or to Azure storage: https://ACCOUNT.blob.core.windows.net/…")
    case .local(let path):
      let kind = pathKind(path)
      let isNamedFile = FileNames.formatExtension(path).map { fileExtensions.contains($0) } ?? false
      switch kind {
      case .directory: self = .directory(resolvedPath(path))
      case .special:
        if isPartitioned { throw KConnectError(.usage, "'\(path)' is a device or pipe and cannot be partitioned") }
        self = .device(path)
      case .file:
        if isPartitioned || path.hasSuffix("/") { throw KConnectError(.alreadyExists, "'\(path)' is a file, expected a directory", hint: "choose another path") }
        self = .file(resolvedPath(path))
      case .missing:
        if isNamedFile, !isPartitioned, !path.hasSuffix("/") { self = .file(path) } else { self = .directory(trimmingSlashes(path)) }
      }
    }
  }
}

/// Looks at what stands in a target directory.
enum TargetContents {
  /// True when a reader would find something: any name that is not hidden, also a table's log.
  static func isOccupied(_ directory: String) throws -> Bool {
    try DirectoryReader.names(in: directory).contains { !FileListing.isHidden($0) || $0 == "_delta_log" || $0.hasPrefix(CommitJournal.prefix) }
  }

  /// Refuses to replace a directory that holds something other than a table's files: a wrong path would delete it.
  static func checkReplaceable(_ directory: String, fileExtensions: [String]) throws {
    for name in try DirectoryReader.names(in: directory) where name == "_delta_log" {
      throw KConnectError(.notSupported, "'\(directory)' is a Delta table; a plain overwrite would break it", hint: "write to delta:\(directory)")
    }
    if let foreign = try firstForeign(directory, fileExtensions, depth: 0) {
      throw KConnectError(
        .alreadyExists, "'\(directory)' holds '\(foreign)', which is no file of a table: overwrite would delete it",
        hint: "choose another directory, or move that file away")
    }
  }

  /// Data by extension: any known format's.
  static let dataExtensions: Set<String> = [
    ".parquet", ".pq", ".csv", ".tsv", ".psv", ".json", ".ndjson", ".jsonl", ".crc", ".avro", ".orc",
  ]

  /// A part as this program, Spark and Hadoop name it, with or without an extension: `part-00000-…`, `part-r-00000`.
  private static func isPart(_ name: String) -> Bool {
    guard name.hasPrefix("part-") else { return false }
    let rest = name.dropFirst(5)
    return (rest.hasPrefix("m-") || rest.hasPrefix("r-") ? rest.dropFirst(2) : rest).utf8.prefix(5).allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
  }

  /// What tables keep beside their data: checksums of parts, markers (`_SUCCESS`), output under construction.
  private static func isCompanion(_ name: String) -> Bool {
    name.hasPrefix("_") || name.hasPrefix(".") && (name.hasSuffix(".crc") || StagingNames.isBeside(name, target: String(name.dropFirst(18))))
  }

  private static func firstForeign(_ directory: String, _ fileExtensions: [String], depth: Int) throws -> String? {
    for name in try DirectoryReader.names(in: directory) {
      let path = joinPath(directory, name)
      var info = stat()
      // SAFETY: the path is copied for the call, which fills a live variable.
      guard unsafe lstat(path, &info) == 0 else { continue }
      if info.st_mode & S_IFMT == S_IFDIR {
        if name.hasPrefix("_temporary") { continue }
        if name.hasPrefix("."), !StagingNames.isBeside(name, target: String(name.dropFirst(18))) { return path }
        if depth > 64 { return path }
        if let found = try firstForeign(path, fileExtensions, depth: depth + 1) { return found }
      } else if info.st_mode & S_IFMT == S_IFREG {
        if isCompanion(name) || isPart(name) { continue }
        if let ext = FileNames.formatExtension(name), fileExtensions.contains(ext) || dataExtensions.contains(ext) { continue }
        return path
      } else {
        return path
      }
    }
    return nil
  }

  /// The visible files below a directory, relative to it.
  static func files(_ directory: String) throws -> [String] {
    var options = ListingOptions()
    options.basePath = directory
    let root = directory.utf8.count + (directory.hasSuffix("/") ? 0 : 1)
    return try FileListing.files([directory], options).map { String(decoding: Array(($0.movedTo ?? $0.path).utf8.dropFirst(root)), as: UTF8.self) }
  }
}
