// Role: a directory (or pattern) of files as a stream: every file once, in order of time and name. The source log says which files a step
// has; an offset is the number of a step.

#if canImport(Glibc)
import Glibc
#endif
package import Columnar
package import DataSource
package import Engine
import Expressions
package import FileConnector

/// Files that appear in a place. Files are to be renamed into it, or guarded by `minFileAge` and `ignoreSuffix`.
package final class FileStreamSource: MicroBatchSource {
  private let provider: FileProvider
  /// As it was typed, for people.
  private let label: String
  /// From the root: the same files wherever the query is started.
  private let place: String
  private let isPattern: Bool
  /// Directories below it may be partitions; nil: none are.
  private let base: String?
  private let options: DataSourceOptions
  private let settings: FileStreamOptions
  private let listing: StreamListing
  private let fileSystem: FileSystem
  /// Milliseconds since 1970.
  private let now: @Sendable () -> Int64
  private var log: SeenLog?
  private var start = StartPoint.none
  private var deadLetters: DeadLetters?
  private var quarantine: Quarantine?
  /// What an available-now run may read; nil: whatever is there.
  private var frozen: ArraySlice<SeenFile>?
  private var waiting: ArraySlice<SeenFile> = []
  /// Changed files that the user knows of, as they were then.
  private var reported: Set<SeenFile> = []
  package let schema: StructType
  /// The columns were inferred from the first files: later ones that differ are errors unless the options say what to do.
  private let isGuessed: Bool
  private var notes: [String] = []

  /// `schema` nil: taken from the files that are there; the caller pins it in the checkpoint, and gives it with `isGuessed`. Throws when there are none.
  package init(
    _ provider: FileProvider, path typed: String, schema: StructType?, isGuessed: Bool = false, options: DataSourceOptions,
    fileSystem: FileSystem = .system, now: @escaping @Sendable () -> Int64 = StreamClock.system.now
  ) throws {
    self.provider = provider
    self.options = options
    self.fileSystem = fileSystem
    self.now = now
    self.isGuessed = isGuessed
    label = typed
    let path = if case .local(let local) = try SourcePath(typed) { local } else { typed }
    settings = try FileStreamOptions(options)
    let keepsBadRecords = provider.options.contains { $0.name == "badRecordsPath" }
    if settings.deadLetters != nil, !keepsBadRecords {
      throw KConnectError(.optionInvalid, "option 'deadLetterPath': \(provider.shortName) files have no single bad records", hint: "onBadFile=quarantine moves files that cannot be read")
    }
    if keepsBadRecords, options.isGiven("badRecordsPath") {
      throw KConnectError(.optionInvalid, "option 'badRecordsPath' would keep the last batch's records only", hint: "deadLetterPath=DIRECTORY keeps those of all batches")
    }
    isPattern = GlobPattern.isPattern(path) && pathKind(path) != .directory
    place = isPattern ? GlobPattern.absolute(path) : absolutePath(path)
    if !isPattern, pathKind(path) != .directory {
      throw KConnectError(
        .pathNotFound, pathKind(path) == .missing ? "the directory '\(path)' does not exist" : "'\(path)' is not a directory",
        hint: "a stream reads a directory, or a pattern such as 'in/*.csv'")
    }
    listing = try StreamListing(
      place: place, isPattern: isPattern, ignoredSuffixes: settings.ignoredSuffixes, fileExtensions: provider.format.fileExtensions, options: options)
    base = try Self.base(options, place: place, isPattern: isPattern)
    let outputs: [(option: String, directory: String?, name: String?)] = [
      ("sourceArchiveDir", settings.archive, nil), ("quarantinePath", settings.quarantine, nil), ("deadLetterPath", settings.deadLetters, DeadLetters.exampleName),
    ]
    for (option, directory, name) in outputs {
      guard let directory, listing.reads(name, in: directory) else { continue }
      throw KConnectError(
        .optionInvalid, "option '\(option)': '\(directory)' lies in '\(typed)': what is put there would be read",
        hint: "name a directory outside of it, or one whose name begins with '_' or '.'")
    }
    if let schema {
      let added = Self.fileNameColumn(provider, options).flatMap { schema.field($0) == nil ? StructField($0, .string) : nil }
      self.schema = StructType(schema.fields + (added.map { [$0] } ?? []))
      return
    }
    let present = try listing.unseen { _ in false }.filter { $0.size > 0 }.sorted(by: SeenFile.isEarlier)
    guard !present.isEmpty else {
      throw KConnectError(
        .usage, "the columns of '\(typed)' are not known: it holds no \(provider.shortName) files yet", hint: "give a schema, such as --schema 'a:long, b:string'")
    }
    self.schema = try provider.open(files: present.map { [base] in Self.entry($0, base: base) }, label: typed, schema: nil, options: options).schema
  }

  package var description: String { "\(provider.shortName) stream \(label)" }
  package var identity: String { "\(provider.shortName):\(place)" }
  package var backlog: [(name: String, value: Int)] {
    waiting.isEmpty ? [] : [("numFilesOutstanding", waiting.count), ("numBytesOutstanding", SeenFile.bytes(waiting))]
  }

  package func takeNotes() -> [String] {
    defer { notes = [] }
    return notes + listing.takeNotes()
  }

  package func attach(_ checkpoint: Checkpoint, index: Int) throws {
    let entries = try checkpoint.sourceLog(index)
    let seen = try SeenLog(entries, fileSystem: fileSystem, nameOnly: settings.fileNameOnly)
    log = seen
    start = try StartPoint.settle(options, entries.file("start"), hasBegun: seen.last >= 0) { now() }
    deadLetters = try settings.deadLetters.map { try DeadLetters($0, queryId: checkpoint.id, fileSystem) }
    quarantine = settings.quarantine.map { Quarantine($0, log: entries, fileSystem) }
  }

  package func reads(_ name: String, in directory: String) -> Bool { listing.reads(name, in: directory) }

  /// A path as it would be typed here.
  func shown(_ path: String) -> String {
    let here = joinPath(absolutePath("."), "")
    return label.hasPrefix("/") || !path.hasPrefix(here) ? path : String(path.dropFirst(here.count))
  }

  private func entry(_ file: SeenFile) -> FileEntry { Self.entry(file, base: base) }

  /// Where partition directories start: `basePath`, which the place must lie in, else the directory that is read.
  private static func base(_ options: DataSourceOptions, place: String, isPattern: Bool) throws -> String? {
    guard let given = options.string("basePath") else { return isPattern ? nil : place }
    guard case .local(let path) = try SourcePath(given) else { throw KConnectError(.optionInvalid, "option 'basePath': '\(given)' is not a local directory") }
    let base = trimmingSlashes(absolutePath(path))
    guard (place + "/").hasPrefix(base == "/" ? base : base + "/") else {
      throw KConnectError(.optionInvalid, "option 'basePath': '\(place)' does not lie in '\(base)'", hint: "name a directory above the files")
    }
    return base
  }

  private static func entry(_ file: SeenFile, base: String?) -> FileEntry {
    let base = base ?? parentPath(file.path)
    let below = parentPath(file.path).dropFirst(base.count).split(separator: "/").map(String.init)
    return FileEntry(path: file.path, size: file.size, modified: file.modifiedMs * 1_000_000, directories: below, source: .local(file.path))
  }

  private func step(_ offset: StreamOffset?) throws -> Int {
    guard let offset else { return -1 }
    guard let k = try offset.value().integer("logOffset") else {
      throw KConnectError(.checkpointConflict, "the offset \(offset) is not one of a file stream", hint: "the checkpoint belongs to a query with another source")
    }
    return k
  }

  private static func offset(_ k: Int) -> StreamOffset { StreamOffset(.object([("logOffset", .long(Int64(k)))])) }

  package func freeze() throws { frozen = try candidates()[...] }

  /// How many files wait for a query with that checkpoint, and those of the next batch; the checkpoint is only read, also while it is used.
  func nextFiles(checkpoint: String?, index: Int) throws -> (waiting: Int, next: [SeenFile]) {
    let place = checkpoint.map { joinPath(joinPath($0, "sources"), String(index)) } ?? ""
    if pathKind(place) == .directory {
      let entries = NumberedLog(unopened: place, fileSystem)
      func read() throws -> SeenLog { try SeenLog(entries, fileSystem: fileSystem, nameOnly: settings.fileNameOnly) }
      // A log that was compacted between its listing and its reading is read again.
      do { log = try read() } catch let error as KConnectError where error.code == .checkpointConflict { log = try read() }
    } else {
      log = SeenLog.empty(fileSystem, nameOnly: settings.fileNameOnly)
    }
    let open = try candidates()
    return (open.count, Array(admitted(open[...])))
  }

  /// Files that a batch may take, in order.
  private func candidates() throws -> [SeenFile] {
    guard let log else { throw KConnectError(.internalError, "a file stream without its log") }
    let newest = log.newestMs
    let isAged = log.last >= 0 && !(settings.latestFirst && (settings.maxFiles != nil || settings.maxBytes != nil))
    let freshFrom = settings.minFileAgeMs > 0 ? now() - settings.minFileAgeMs : Int64.max
    // Behind the horizon files may have been read and forgotten, whatever the options are now.
    let oldest = max(log.horizonMs, isAged ? newest - settings.maxFileAgeMs : .min)
    var found = try listing.unseen { log.contains($0) }
    found.removeAll { !start.allows($0) || $0.modifiedMs > freshFrom || $0.modifiedMs < oldest }
    if settings.fileNameOnly {
      var names: Set<String> = []
      found = found.sorted(by: SeenFile.isEarlier).filter { names.insert(lastPathComponent($0.path)).inserted }
    }
    found.sort { settings.latestFirst ? SeenFile.isEarlier($1, $0) : SeenFile.isEarlier($0, $1) }
    return found
  }

  package func latestOffset(after start: StreamOffset?, _ admission: Admission) throws -> StreamOffset? {
    guard let last = log?.last else { throw KConnectError(.internalError, "a file stream without its log") }
    // A step that was logged and never planned, because the process died between the two, is planned now.
    if try last > step(start) { return Self.offset(last) }
    try Failpoint.pass("list.before")
    if settings.revalidatesSeen { try revalidate() }
    var open = try frozen ?? candidates()[...]
    if case .limited = admission { open = admitted(open) }
    waiting = []
    guard !open.isEmpty else { return start }
    if let rest = frozen?.dropFirst(open.count) {
      frozen = rest
      waiting = rest
    }
    guard let k = try log?.append(Array(open)) else { return start }
    return Self.offset(k)
  }

  /// The first files within the limits; at least one.
  private func admitted(_ files: ArraySlice<SeenFile>) -> ArraySlice<SeenFile> {
    var count = 0, bytes = 0
    for file in files {
      if let limit = settings.maxFiles, count >= limit { break }
      if let limit = settings.maxBytes, count > 0, file.size > limit - min(limit, bytes) { break }
      count += 1
      bytes += min(file.size, .max - bytes)
    }
    return files.prefix(count)
  }

  package func rows(after start: StreamOffset?, through end: StreamOffset) throws -> LogicalPlan {
    let first = try step(start) + 1, last = try step(end)
    let planned = try planned(first, last)
    var files: [SeenFile] = []
    for file in planned {
      switch Self.state(of: file) {
      case .same: files.append(file)
      case .gone:
        if settings.onSourceChange == .fail { throw changed(file, "is gone", mayBeReread: false) }
        notes.append("'\(file.path)' is gone and was left out")
      case .other(let now):
        switch settings.onSourceChange {
        case .fail: throw changed(file, "was changed (\(file.size) bytes then, \(now.size) now)", mayBeReread: true)
        case .skip: notes.append("'\(file.path)' was changed and was left out")
        case .reread:
          files.append(now)
          notes.append("'\(file.path)' was changed; what it is now was read")
        }
      }
    }
    let options = try deadLetters.map { try readOptions($0.draft(last)) } ?? options
    // Columns that only some batches have, as those of partitions that came later, are no columns of the stream.
    let plan = try LogicalPlan.scan(try open(files, label, options)).select(schema.names)
    for (found, own) in zip(plan.schema.fields, schema.fields) where found.type != own.type {
      throw KConnectError(.schemaMismatch, "'\(label)': column '\(own.name)' is \(found.type) in the files of this batch, the stream began with \(own.type)", hint: "give a schema with a type that holds both")
    }
    return plan
  }

  private func open(_ files: [SeenFile], _ label: String, _ options: DataSourceOptions) throws -> any BatchReadable {
    try provider.open(files: files.map(entry), label: label, schema: fileSchema, isGuessed: isGuessed, options: options)
  }

  /// The columns without the one that the reader adds.
  private var fileSchema: StructType {
    let added = Self.fileNameColumn(provider, options)
    return StructType(schema.fields.filter { $0.name != added })
  }

  /// The column of file names that the reader is asked to add; nil where it is not, or cannot.
  private static func fileNameColumn(_ provider: FileProvider, _ options: DataSourceOptions) -> String? {
    provider.options.contains { $0.name == "fileNameColumn" } ? options.string("fileNameColumn") : nil
  }

  /// The files of steps first...last without those that cannot be read.
  private func planned(_ first: Int, _ last: Int) throws -> [SeenFile] {
    guard first <= last, let files = try log?.files(first...last) else { return [] }
    guard let bad = try quarantine?.bad(last), !bad.isEmpty else { return files }
    let paths = Set(bad.map(\.path))
    return files.filter { !paths.contains($0.path) }
  }

  /// The options with bad records going to a file; rows of bad records are left out unless a mode was chosen.
  private func readOptions(_ draft: String) throws -> DataSourceOptions {
    let specs = FileStreamOptions.specs + provider.options
    var given = specs.filter { options.isGiven($0.name) }.compactMap { spec in options.string(spec.name).map { (spec.name, $0) } }
    given.append(("badRecordsPath", draft))
    if !options.isGiven("mode") { given.append(("mode", "DROPMALFORMED")) }
    return try DataSourceOptions(source: provider.shortName, specs: specs, given: given, use: .read)
  }

  package func setAside(after start: StreamOffset?, through end: StreamOffset, _ error: KConnectError) throws -> Bool {
    guard let quarantine, Quarantine.isAboutBytes(error) else { return false }
    let first = try step(start) + 1, last = try step(end)
    return try quarantine.examine(last, try planned(first, last)) { file in
      let table = try open([file], file.path, options)
      try QueryExecution(.scan(table), options: ExecutionOptions(), context: EvaluationContext(nowTicks: 0, seed: 0)).run { _ in true }
    }
  }

  private func changed(_ file: SeenFile, _ what: String, mayBeReread: Bool) -> KConnectError {
    KConnectError(
      .checkpointConflict, "'\(file.path)' \(what) since its batch was planned",
      hint: "put the file back as it was, or set onSourceChange=skip\(mayBeReread ? " or onSourceChange=reread" : "")")
  }

  private enum FileState {
    case same, gone
    case other(SeenFile)
  }

  private static func state(of file: SeenFile) -> FileState {
    var info = stat()
    // SAFETY: the call fills the structure.
    guard unsafe stat(file.path, &info) == 0 else { return .gone }
    let now = SeenFile(path: file.path, modifiedMs: StreamListing.milliseconds(info), size: Int(info.st_size))
    return now == file || file.size < 0 ? .same : .other(now)
  }

  /// Reports files read before that are not what they were, each change once.
  private func revalidate() throws {
    guard let log else { return }
    for file in log.seen.values where !settings.fileNameOnly {
      guard case .other(let now) = Self.state(of: file), reported.insert(now).inserted else { continue }
      notes.append("'\(shown(file.path))' was changed after it was read; it is not read again")
    }
  }

  package func settle(through end: StreamOffset) throws { try deadLetters?.sync(try step(end)) }

  package func commit(through end: StreamOffset) throws {
    let k = try step(end)
    guard k >= 0 else { return }
    try deadLetters?.finish(k)
    if let quarantine {
      notes += try quarantine.move(k)
      try quarantine.forget(below: k)
    }
    if settings.cleanSource != .off {
      try Failpoint.pass("clean.before")
      for file in try log?.files(k...k) ?? [] { clean(file) }
    }
    if try log?.done(through: k, maxAgeMs: settings.latestFirst ? nil : settings.maxFileAgeMs) == true { listing.forget() }
  }

  /// Moves or deletes a file that is as it was when it was read; what cannot be moved stays, with a note.
  private func clean(_ file: SeenFile) {
    guard case .same = Self.state(of: file) else { return }
    if settings.cleanSource == .delete {
      if fileSystem.remove(file.path) != 0 { notes.append("cleanSource: cannot remove '\(file.path)'") }
      return
    }
    guard let archive = settings.archive else { return }
    let target = joinPath(archive, file.path.hasPrefix("/") ? String(file.path.dropFirst()) : file.path)
    _ = fileSystem.makeDirectories(parentPath(target))
    let code = fileSystem.rename(file.path, target, .noReplace)
    if code != 0 { notes.append("cleanSource: cannot move '\(file.path)' to '\(target)' (errno \(code))") }
  }
}
