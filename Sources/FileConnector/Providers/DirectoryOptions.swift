// Role: the options every file format shares: what is listed, how schemas meet, how output is laid out.

package import DataSource
import Columnar

/// Options of directories, declared once for all formats.
package enum DirectoryOptions {
  package static let specs: [OptionSpec] = [
    OptionSpec("path", .path, use: .read, "The path, when none is given otherwise."),
    OptionSpec(
      "recursiveFileLookup", .bool, default: "false", use: .read,
      "true: key=value directories are ordinary directories, no partition columns. Directories are always listed to the bottom."),
    OptionSpec("pathGlobFilter", .string, use: .read, "Only files whose name matches this pattern, such as *.csv."),
    OptionSpec("basePath", .path, use: .read, "Where partition directories start; default: the directory given, or a pattern's part before its first wildcard."),
    OptionSpec(
      "mergeSchema", .bool, default: "false",
      "Read: the union of all files' columns, int widened to long and real (a long that no real holds is an error, see onInexact). Write: appending other columns is allowed."),
    OptionSpec("modifiedBefore", .string, use: .read, "Only files modified before this time, such as 2024-01-31T00:00:00."),
    OptionSpec("modifiedAfter", .string, use: .read, "Only files modified after this time."),
    OptionSpec(
      "partitionColumnTypeInference", .bool, default: "true", use: .read,
      "true: partition columns become long, real or datetime where all values allow it; false: string."),
    OptionSpec("fileNameColumn", .string, use: .read, aliases: ["withFileName", "includeFilePaths"], "Adds a string column of this name with each row's file path."),
    OptionSpec("httpTimeout", .duration, default: "60 seconds", use: .read, "How long a silent http transfer is waited for."),
    OptionSpec("httpRedirects", .bool, default: "true", use: .read, "false: an http answer that leads to another address is an error."),
    OptionSpec("maxRecordsPerFile", .integer, default: "0", use: .write, "Rows in one output file at most; 0: no limit."),
    OptionSpec(
      "partitionOverwriteMode", .oneOf(["static", "dynamic"]), default: "static", use: .write,
      "overwrite with partitionBy: static replaces everything, dynamic only the partitions written."),
    OptionSpec("maxOpenPartitions", .integer, default: "128", use: .write, "Partition files open at once; beyond it the least recently used is closed and a new part started later."),
  ]

  /// A time option as nanoseconds since 1970; nil when it is not given. Throws OPTION_INVALID.
  package static func nanoseconds(_ name: String, _ options: DataSourceOptions) throws -> Int64? {
    guard let text = options.string(name) else { return nil }
    guard case .datetime(let ticks)? = ScalarText.parse(text, as: .datetime), ticks > -92_000_000_000_000_000, ticks < 92_000_000_000_000_000 else {
      throw KConnectError(.optionInvalid, "option '\(name)': found '\(text.prefix(80))', expected a time such as 2024-01-31T00:00:00")
    }
    return ticks * 100
  }

  /// `10 seconds` and the like, in milliseconds.
  static func milliseconds(_ name: String, _ options: DataSourceOptions) -> Int? {
    guard let text = options.string(name)?.lowercased() else { return nil }
    let digits = text.prefix { $0.isNumber }
    guard let n = Int(digits), n < 1 << 40 else { return nil }
    switch text.dropFirst(digits.count).drop(while: { $0 == " " }).first {
    case "m": return text.hasSuffix("ms") || text.contains("mill") ? n : n * 60_000
    case "h": return n * 3_600_000
    case "d": return n * 86_400_000
    default: return n * 1_000
    }
  }
}
