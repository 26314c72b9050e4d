// Role: the file formats built in, and the guess which one a path without a prefix means.

package import DataSource

/// The formats and how a path tells one.
package enum FileFormats {
  /// All formats, in the order of `kconnect options`.
  package static let all: [any FileFormat] = [ParquetFormat(), CSVFormat(), JSONFormat()]

  /// Formats that are read only, and only where data of others come in: by ingestion and `externaldata`.
  package static let foreign: [any FileFormat] = [AvroFormat(), W3CLogFormat()]

  /// A format with the options that reads of its files take.
  package struct Known: Sendable {
    package let format: any FileFormat
    package let options: OptionIndex
  }

  private static let known = Dictionary(
    uniqueKeysWithValues: (all + foreign).map { ($0.shortName, Known(format: $0, options: OptionIndex(FileProvider($0).options))) })

  /// The format of that name, a foreign one, too; nil when there is none.
  package static func named(_ shortName: String) -> Known? { known[shortName] }

  /// One provider per format.
  package static var providers: [any DataSourceProvider] { providers(stores: ObjectStores()) }

  /// The same, with stores of objects that paths may name.
  package static func providers(stores: ObjectStores) -> [any DataSourceProvider] { all.map { FileProvider($0, stores: stores) } }

  /// The format a path means, by extension, by the files of a directory or pattern, at last by a file's first bytes. Throws USAGE that names
  /// the possible formats when nothing tells.
  package static func guess(_ path: String, among formats: [any FileFormat] = all) throws -> any FileFormat {
    let source = try SourcePath(path)
    func unknown(_ why: String) -> KConnectError {
      let names = formats.map(\.shortName)
      return KConnectError(.usage, "cannot tell the format of '\(URLText.shown(path))': \(why)", hint: "write one in front: " + names.map { "\($0):\(URLText.shown(path))" }.joined(separator: ", "))
    }
    func byExtension(_ name: String) -> (any FileFormat)? {
      FileNames.formatExtension(name).flatMap { ext in formats.first { $0.fileExtensions.contains(ext) } }
    }
    guard case .local(let local) = source else {
      if let found = byExtension(source.nameForExtension) { return found }
      throw unknown(source == .standardStream ? "a stream has no name" : "the address has no known extension")
    }
    let kind = pathKind(local)
    if kind != .directory, let found = byExtension(local) { return found }
    switch kind {
    case .file:
      if let found = try byContent(local, formats) { return found }
      throw unknown(FileNames.formatExtension(local).map { "unknown extension '\($0)'" } ?? "the name has no extension")
    case .special: throw unknown("it is a device or pipe")
    case .missing where !GlobPattern.isPattern(local):
      throw unknown("it does not exist and its name has no known extension")
    case .directory where pathKind(joinPath(local, "_delta_log")) == .directory:
      throw KConnectError(.notSupported, "'\(path)' is a Delta table", hint: "write delta:\(path)")
    case .directory, .missing:
      let names = try FileListing.files([local], ListingOptions()).map { $0.movedTo ?? $0.path }
      var counts: [(format: any FileFormat, count: Int)] = []
      for format in formats {
        let count = names.count { FileNames.formatExtension($0).map { format.fileExtensions.contains($0) } ?? false }
        if count > 0 { counts.append((format, count)) }
      }
      if counts.count == 1 { return counts[0].format }
      if counts.isEmpty, let first = names.first, let found = try byContent(first, formats) { return found }
      if names.isEmpty { throw unknown("it holds no files (names beginning with '_' or '.' are left out)") }
      if counts.isEmpty { throw unknown("no file in it has a known extension") }
      throw unknown("it holds " + counts.map { "\($0.count) \($0.format.shortName)" }.joined(separator: " and ") + " files")
    }
  }

  /// By the first bytes; nil when no format claims them.
  private static func byContent(_ path: String, _ formats: [any FileFormat]) throws -> (any FileFormat)? {
    let file = try InputFile(path: path)
    var head: (UInt64, UInt64) = (0, 0)
    // SAFETY: sixteen bytes on the stack, of which `pread` fills the first `n`; formats look at these.
    return try unsafe withUnsafeMutableBytes(of: &head) { bytes in
      let n = try unsafe file.pread(into: bytes, at: 0)
      return formats.first { unsafe $0.recognizes(UnsafeRawBufferPointer(rebasing: bytes[..<n])) }
    }
  }
}
