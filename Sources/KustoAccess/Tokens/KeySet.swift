// Role: the keys of an issuer: read from JWKS, PEM or given, found by `kid`; and a cache that loads them again when an unknown one is named.
// Source: RFC 7517.

import Columnar
import DataSource
import FileConnector
import Synchronization

/// Keys by their ids. An id is a word to compare; it is never a path or an address.
package struct KeySet: Sendable {
  struct Entry: Sendable {
    let id: String?
    let key: TokenKey
    /// The one algorithm the key is for; nil: any that fits its kind.
    let algorithm: TokenAlgorithm?
  }

  private(set) var entries: [Entry] = []
  /// JWKS with more keys are refused.
  private static let maximumKeys = 256

  package init() {}

  package init(_ key: TokenKey, id: String?) { entries = [Entry(id: id, key: key, algorithm: nil)] }

  /// Reads a JWKS document, or PEM text with one key or certificate. Keys that are not for signatures, or of other kinds, are left out.
  /// Throws CONFIGURATION.
  package init(_ bytes: [UInt8], name: String) throws {
    if bytes.starts(with: Array("-----BEGIN".utf8)) {
      guard let key = TokenKey(publicPEM: bytes) else { throw KConnectError(.configuration, "'\(name)' holds no public key or certificate of at least \(TokenKey.minimumBits) bits") }
      entries = [Entry(id: nil, key: key, algorithm: nil)]
      return
    }
    guard let text = String(validating: bytes, as: UTF8.self), let document = try? DynamicValue(parsing: text), let keys = document["keys"]?.items, keys.count <= Self.maximumKeys else {
      throw KConnectError(.configuration, "'\(name)' is no JWKS document", hint: #"expected {"keys":[…]} with at most \#(Self.maximumKeys) keys, or a key in PEM"#)
    }
    for key in keys { if let entry = Self.entry(key) { entries.append(entry) } }
    if entries.isEmpty { throw KConnectError(.configuration, "'\(name)' has no key for RS256, PS256 or ES256") }
  }

  private static func entry(_ value: DynamicValue) -> Entry? {
    if let use = value["use"]?.text, use != "sig" { return nil }
    var algorithm: TokenAlgorithm?
    if let name = value["alg"]?.text {
      guard let known = TokenAlgorithm(rawValue: name) else { return nil }
      algorithm = known
    }
    func number(_ name: String) -> [UInt8]? { value[name]?.text.flatMap { Base64.bytes($0.utf8, .token) } }
    let key: TokenKey?
    switch value["kty"]?.text {
    case "RSA": key = number("n").flatMap { n in number("e").flatMap { TokenKey(modulus: n, exponent: $0) } }
    case "EC" where value["crv"]?.text == "P-256": key = number("x").flatMap { x in number("y").flatMap { TokenKey(x: x, y: $0) } }
    default: key = nil
    }
    return key.map { Entry(id: value["kid"]?.text, key: $0, algorithm: algorithm) }
  }

  /// The keys that a token with this `kid` may be signed with: those of that id; for a token without one, the only key there is.
  func candidates(_ id: String?, _ algorithm: TokenAlgorithm) -> [TokenKey] {
    let named = id == nil ? (entries.count == 1 ? entries : []) : entries.filter { $0.id == id || ($0.id == nil && entries.count == 1) }
    return named.filter { ($0.algorithm ?? algorithm) == algorithm && $0.key.isRSA == (algorithm != .es256) }.map(\.key)
  }
}

/// Keys that may change while the server runs.
package final class KeyCache: Sendable {
  private struct State {
    var keys: KeySet?
    /// Seconds since 1970 of the last attempt.
    var loadedOn: Int64 = .min
  }
  private let state = Mutex(State())
  /// Held by whoever fetches; those whose keys are known do not come here.
  private let fetching = Mutex<Void>(())
  private let load: @Sendable () throws -> KeySet
  /// Seconds between two attempts, so that tokens with invented key ids cause no storm of fetches.
  private static let pause: Int64 = 60
  /// Seconds after which keys are loaded again.
  private static let lifetime: Int64 = 86_400

  package init(_ load: @escaping @Sendable () throws -> KeySet) { self.load = load }

  package convenience init(_ keys: KeySet) { self.init { keys } }

  /// A JWKS or PEM file, or a JWKS at an `https://` address. Throws CONFIGURATION for other addresses.
  package convenience init(location: String) throws {
    let limit = 1 << 20
    guard location.contains("://") else {
      self.init {
        guard let bytes = try SmallFile.read(location, limit: limit, tooLarge: .configuration) else { throw KConnectError(.configuration, "there is no key file '\(location)'") }
        return try KeySet(bytes, name: location)
      }
      return
    }
    guard location.lowercased().hasPrefix("https://") else { throw KConnectError(.configuration, "keys are fetched over https only, found '\(location)'") }
    self.init {
      var http = HTTPOptions()
      http.followsRedirects = false
      let file: InputFile
      do { file = try HTTPDownload.spool(location, http) } catch var error as KConnectError {
        // It is not an address that a request has named.
        error.code = .io
        throw error
      }
      guard let size = file.size, size <= limit else { throw KConnectError(.configuration, "'\(location)' has more than \(limit) bytes") }
      var bytes = [UInt8](repeating: 0, count: size)
      // SAFETY: the buffer has `size` bytes and lives through the call.
      let n = try unsafe bytes.withUnsafeMutableBytes { try unsafe file.pread(into: $0, at: 0) }
      return try KeySet(Array(bytes.prefix(n)), name: location)
    }
  }

  /// The keys for a token, loaded again when they are old or do not have the id. `now` in seconds since 1970. Throws when there are none at all.
  func candidates(_ id: String?, _ algorithm: TokenAlgorithm, now: Int64) throws -> [TokenKey] {
    if let found = try known(id, algorithm, now) { return found }
    let old = state.withLock { $0.keys?.candidates(id, algorithm) } ?? []
    // Keys that are only old will do while somebody fetches.
    if !old.isEmpty { return try fetching.withLockIfAvailable { _ in try fetch(id, algorithm, now) } ?? old }
    return try fetching.withLock { _ in try fetch(id, algorithm, now) }
  }

  /// Called by one thread at a time.
  private func fetch(_ id: String?, _ algorithm: TokenAlgorithm, _ now: Int64) throws -> [TokenKey] {
    // Somebody else may have fetched meanwhile.
    if let found = try known(id, algorithm, now) { return found }
    do {
      let keys = try load()
      state.withLock { $0 = State(keys: keys, loadedOn: now) }
      return keys.candidates(id, algorithm)
    } catch {
      // Keys that were good stay so while their place cannot be reached.
      let keys = state.withLock { state in
        state.loadedOn = now
        return state.keys
      }
      guard let keys else { throw error }
      return keys.candidates(id, algorithm)
    }
  }

  /// What is known without asking; nil: the keys are to be fetched. Throws while there are none and it was tried a moment ago.
  private func known(_ id: String?, _ algorithm: TokenAlgorithm, _ now: Int64) throws -> [TokenKey]? {
    let (keys, loadedOn) = state.withLock { ($0.keys, $0.loadedOn) }
    let isRecent = loadedOn != .min && now - loadedOn < Self.pause
    guard let keys else {
      if isRecent { throw KConnectError(.configuration, "the issuer's keys could not be loaded; the next attempt is within \(Self.pause) s") }
      return nil
    }
    let found = keys.candidates(id, algorithm)
    if isRecent { return found }
    return found.isEmpty || now - loadedOn >= Self.lifetime ? nil : found
  }
}
