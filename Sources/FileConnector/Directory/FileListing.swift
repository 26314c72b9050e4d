// Role: from paths, patterns and directories to the ordered list of files of a table. Commits in progress (see `DirectoryCommit`) are seen
// either wholly or not at all: pending journals are overlaid, and the walk is repeated when a directory changed under it.

#if canImport(Glibc)
import Glibc
#endif
package import DataSource

/// One file of a table.
package struct FileEntry: Sendable {
  /// Where it is read from; "-" for standard input, a URL for remote files.
  package var path: String
  /// The name to try when `path` has gone meanwhile: a commit moves files from the first name to the second.
  package var movedTo: String?
  /// As messages name it, where that is neither of them: a file below an open directory.
  package var displayPath: String?
  /// Bytes; nil when unknown before opening (streams, URLs).
  package var size: Int?
  /// Nanoseconds since 1970, 0 when unknown.
  package var modified: Int64
  /// Directory names between the table's base and the file, outermost first: what partition columns are read from.
  package var directories: [String]
  package var source: SourcePath
  /// Opens an object of a store; nil for everything else.
  package var open: (@Sendable () throws -> InputFile)?

  package init(
    path: String, movedTo: String? = nil, displayPath: String? = nil, size: Int?, modified: Int64, directories: [String] = [], source: SourcePath,
    open: (@Sendable () throws -> InputFile)? = nil
  ) {
    self.open = open
    self.path = path
    self.movedTo = movedTo
    self.displayPath = displayPath
    self.size = size
    self.modified = modified
    self.directories = directories
    self.source = source
  }

  /// The name for messages.
  var shownPath: String { displayPath ?? movedTo ?? path }
}

/// What is listed and what is left out.
package struct ListingOptions: Sendable {
  /// A pattern file names must match, nil for none. When given, extensions are not looked at.
  package var fileNamePattern: String?
  /// Nanoseconds since 1970; files modified at or after `modifiedBefore`, or before or at `modifiedAfter`, are left out.
  package var modifiedBefore: Int64?
  package var modifiedAfter: Int64?
  /// Where partition directories start; nil: the directory given, or the part of a pattern before its first wildcard.
  package var basePath: String?
  /// The format's extensions: a directory that has files with one of them is taken to consist of these.
  package var fileExtensions: [String] = []
  /// Gets the directory and name of files that would be listed if their names were UTF-8; nil: they are an error.
  package var onForeignName: (@Sendable (_ directory: String, ForeignName) -> Void)?
  /// The place in a store that a URL names; nil where it is an ordinary web address.
  package var place: (@Sendable (String) throws -> ObjectPlace?)?

  package init() {}
}

