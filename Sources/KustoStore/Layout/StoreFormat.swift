// Role: the mark of a store: `<store>/_kconnect/store.json` with the format version and the store's id. A newer version is refused by name.

import Columnar
import DataSource

/// The identity and format of a store directory.
package struct StoreFormat: Sendable, Hashable {
  /// The format this program writes, and the newest it reads.
  package static let currentVersion = 1
  static let directory = "_kconnect"
  static let fileName = "store.json"

  package var version: Int
  /// A GUID, made when the store is.
  package var id: String

  /// The path of the mark in a store.
  static func path(_ store: String) -> String { joinPath(joinPath(store, directory), fileName) }

  /// Reads the mark; nil when there is none. Throws NOT_SUPPORTED for a newer format, FORMAT_CORRUPT for an unreadable one.
  static func read(_ store: String) throws -> StoreFormat? {
    let file = path(store)
    guard let text = try SmallFile.readText(file) else { return nil }
    guard let value = DynamicValue(json: text), let format = value["format"]?.stringValue, format == "kconnect-store",
      let version = value["version"]?.longValue, let id = value["id"]?.stringValue
    else { throw KConnectError(.formatCorrupt, "'\(file)' is not the mark of a store: found '\(text.prefix(80))'") }
    guard version <= currentVersion else {
      throw KConnectError(
        .notSupported, "the store '\(store)' has format version \(version); this program reads up to version \(currentVersion)",
        hint: "use a newer kconnect")
    }
    return StoreFormat(version: Int(version), id: id)
  }

  /// Makes the mark of a new store; when another process was faster, its mark counts.
  static func create(_ store: String, fileSystem: FileSystem) throws -> StoreFormat {
    let own = StoreFormat(version: currentVersion, id: randomIdentifier())
    let text = "{\"format\":\"kconnect-store\",\"version\":\(own.version),\"id\":\"\(own.id)\",\"createdBy\":\"kconnect\"}\n"
    switch try SmallFile.put(text.utf8, name: fileName, in: joinPath(store, directory), fileSystem: fileSystem) {
    case .written: return own
    case .notDurable(let cause): throw cause
    case .taken: break
    }
    guard let other = try read(store) else { throw KConnectError(.io, "the mark of the store '\(store)' vanished while it was opened", isRetryable: true) }
    return other
  }
}
