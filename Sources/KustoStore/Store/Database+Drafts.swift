// Role: tables under way: made where nobody looks, filled, then given their names in one rename. A process that dies leaves a draft that
// garbage collection removes.

#if canImport(Glibc)
import Glibc
#endif
import Columnar
import DataSource

extension Database {
  /// Makes an empty table that has no name yet. `publish` or `discard` it. `isHidden`: it is one of the store's own.
  func draftTable(_ description: TableDescription, isHidden: Bool = false) throws -> StoreTable {
    if !isHidden, Self.isHidden(description.name) { throw Self.ownName(description.name) }
    let entry = try StoreNames.encode(description.name, kind: "table")
    try description.check()
    try checkPlace(entry)
    // The lease in the name tells the garbage collection whose draft it is.
    let draft = try Self.temporaryPrefix + leases.identifier() + "-" + randomIdentifier()
    do {
      try StoreTable.make(at: directory.path(draft), description, fileSystem: store.fileSystem)
      return try StoreTable(database: self, name: description.name, entry: draft, shownAs: entry)
    } catch {
      _ = store.fileSystem.removeTree(directory.path(draft))
      throw error
    }
  }

  /// Gives a draft its name. Throws ALREADY_EXISTS when the name was taken meanwhile; the draft is then still there.
  func publish(_ draft: StoreTable) throws {
    guard let from = draft.currentEntry else { throw KConnectError(.pathNotFound, "the table '\(draft.name)' under way was removed") }
    let entry = try StoreNames.encode(draft.name, kind: "table")
    let lock = try lockNames()
    defer { withExtendedLifetime(lock) {} }
    if try isPromised(entry) { throw alreadyExists(draft.name) }
    let code = store.fileSystem.rename(directory.path(from), directory.path(entry), .noReplace)
    if code == EEXIST || code == ENOTEMPTY {
      try checkPlace(entry)
      throw alreadyExists(draft.name)
    }
    try SystemError.check(code, "cannot create the table", joinPath(path, entry))
    try SystemError.check(store.fileSystem.syncDirectory(directory.path), "cannot sync", path)
  }

  /// Removes a draft; a table that has its name stays.
  func discard(_ draft: StoreTable) {
    guard let entry = draft.currentEntry, entry.hasPrefix(Self.temporaryPrefix) else { return }
    _ = store.fileSystem.removeTree(directory.path(entry))
  }

  /// Throws where something that is no table stands in the place of one.
  private func checkPlace(_ entry: String) throws {
    let place = directory.path(entry)
    guard pathKind(place) != .missing, pathKind(place + "/_delta_log") != .directory else { return }
    throw KConnectError(.usage, "'\(joinPath(path, entry))' exists and is no table of the store", hint: "move it away, or choose another name")
  }

  func alreadyExists(_ table: String) -> KConnectError { KConnectError(.alreadyExists, "the table '\(table)' exists already in the database '\(name)'") }

  /// The lease in the name of a draft; nil for drafts of other kinds.
  static func lease(ofDraft entry: String) -> String? {
    let rest = entry.dropFirst(temporaryPrefix.count)
    return entry.hasPrefix(temporaryPrefix) && rest.utf8.count > 13 ? String(rest.prefix(12)) : nil
  }
}
