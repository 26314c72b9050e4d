// Role: finds files that a stream has not seen. A directory is walked by names and kinds alone; only unseen names are stat'ed, so that a
// hundred thousand files read before cost a listing and no more; a directory that has not changed since a listing without news costs one stat.

#if canImport(Glibc)
import Glibc
#endif
import DataSource
import FileConnector
import Synchronization

final class StreamListing {
  /// From the root; a directory, or a pattern.
  let place: String
  let isPattern: Bool
  private let namePatterns: [GlobPattern]?
  private let ignoredSuffixes: [String]
  private let fileExtensions: [String]
  /// Nanoseconds since 1970: only files modified behind the one and before the other.
  private let modifiedAfter: Int64?
  private let modifiedBefore: Int64?
  private let foreign = ForeignNames()
  /// The directories of the last listing.
  private var known: [String: KnownDirectory] = [:]

  private struct KnownDirectory {
    /// As it was when its listing had nothing new; nil: it had, or the time cannot tell.
    var quiet: FileStamp?
    var subdirectories: [String] = []
    /// Files that were seen or are not wanted.
    var settled = ListedNames()
  }

  /// `options` are those of the file format. Throws OPTION_INVALID.
  init(place: String, isPattern: Bool, ignoredSuffixes: [String], fileExtensions: [String], options: DataSourceOptions) throws {
    namePatterns = options.string("pathGlobFilter").map { GlobPattern.expandingBraces($0).map(GlobPattern.init) }
    modifiedAfter = try DirectoryOptions.nanoseconds("modifiedAfter", options)
    modifiedBefore = try DirectoryOptions.nanoseconds("modifiedBefore", options)
    self.place = place
    self.isPattern = isPattern
    self.ignoredSuffixes = ignoredSuffixes
    self.fileExtensions = fileExtensions
  }

  /// Unseen files, in no order. `isSeen` gets full paths.
  func unseen(_ isSeen: (String) -> Bool) throws -> [SeenFile] {
    var out: [SeenFile] = []
    if isPattern {
      var wanted = ListingOptions()
      wanted.onForeignName = { [foreign] in foreign.add($1, in: $0) }
      let entries: [FileEntry]
      do { entries = try FileListing.files([place], wanted) } catch let error as KConnectError where error.code == .pathNotFound { return [] }
      for entry in entries where isWanted(lastPathComponent(entry.path)) && isInTime(entry.modified) && !isSeen(entry.path) {
        out.append(SeenFile(path: entry.path, modifiedMs: entry.modified / 1_000_000, size: entry.size ?? 0))
      }
      return out
    }
    let last = known
    known = [:]
    try walk(trimmingSlashes(place), depth: 0, last, isSeen, &out)
    return out
  }

  /// What was seen may have been forgotten: the next listing looks at every name.
  func forget() { known = [:] }

  private func walk(_ directory: String, depth: Int, _ last: [String: KnownDirectory], _ isSeen: (String) -> Bool, _ out: inout [SeenFile]) throws {
    guard depth < 64 else { throw KConnectError(.io, "'\(directory)' is nested deeper than 64 directories") }
    var facts = stat()
    // SAFETY: the call fills the structure. It comes before the listing: what changes meanwhile changes the time.
    guard unsafe stat(directory, &facts) == 0 else { return try missing(directory, depth, errno) }
    let before = last[directory] ?? KnownDirectory()
    if before.quiet == FileStamp(facts) {
      known[directory] = before
      for path in before.subdirectories { try walk(path, depth: depth + 1, last, isSeen, &out) }
      return
    }
    let stamp = FileStamp(facts)
    var listed = KnownDirectory(quiet: stamp.isSettled ? stamp : nil)
    // SAFETY: the stream is closed on every way out; names are copied before the next call.
    guard let stream = unsafe opendir(directory) else { return try missing(directory, depth, errno) }
    defer { unsafe closedir(stream) }
    listed.settled.reserve(like: before.settled)
    var expected = 0
    while true {
      errno = 0
      guard let entry = unsafe readdir(stream) else {
        if errno != 0 { throw SystemError.make("cannot list", directory, errno) }
        break
      }
      let kind = unsafe entry.pointee.d_type
      // What was seen stays seen; a link's name can come to mean another file.
      if kind == UInt8(DT_REG), unsafe Self.withName(of: entry, { unsafe before.settled.isNext($0, at: &expected) }) {
        unsafe Self.withName(of: entry) { unsafe listed.settled.append($0) }
        continue
      }
      let entryName = unsafe EntryName(entry)
      let name = entryName.text
      if FileListing.isHidden(name) { continue }
      if !entryName.isText {
        if entryName.isDirectory || isWanted(name) { foreign.add(ForeignName(entryName), in: directory) }
        continue
      }
      let path = joinPath(directory, name)
      if kind == UInt8(DT_DIR) {
        listed.subdirectories.append(path)
        continue
      }
      if kind == UInt8(DT_REG), isSeen(path) || !isWanted(name) {
        unsafe Self.withName(of: entry) { unsafe listed.settled.append($0) }
        continue
      }
      // Something new; or a link, whose target comes and goes elsewhere.
      listed.quiet = nil
      var info = stat()
      // Gone since it was listed: not there.
      guard unsafe stat(path, &info) == 0 else { continue }
      if info.st_mode & S_IFMT == S_IFDIR {
        if kind != UInt8(DT_LNK) { listed.subdirectories.append(path) }
        continue
      }
      guard info.st_mode & S_IFMT == S_IFREG, isWanted(name), isInTime(Self.nanoseconds(info)), !isSeen(path) else { continue }
      out.append(SeenFile(path: path, modifiedMs: StreamListing.milliseconds(info), size: Int(info.st_size)))
    }
    known[directory] = listed
    for path in listed.subdirectories { try walk(path, depth: depth + 1, last, isSeen, &out) }
  }

