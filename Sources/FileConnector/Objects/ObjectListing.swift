// Role: from a place in a store to the files of a table: an object, the objects below a name, or a pattern. The rules are those of directories.

import DataSource

enum ObjectListing {
  /// The entries, sorted by name. Throws PATH_NOT_FOUND when there are none.
  static func files(_ place: ObjectPlace, _ options: ListingOptions) throws -> [FileEntry] {
    let container = place.container
    if GlobPattern.isPattern(place.path) { return try matching(place, options) }
    if !place.path.isEmpty, let object = try container.find(place.path) { return [entry(object, container, below: parent(place.path))] }
    let prefix = place.path.isEmpty ? "" : place.path + "/"
    let found = try container.list(prefix).filter { !isHidden($0.name.dropFirst(prefix.count)) }
    guard !found.isEmpty else {
      throw KConnectError(.pathNotFound, "'\(place.shown)' does not exist, or holds no objects", hint: "names beginning with '_' or '.' are left out")
    }
    return chosen(found.map { entry($0, container, below: place.path) }, options)
  }

  private static func matching(_ place: ObjectPlace, _ options: ListingOptions) throws -> [FileEntry] {
    let base = place.path.split(separator: "/", omittingEmptySubsequences: false).prefix { !GlobPattern.isPattern(String($0)) }.joined(separator: "/")
    let patterns = GlobPattern.expandingBraces(place.path).map { $0.split(separator: "/").map { GlobPattern(String($0)) } }
    let found = try place.container.list(base.isEmpty ? "" : base + "/").filter { object in
      let parts = object.name.split(separator: "/").map(String.init)
      return patterns.contains { matches($0[...], parts[...]) }
    }
    guard !found.isEmpty else { throw KConnectError(.pathNotFound, "no object matches '\(place.shown)'", hint: "'*' stays within one part of a name, '**' does not") }
    return chosen(found.map { entry($0, place.container, below: base) }, options)
  }

  /// True when the pattern matches the object or a name above it: a pattern may end at a directory.
  private static func matches(_ pattern: ArraySlice<GlobPattern>, _ parts: ArraySlice<String>) -> Bool {
    guard let first = pattern.first else { return parts.allSatisfy { !FileListing.isHidden($0) } }
    if first.text == "**" {
      return (0...parts.count).contains { matches(pattern.dropFirst(), parts.dropFirst($0)) }
    }
    guard let part = parts.first, first.matches(part) else { return false }
    return matches(pattern.dropFirst(), parts.dropFirst())
  }

  private static func isHidden(_ name: Substring) -> Bool { name.split(separator: "/").contains { FileListing.isHidden(String($0)) } }

  private static func parent(_ name: String) -> String { name.lastIndex(of: "/").map { String(name[..<$0]) } ?? "" }

  private static func entry(_ object: StoredObject, _ container: any ObjectContainer, below base: String) -> FileEntry {
    let path = container.address + "/" + object.name
    let inner = base.isEmpty ? object.name[...] : object.name.dropFirst(base.count)
    return FileEntry(
      path: path, size: object.size, modified: object.modified, directories: inner.split(separator: "/").dropLast().map(String.init), source: .url(path),
      open: { InputFile(remote: container.bytes(of: object), path: path) })
  }

  private static func chosen(_ entries: [FileEntry], _ options: ListingOptions) -> [FileEntry] {
    let names = options.fileNamePattern.map { GlobPattern.expandingBraces($0).map(GlobPattern.init) }
    let wanted = entries.filter { entry in
      if let names, !names.contains(where: { $0.matches(lastPathComponent(entry.path)) }) { return false }
      if let limit = options.modifiedBefore, entry.modified >= limit { return false }
      if let limit = options.modifiedAfter, entry.modified <= limit { return false }
      return true
    }
    if names != nil || options.fileExtensions.isEmpty { return wanted }
    let typed = wanted.filter { entry in FileNames.formatExtension(entry.path).map { options.fileExtensions.contains($0) } ?? false }
    return typed.isEmpty ? wanted : typed
  }
}