/// Lists the files of a table.
// SAFETY: everywhere here: `stat` and `lstat` copy the path for the call and fill a live variable, which is read where they answer 0.
package struct FileListing {
  private let options: ListingOptions
  private let namePatterns: [GlobPattern]?
  private var entries: [FileEntry] = []

  private init(_ options: ListingOptions) {
    self.options = options
    namePatterns = options.fileNamePattern.map { GlobPattern.expandingBraces($0).map(GlobPattern.init) }
  }

  /// The files of `paths` in order: of each path as given, sorted by bytes of the path within it. Throws PATH_NOT_FOUND when a path or
  /// pattern matches nothing.
  package static func files(_ paths: [String], _ options: ListingOptions) throws -> [FileEntry] {
    var listing = FileListing(options)
    for path in paths { try listing.add(path) }
    return listing.entries
  }

  private mutating func add(_ text: String) throws {
    let source = try SourcePath(text)
    switch source {
    case .url(let url) where options.place != nil:
      guard let place = try options.place?(url) else {
        entries.append(FileEntry(path: url, movedTo: nil, size: nil, modified: 0, directories: [], source: source))
        return
      }
      entries += try ObjectListing.files(place, options)
    case .standardStream, .url:
      let path = if case .url(let url) = source { url } else { "-" }
      entries.append(FileEntry(path: path, movedTo: nil, size: nil, modified: 0, directories: [], source: source))
    case .local(let path):
      switch pathKind(path) {
      case .file, .special: try addFile(path, base: options.basePath ?? parentPath(path), isNamed: true)
      case .directory: try addDirectory(trimmingSlashes(path), base: trimmingSlashes(path))
      case .missing:
        guard GlobPattern.isPattern(path) else { throw Self.missing(path) }
        try addPattern(path)
      }
    }
  }

  private static func missing(_ path: String) -> KConnectError {
    var info = stat()
    if unsafe stat(path, &info) != 0, errno == EACCES { return SystemError.make("cannot look at", path, EACCES) }
    let names = (try? DirectoryReader.names(in: parentPath(path))) ?? []
    let near = nearestName(to: lastPathComponent(path), among: names)
    var at = parentPath(path)
    while pathKind(at) == .missing, at != ".", at != "/" { at = parentPath(at) }
    let hint =
      near.map { "did you mean '\(joinPath(parentPath(path), $0))'?" }
      ?? (at == parentPath(path) ? "check the path; relative paths start at the working directory" : "the path exists up to '\(at)'")
    return KConnectError(.pathNotFound, "'\(path)' does not exist", hint: hint)
  }

  // MARK: Directories

  private mutating func addDirectory(_ root: String, base: String) throws {
    let base = options.basePath.map(trimmingSlashes) ?? base
    for attempt in 0..<5 {
      let before = Self.changeTime(root)
      var found: [FileEntry] = []
      var foreign: [(directory: String, name: ForeignName)] = []
      try walk(root, relative: Self.directories(from: base, to: root), ancestors: [], into: &found, &foreign)
      let pending = try CommitJournal.pending(in: root)
      let after = Self.changeTime(root)
      // A commit into this directory touches its root; one that ran during the walk may have been seen in part.
      if before != after, attempt < 4 { continue }
      found = try Self.overlay(pending, on: found, root: root, base: base)
      let chosen = chooseByExtension(found)
      for (directory, name) in foreign where name.isDirectory || isTyped(name.approximation) || !chosen.contains(where: { isTyped(lastPathComponent($0.path)) }) { try meet(name, in: directory) }
      entries += chosen
      return
    }
  }

  /// Modification time and inode, which an exchange of directories changes.
  private static func changeTime(_ path: String) -> [Int] {
    var info = stat()
    guard unsafe stat(path, &info) == 0 else { return [] }
    return [Int(info.st_ino), info.st_mtim.tv_sec, info.st_mtim.tv_nsec]
  }

  private static func overlay(_ pending: [CommitJournal], on found: [FileEntry], root: String, base: String) throws -> [FileEntry] {
    if pending.isEmpty { return found }
    var byPath: [String: FileEntry] = [:]
    for entry in found { byPath[entry.path] = entry }
    for journal in pending {
      for name in journal.removals { byPath[joinPath(root, name)] = nil }
      for move in journal.moves {
        let target = joinPath(root, move.to)
        guard byPath[target] == nil else { continue }
        let staged = joinPath(root, move.from)
        var info = stat()
        let present = unsafe stat(staged, &info) == 0 ? staged : target
        guard unsafe present == staged || stat(target, &info) == 0 else { continue }
        byPath[target] = FileEntry(
          path: present, movedTo: present == staged ? target : nil, size: Int(info.st_size), modified: nanoseconds(info),
          directories: directories(from: base, to: parentPath(target)), source: .local(target))
      }
    }
    return byPath.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map(\.value)
  }

  private func walk(
    _ directory: String, relative: [String], ancestors: [[Int]], into found: inout [FileEntry], _ foreign: inout [(directory: String, name: ForeignName)]
  ) throws {
    var own = stat()
    guard unsafe stat(directory, &own) == 0 else {
      // A directory that is gone since its name was read holds nothing.
      if errno == ENOENT, !ancestors.isEmpty { return }
      throw SystemError.make("cannot list", directory, errno)
    }
    let identity = [Int(own.st_dev), Int(own.st_ino)]
    // A link that leads back up is listed once, not forever.
    if ancestors.contains(identity) || ancestors.count > 100 { return }
    let names: [String]
    do {
      names = try DirectoryReader.names(in: directory) { name in
        if !Self.isHidden(name.approximation), name.isDirectory || matchesPatterns(name.approximation) { foreign.append((directory, name)) }
      }
    } catch let error as KConnectError where error.code == .pathNotFound && !ancestors.isEmpty { return }
    for name in names where !Self.isHidden(name) {
      let path = joinPath(directory, name)
      var info = stat()
      guard unsafe stat(path, &info) == 0 else {
        let code = errno
        // Gone since the names were read, unless it is a link to nothing.
        if code == ENOENT, !pathExists(path) { continue }
        throw SystemError.make("cannot stat", path, code)
      }
      if info.st_mode & S_IFMT == S_IFDIR {
        try walk(path, relative: relative + [name], ancestors: ancestors + [identity], into: &found, &foreign)
      } else if isWanted(name, info) {
        found.append(
          FileEntry(
            path: path, movedTo: nil, size: info.st_mode & S_IFMT == S_IFREG ? Int(info.st_size) : nil, modified: Self.nanoseconds(info),
            directories: relative, source: .local(path)))
      }
    }
  }

  /// The directory that Kusto's exports give to rows without a partition value.
  package static let defaultPartition = "__DEFAULT_PARTITION__"

  /// Names that are never data: `.…` and `_…`, except partition directories of columns that begin with `_`, and that of rows without a value.
  package static func isHidden(_ name: String) -> Bool {
    name.hasPrefix(".") || name.hasPrefix("_") && !name.utf8.contains(UInt8(ascii: "=")) && !name.hasPrefix(defaultPartition)
  }

  private func chooseByExtension(_ found: [FileEntry]) -> [FileEntry] {
    if namePatterns != nil || options.fileExtensions.isEmpty { return found }
    let typed = found.filter { isTyped(lastPathComponent($0.movedTo ?? $0.path)) }
    return typed.isEmpty ? found : typed
  }

  /// True for names with an extension of the format, or any where patterns choose.
  private func isTyped(_ name: String) -> Bool {
    if namePatterns != nil || options.fileExtensions.isEmpty { return true }
    return FileNames.formatExtension(name.lowercased()).map { options.fileExtensions.contains($0) } ?? false
  }

  private func matchesPatterns(_ name: String) -> Bool { namePatterns.map { $0.contains { $0.matches(name) } } ?? true }

  /// A file that cannot be named would be left out in silence.
  private func meet(_ name: ForeignName, in directory: String) throws {
    guard let report = options.onForeignName else { throw name.error(in: directory) }
    report(directory, name)
  }

  private func isWanted(_ name: String, _ info: stat) -> Bool {
    if !matchesPatterns(name) { return false }
    let modified = Self.nanoseconds(info)
    if let limit = options.modifiedBefore, modified >= limit { return false }
    if let limit = options.modifiedAfter, modified <= limit { return false }
    return true
  }

  private static func nanoseconds(_ info: stat) -> Int64 { Int64(info.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(info.st_mtim.tv_nsec) }

  // MARK: Files and patterns

  private mutating func addFile(_ path: String, base: String, isNamed: Bool) throws {
    var info = stat()
    guard unsafe stat(path, &info) == 0 else { throw SystemError.make("cannot stat", path, errno) }
    if !isNamed, !isWanted(lastPathComponent(path), info) { return }
    entries.append(
      FileEntry(
        path: path, movedTo: nil, size: info.st_mode & S_IFMT == S_IFREG ? Int(info.st_size) : nil, modified: Self.nanoseconds(info),
        directories: Self.directories(from: trimmingSlashes(base), to: parentPath(path)), source: .local(path)))
  }

  private mutating func addPattern(_ text: String) throws {
    var matches: Set<String> = []
    for expanded in GlobPattern.expandingBraces(text) {
      let isAbsolute = expanded.hasPrefix("/")
      let components = expanded.split(separator: "/").map { GlobPattern(String($0)) }
      try expand(components[...], at: isAbsolute ? "/" : "", into: &matches)
    }
    guard !matches.isEmpty else {
      throw KConnectError(.pathNotFound, "no file or directory matches '\(text)'", hint: "try the pattern with ls; hidden names (_*, .*) are left out")
    }
    let base = Self.literalPrefix(text)
    for path in matches.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
      if pathKind(path) == .directory { try addDirectory(path, base: base) } else { try addFile(path, base: options.basePath ?? base, isNamed: false) }
    }
  }

  /// The directory in front of the first component with a wildcard.
  private static func literalPrefix(_ text: String) -> String {
    var prefix: [Substring] = []
    for component in text.split(separator: "/", omittingEmptySubsequences: false).dropLast() {
      if GlobPattern.isPattern(String(component)) { break }
      prefix.append(component)
    }
    let joined = prefix.joined(separator: "/")
    return joined.isEmpty ? (text.hasPrefix("/") ? "/" : ".") : joined
  }

  private func expand(_ components: ArraySlice<GlobPattern>, at directory: String, into matches: inout Set<String>) throws {
    guard let pattern = components.first else {
      matches.insert(directory)
      return
    }
    let rest = components.dropFirst()
    if pattern.isLiteral {
      let path = joinPath(directory, pattern.literal)
      if rest.isEmpty ? pathKind(path) != .missing : pathKind(path) == .directory { try expand(rest, at: path, into: &matches) }
      return
    }
    let place = directory.isEmpty ? "." : directory
    let isDeep = pattern.text == "**"
    // Zero directories; a `**` at the end stands for every file below.
    if isDeep, !rest.isEmpty { try expand(rest, at: directory, into: &matches) }
    func isPassedOver(_ name: String) -> Bool { Self.isHidden(name) && !(name.unicodeScalars.first.map { pattern.begins(with: $0) } ?? false) }
    let names = try DirectoryReader.names(in: place) { name in
      guard !isPassedOver(name.approximation), isDeep ? name.isDirectory || rest.isEmpty : pattern.matches(name.approximation) && (rest.isEmpty || name.isDirectory) else { return }
      try meet(name, in: place)
    }
    for name in names where !isPassedOver(name) {
      let path = joinPath(directory, name)
      let isDirectory = pathKind(path) == .directory
      if isDeep {
        if isDirectory {
          var info = stat()
          // Links are not followed by `**`, so that it ends.
          if unsafe lstat(path, &info) == 0, info.st_mode & S_IFMT == S_IFLNK { continue }
          try expand(components, at: path, into: &matches)
        } else if rest.isEmpty {
          matches.insert(path)
        }
      } else if pattern.matches(name), rest.isEmpty || isDirectory {
        try expand(rest, at: path, into: &matches)
      }
    }
  }

  /// The directory names of `path` below `base`; empty when it does not lie below.
  private static func directories(from base: String, to path: String) -> [String] {
    func parts(_ text: String) -> [Substring] { text.split(separator: "/").filter { $0 != "." } }
    if base.hasPrefix("/") != path.hasPrefix("/") { return [] }
    let b = parts(base), p = parts(path)
    guard p.count >= b.count, p.prefix(b.count).elementsEqual(b) else { return [] }
    return p.dropFirst(b.count).map(String.init)
  }
}