  // SAFETY: the entry lives until the next call of readdir, and its name ends with a zero byte.
  @unsafe private static func withName<R>(of entry: UnsafeMutablePointer<dirent>, _ use: (UnsafePointer<CChar>) -> R) -> R {
    unsafe withUnsafePointer(to: &entry.pointee.d_name) { unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256, use) }
  }

  /// A directory below the place may go between its listing and its reading: it holds nothing then.
  private func missing(_ directory: String, _ depth: Int, _ code: Int32) throws {
    if depth > 0, code == ENOENT || code == ENOTDIR { return }
    throw SystemError.make("cannot list", directory, code)
  }

  /// Files that cannot be read because their names are not UTF-8, each told once.
  func takeNotes() -> [String] { foreign.take() }

  /// True when a file of that name (nil: of any that is wanted) in a directory, or below it, is listed. The directory need not be there yet.
  func reads(_ name: String?, in directory: String) -> Bool {
    if let name, !isWanted(name) { return false }
    let resolved = Self.resolved(directory)
    guard isPattern else {
      let base = Self.components(resolvedPath(place)), target = Self.components(resolved)
      return target.starts(with: base) && !target.dropFirst(base.count).contains(where: FileListing.isHidden)
    }
    return GlobPattern.expandingBraces(place).contains { text in
      let patterns = Self.components(text).map { GlobPattern($0) }
      return [absolutePath(directory), resolved].contains { Self.reaches(patterns[...], Self.components($0)[...], name) }
    }
  }

  private static func components(_ path: String) -> [String] { path.split(separator: "/").map(String.init) }

  /// The path with the links of what is there resolved.
  private static func resolved(_ path: String) -> String {
    var at = absolutePath(path)
    var missing: [String] = []
    while at != "/", !pathExists(at) {
      missing.append(lastPathComponent(at))
      at = parentPath(at)
    }
    return missing.reversed().reduce(resolvedPath(at)) { joinPath($0, $1) }
  }

  /// True when a pattern matches the directory, one above it (both are walked), or a file in it.
  private static func reaches(_ patterns: ArraySlice<GlobPattern>, _ directory: ArraySlice<String>, _ name: String?) -> Bool {
    guard let pattern = patterns.first else { return !directory.contains(where: FileListing.isHidden) }
    let rest = patterns.dropFirst()
    let isDeep = pattern.text == "**"
    if isDeep, reaches(rest, directory, name) { return true }
    guard let own = directory.first else { return rest.isEmpty && (name.map { isDeep || pattern.matches($0) } ?? true) }
    if FileListing.isHidden(own), !(own.unicodeScalars.first.map { pattern.begins(with: $0) } ?? false) { return false }
    if isDeep { return reaches(patterns, directory.dropFirst(), name) }
    return pattern.matches(own) && reaches(rest, directory.dropFirst(), name)
  }

  static func milliseconds(_ info: stat) -> Int64 { Int64(info.st_mtim.tv_sec) * 1_000 + Int64(info.st_mtim.tv_nsec) / 1_000_000 }

  private func isInTime(_ nanoseconds: Int64) -> Bool {
    if let modifiedAfter, nanoseconds <= modifiedAfter { return false }
    if let modifiedBefore, nanoseconds >= modifiedBefore { return false }
    return true
  }

  private static func nanoseconds(_ info: stat) -> Int64 { Int64(info.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(info.st_mtim.tv_nsec) }

  private func isWanted(_ name: String) -> Bool {
    if ignoredSuffixes.contains(where: { name.hasSuffix($0) }) { return false }
    if let namePatterns { return namePatterns.contains { $0.matches(name) } }
    if fileExtensions.isEmpty { return true }
    guard let own = FileNames.formatExtension(name) else { return true }
    return fileExtensions.contains(own)
  }
}

/// Names that are not UTF-8, each given out once. Listings of patterns hand them over from a closure that may be sent.
private final class ForeignNames: Sendable {
  private struct State {
    var known: Set<String> = []
    var waiting: [String] = []
  }

  private let state = Mutex(State())

  func add(_ name: ForeignName, in directory: String) {
    let path = joinPath(directory, name.escaped)
    state.withLock { state in
      guard state.known.insert(path).inserted else { return }
      state.waiting.append("'\(path)' is not read: its name is not UTF-8")
    }
  }

  func take() -> [String] {
    state.withLock { state in
      defer { state.waiting = [] }
      return state.waiting
    }
  }
}
