// Role: stores of objects behind URLs, as files are read from and written to them: what a connector implements, and the table of those known.
// An object becomes visible whole or not at all; objects of one write become visible one after the other.

package import DataSource

/// An object found in a store.
package struct StoredObject: Sendable {
  /// The whole name in its place, with `/` between parts.
  package var name: String
  package var size: Int
  /// Nanoseconds since 1970.
  package var modified: Int64
  /// Changes with the content; empty when the store has none.
  package var tag: String

  package init(name: String, size: Int, modified: Int64, tag: String) {
    self.name = name
    self.size = size
    self.modified = modified
    self.tag = tag
  }
}

/// What a write does with an object of the same name.
package enum ObjectReplacement: Sendable { case replace, fail }

/// An object under construction: `finish` of `RemoteOutput` brings its bytes to the store, `commit` makes it visible.
package protocol ObjectOutput: RemoteOutput {
  /// Throws ALREADY_EXISTS when the object must not replace another and there is one.
  func commit() throws
  /// Drops what was not committed.
  func abort()
}

/// A container (bucket, file system) of a store, opened with credentials. Thread-safe.
package protocol ObjectContainer: Sendable {
  /// The address for messages and plans, without secrets and without a slash at the end.
  var address: String { get }
  /// All objects whose names begin with `prefix`, sorted by the bytes of their names; of place holders for directories none.
  func list(_ prefix: String) throws -> [StoredObject]
  /// Nil when there is no such object.
  func find(_ name: String) throws -> StoredObject?
  /// The bytes of an object; reading throws IO when it has changed since it was found.
  func bytes(of object: StoredObject) -> any RemoteBytes
  func output(_ name: String, _ replacement: ObjectReplacement) throws -> any ObjectOutput
  /// Done also when there is none.
  func remove(_ name: String) throws
}

/// A kind of store.
package protocol ObjectStore: Sendable {
  /// Options that reading and writing need for it, beside those of the format.
  var options: [OptionSpec] { get }
  /// The place a URL names; nil when it is none of this store's. Throws `KConnectError` for broken addresses and credentials.
  func place(_ url: String, options: DataSourceOptions) throws -> ObjectPlace?
}

/// A URL taken apart: a container and a name, prefix or pattern in it, without slashes at both ends.
package struct ObjectPlace: Sendable {
  package let container: any ObjectContainer
  package let path: String

  package init(container: any ObjectContainer, path: String) {
    self.container = container
    self.path = path
  }

  /// For messages.
  package var shown: String { path.isEmpty ? container.address : container.address + "/" + path }
}

/// The stores of the process. Connectors add theirs when the sources are put together, before any is used.
package struct ObjectStores: Sendable {
  package let stores: [any ObjectStore]

  package init(_ stores: [any ObjectStore] = []) { self.stores = stores }

  package var options: [OptionSpec] { stores.flatMap(\.options) }

  /// The place a URL names; nil when no store claims it: it is then an ordinary web address.
  package func place(_ url: String, options: DataSourceOptions) throws -> ObjectPlace? {
    for store in stores {
      if let found = try store.place(url, options: options) { return found }
    }
    return nil
  }
}

package enum URLText {
  /// A URL as messages and plans may show it: without a query that holds a signature, and without a password.
  package static func shown(_ url: String) -> String {
    let url = withoutPassword(url)
    guard let mark = url.firstIndex(of: "?") else { return url }
    let names = url[url.index(after: mark)...].split(separator: "&").map { $0.prefix { $0 != "=" }.lowercased() }
    let isSigned = names.contains { ["sig", "signature", "x-amz-signature", "x-goog-signature", "token", "access_token", "code", "key"].contains($0) }
    return isSigned ? url[..<mark] + "?****" : url
  }

  /// `user:password@` of an address as `user:****@`.
  private static func withoutPassword(_ url: String) -> String {
    guard let scheme = url.utf8.firstRange(of: "://".utf8) else { return url }
    let rest = url[scheme.upperBound...]
    let authority = rest.prefix { !"/?#".contains($0) }
    guard let at = authority.lastIndex(of: "@"), let colon = authority[..<at].firstIndex(of: ":") else { return url }
    return url[...colon] + "****" + url[at...]
  }
}
