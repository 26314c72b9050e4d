// Role: which paths and URLs requests may touch: those under what the operator allows, never link-local addresses.

import DataSource

#if canImport(Glibc)
import Glibc
#endif

/// Allowed places.
package struct PathGuard: Sendable {
  private let directories: [String]
  private let addresses: [URLParts]

  /// Directories and URL prefixes. Throws CONFIGURATION for URLs that are none.
  package init(paths: [String], urls: [String]) throws {
    directories = paths.map { resolvedPath($0) }
    addresses = try urls.map { text in
      guard let parts = URLParts(text) else {
        throw KConnectError(.usage, "--allow-url: '\(text)' is no address", hint: "as in https://account.blob.core.windows.net/container/")
      }
      return parts
    }
  }

  /// Throws PERMISSION for places that are not allowed.
  package func check(_ place: String) throws {
    if place.contains("://") { try checkURL(place) } else { try checkPath(place) }
  }

  private func refusal(_ place: String, _ why: String) -> KConnectError {
    KConnectError(.permission, "the server may not touch '\(place.prefix { $0 != "?" && $0 != ";" })': \(why)")
  }

  private func checkPath(_ path: String) throws {
    let parts = path.split(separator: "/", omittingEmptySubsequences: true)
    guard path.hasPrefix("/"), !path.utf8.contains(0) else { throw refusal(path, "the path is not absolute") }
    guard !parts.contains(where: { percentDecoded($0) == ".." }) else { throw refusal(path, "the path goes up") }
    // What a pattern finds is known only when it is read.
    guard !path.contains(where: { "*?[{".contains($0) }) else { throw refusal(path, "the server reads no patterns") }
    // What exists of the path, links resolved; the rest is what is made there.
    var existing = path
    while !pathExists(existing), existing != "/" { existing = parentPath(existing) }
    let real = resolvedPath(existing)
    guard directories.contains(where: { $0 == "/" || real == $0 || real.hasPrefix($0 + "/") }) else {
      throw refusal(path, directories.isEmpty ? "no paths are allowed (--allow-path)" : "it is not under an allowed path (--allow-path)")
    }
  }

  private func checkURL(_ url: String) throws {
    guard let parts = URLParts(url, schemes: ["http", "https", "file"]), !url.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F || $0 == UInt8(ascii: "\\") }) else {
      throw refusal(url, "only http, https and file addresses are read")
    }
    if parts.scheme == "file" {
      // Readers decode such an address, or do not: only the spellings that are the same for all are taken.
      guard parts.host.isEmpty || parts.host == "localhost", !url.contains(where: { "%?#".contains($0) }) else { throw refusal(url, "write the plain path") }
      return try checkPath(parts.path)
    }
    guard addresses.contains(where: { $0.covers(parts) }) else {
      throw refusal(url, addresses.isEmpty ? "no addresses are allowed (--allow-url)" : "it is not under an allowed address (--allow-url)")
    }
    for address in Self.resolve(parts.host) where address.isLinkLocal { throw refusal(url, "it is a link-local address") }
  }

  /// The numeric addresses of a host, in whatever spelling; none when it is unknown.
  private static func resolve(_ host: String) -> [IPAddress] {
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    // SAFETY: getaddrinfo fills `list`, which is walked while it lives and freed at the end.
    guard unsafe getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
    defer { unsafe freeaddrinfo(list) }
    var found: [IPAddress] = []
    var next = unsafe list
    while let entry = unsafe next {
      if let address = unsafe entry.pointee.ai_addr { unsafe IPAddress(address, entry.pointee.ai_family).map { found.append($0) } }
      unsafe next = entry.pointee.ai_next
    }
    return found
  }
}

/// The bytes of a network address.
private struct IPAddress {
  var bytes: [UInt8]

  init?(_ address: UnsafePointer<sockaddr>, _ family: Int32) {
    // SAFETY: the family says which structure stands at the address.
    switch family {
    case AF_INET: bytes = unsafe UnsafeRawPointer(address).withMemoryRebound(to: sockaddr_in.self, capacity: 1) { unsafe withUnsafeBytes(of: $0.pointee.sin_addr) { unsafe Array($0) } }
    case AF_INET6: bytes = unsafe UnsafeRawPointer(address).withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { unsafe withUnsafeBytes(of: $0.pointee.sin6_addr) { unsafe Array($0) } }
    default: return nil
    }
  }

  /// 169.254.0.0/16 and fe80::/10, also mapped into IPv6.
  var isLinkLocal: Bool {
    if bytes.count == 4 { return bytes[0] == 169 && bytes[1] == 254 }
    let isMapped = bytes.count == 16 && bytes[..<10].allSatisfy { $0 == 0 } && (bytes[10] == 0xFF && bytes[11] == 0xFF || bytes[10] == 0 && bytes[11] == 0)
    if isMapped { return bytes[12] == 169 && bytes[13] == 254 }
    return bytes.count == 16 && bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80
  }
}

extension URLParts {
  private var effectivePort: Int { port ?? (scheme == "https" ? 443 : 80) }

  /// Whether another address lies under this one: same origin, and the path is this one or below it.
  func covers(_ other: URLParts) -> Bool {
    guard scheme == other.scheme, host == other.host, effectivePort == other.effectivePort else { return false }
    guard !percentDecoded(other.path).split(separator: "/").contains("..") else { return false }
    let prefix = path.hasSuffix("/") ? path : path + "/"
    return path.isEmpty || path == "/" || other.path == path || other.path.hasPrefix(prefix)
  }
}
