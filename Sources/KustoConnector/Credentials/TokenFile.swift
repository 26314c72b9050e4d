// Role: tokens on disk, when the user asks for it: one JSON file, readable by its owner alone, replaced atomically under a lock.
//
//     {"version":1,"tokens":[{"key":"<SHA-256>","expiresOn":<ticks>,"accessToken":"…","refreshToken":"…"}]}

#if canImport(Glibc)
import Glibc
#endif
import Columnar
import DataSource

/// The token file of a user.
package struct TokenFile: Sendable {
  package let path: String
  private static let version: Int64 = 1
  private static let limit = 16 << 20

  package init(_ path: String) { self.path = path }

  /// The token of a key that has not ended by `now`; nil when there is none. Throws PERMISSION for a file that others may read, CONFIGURATION
  /// for one of a newer version; a broken one counts as empty.
  func token(_ key: String, now: Int64) throws -> IssuedToken? { try entries(now: now).first { $0.key == key }?.token }

  /// Puts a token in the place of the key's old one; entries that have ended go.
  func store(_ token: IssuedToken, _ key: String, now: Int64) throws {
    try change(now: now) { all in
      all.removeAll { $0.key == key }
      all.append((key, token))
      return true
    }
  }

  /// Takes away a token that a service has refused, where it is still the key's; its refresh token stays. What another process has put there
  /// meanwhile is not touched.
  func forget(_ secret: String, _ key: String, now: Int64) throws {
    try change(now: now) { all in
      guard let i = all.firstIndex(where: { $0.key == key && $0.token.secret == secret }) else { return false }
      let refresh = all.remove(at: i).token.refreshToken
      if let refresh { all.append((key, IssuedToken(secret: "", expiresOn: 0, refreshToken: refresh))) }
      return true
    }
  }

  /// Writes the entries anew where `body` says that it has changed them, under the file's lock.
  private func change(now: Int64, _ body: (inout [Entry]) -> Bool) throws {
    let directory = parentPath(path)
    let (_, code) = FileSystem.system.makeDirectories(directory)
    try SystemError.check(code, "cannot create the directory", directory)
    // SAFETY: the path is copied for the call.
    let lock = unsafe open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard lock >= 0 else { throw SystemError.make("cannot lock", path, errno) }
    defer { close(lock) }
    while flock(lock, LOCK_EX) != 0 {
      if errno != EINTR { throw SystemError.make("cannot lock", path, errno) }
    }
    var all = try entries(now: now)
    if body(&all) { try write(all) }
  }

  private typealias Entry = (key: String, token: IssuedToken)

  private func entries(now: Int64) throws -> [Entry] {
    var info = stat()
    // SAFETY: the call fills the structure, which lives on the stack.
    guard unsafe lstat(path, &info) == 0 else { return [] }
    guard info.st_mode & S_IFMT == S_IFREG, info.st_uid == geteuid(), info.st_mode & 0o077 == 0 else {
      throw KConnectError(.permission, "the token cache '\(path)' is not a file that its owner alone may read", hint: "chmod 600 it, or remove it")
    }
    guard let text = try SmallFile.readText(path, limit: Self.limit), let document = try? DynamicValue(parsing: text) else { return [] }
    guard let version = document["version"]?.wholeNumber else { return [] }
    guard version <= Self.version else {
      throw KConnectError(.configuration, "the token cache '\(path)' has version \(version), expected at most \(Self.version)", hint: "a newer kconnect wrote it; name another file")
    }
    guard case .array(let items)? = document["tokens"] else { return [] }
    return items.compactMap { item in
      guard let key = item["key"]?.text, let end = item["expiresOn"]?.wholeNumber, let secret = item["accessToken"]?.text else { return nil }
      let refresh = item["refreshToken"]?.text
      guard end > now || refresh != nil else { return nil }
      return (key, IssuedToken(secret: secret, expiresOn: end, refreshToken: refresh.map { Secret($0) }))
    }
  }

  private func write(_ entries: [Entry]) throws {
    let items = entries.map { entry in
      "{\"key\":\(DynamicValue.string(entry.key).json),\"expiresOn\":\(entry.token.expiresOn),\"accessToken\":\(DynamicValue.string(entry.token.secret).json)"
        + (entry.token.refreshToken.map { ",\"refreshToken\":\(DynamicValue.string($0.reveal()).json)" } ?? "") + "}"
    }
    var text = "{\"version\":\(Self.version),\"tokens\":[\(items.joined(separator: ",\n"))]}\n"
    let draft = path + "." + randomIdentifier() + ".tmp"
    let fileSystem = FileSystem.system
    // Whoever could open it before it is closed to others would read what comes later.
    let file = try OutputFile(creating: draft, displayPath: path, mode: 0o600)
    do {
      // SAFETY: the bytes live for the call.
      try text.withUTF8 { try unsafe file.write(UnsafeRawBufferPointer($0)) }
      try file.sync()
      try file.close()
      try SystemError.check(fileSystem.rename(draft, path), "cannot create", path)
    } catch {
      _ = fileSystem.remove(draft)
      throw error
    }
  }
}
