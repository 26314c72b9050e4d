// Role: the options of a directory read as a stream, declared once; names and defaults are Spark's where Spark has them.

package import DataSource

/// What becomes of files whose batch is done.
enum CleanSource: String {
  case off, archive, delete
}

/// What happens when a file of a planned batch is gone or changed before the batch ran.
enum SourceChange: String {
  case fail, skip, reread
}

/// Settings of a file stream.
package struct FileStreamOptions: Sendable {
  package static let specs: [OptionSpec] = [
    OptionSpec("maxFilesPerTrigger", .integer, default: "1000", use: .read, "Files in one batch at most; 0: no limit."),
    OptionSpec("maxBytesPerTrigger", .bytes, default: "0", use: .read, "Bytes of files in one batch; at least one file is taken. 0: no limit."),
    OptionSpec("latestFirst", .bool, default: "false", use: .read, "true: newest files first; maxFileAge then does not apply."),
    OptionSpec("fileNameOnly", .bool, default: "false", use: .read, "true: two files of the same name in different directories are one."),
    OptionSpec("maxFileAge", .duration, default: "7 days", use: .read, "Files older than the newest one seen by more than this are passed over; not in the first batch. What was passed over stays so."),
    OptionSpec("minFileAge", .duration, default: "0 seconds", use: .read, "Files modified more recently than this wait: they may still be written to."),
    OptionSpec("ignoreSuffix", .string, default: ".tmp,.part,.crdownload,._COPYING_", use: .read, "Names with one of these endings are left out; separated by commas."),
    OptionSpec("cleanSource", .oneOf(["off", "archive", "delete"]), default: "off", use: .read, "What becomes of a file whose batch is done."),
    OptionSpec("sourceArchiveDir", .path, use: .read, "Where cleanSource=archive moves files, with their path from the root below it. Not in the place that is read."),
    OptionSpec("onSourceChange", .oneOf(["fail", "skip", "reread"]), default: "fail", use: .read, "When a file of a planned batch is gone or changed before it was read: fail, leave it out, or (changed) read what it is now."),
    OptionSpec("startingTimestamp", .string, use: .read, "First start: only files modified at or after this time are ever read, such as 2024-01-31T00:00:00, or latest for those that come from now on."),
    OptionSpec("startingAfter", .string, use: .read, "First start: only files whose names sort behind this one are ever read."),
    OptionSpec("deadLetterPath", .path, use: .read, "A directory for bad records: JSON lines with file, line, offset, reason and record, a file for each batch that has some. Their rows are left out, or with mode=PERMISSIVE kept as far as they can be read."),
    OptionSpec("onBadFile", .oneOf(["fail", "quarantine"]), default: "fail", use: .read, "When a file cannot be read at all: fail, or leave it out and move it to quarantinePath."),
    OptionSpec("quarantinePath", .path, use: .read, "Where onBadFile=quarantine moves files, each with a .reason beside it. Not in the place that is read."),
    OptionSpec("revalidateSeen", .bool, default: "false", use: .read, "true: every listing checks size and time of files read before, and reports changed ones."),
  ]

  var maxFiles: Int?
  var maxBytes: Int?
  var latestFirst = false
  var fileNameOnly = false
  var maxFileAgeMs: Int64
  var minFileAgeMs: Int64
  var ignoredSuffixes: [String]
  var cleanSource = CleanSource.off
  var archive: String?
  var onSourceChange = SourceChange.fail
  var revalidatesSeen = false
  var deadLetters: String?
  /// Where bad files go; nil: they fail the batch.
  var quarantine: String?

  /// From checked options. Throws OPTION_INVALID.
  package init(_ options: DataSourceOptions) throws {
    func limit(_ value: Int?, _ name: String) throws -> Int? {
      guard let value, value != 0 else { return nil }
      guard value > 0 else { throw KConnectError(.optionInvalid, "option '\(name)': found \(value), expected 0 (no limit) or more") }
      return value
    }
    maxFiles = try limit(options.integer("maxFilesPerTrigger"), "maxFilesPerTrigger")
    maxBytes = try limit(options.bytes("maxBytesPerTrigger"), "maxBytesPerTrigger")
    latestFirst = options.bool("latestFirst")
    fileNameOnly = options.bool("fileNameOnly")
    maxFileAgeMs = Int64(options.milliseconds("maxFileAge") ?? 604_800_000)
    minFileAgeMs = Int64(options.milliseconds("minFileAge") ?? 0)
    ignoredSuffixes = (options.string("ignoreSuffix") ?? "").split(separator: ",").map { String($0) }
    cleanSource = options.word("cleanSource").flatMap(CleanSource.init) ?? .off
    archive = options.string("sourceArchiveDir")
    onSourceChange = options.word("onSourceChange").flatMap(SourceChange.init) ?? .fail
    revalidatesSeen = options.bool("revalidateSeen")
    deadLetters = options.string("deadLetterPath")
    if options.word("onBadFile") == "quarantine" {
      guard let place = options.string("quarantinePath") else {
        throw KConnectError(.optionInvalid, "option 'onBadFile=quarantine' needs 'quarantinePath'", hint: "name a directory outside of the one that is read")
      }
      quarantine = place
    } else if options.isGiven("quarantinePath") {
      throw KConnectError(.optionInvalid, "option 'quarantinePath' needs 'onBadFile=quarantine'")
    }
    if cleanSource == .archive, archive == nil {
      throw KConnectError(.optionInvalid, "option 'cleanSource=archive' needs 'sourceArchiveDir'", hint: "name a directory outside of the one that is read")
    }
  }
}
