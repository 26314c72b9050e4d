// Role: a method of authentication as the transport sees it: which cloud a service belongs to, whether it may be sent a token at all, and the
// cached token for it.

import DataSource

/// Tokens of one method for any service. Thread-safe.
final class CachedTokenProvider: TokenProvider {
  private let method: any TokenMethod
  private let cache: TokenCache
  private let file: TokenFile?
  private let metadata: CloudMetadata
  private let context: CredentialContext
  private let trustedHosts: [String]
  /// The sign-in address the user wants instead of the cloud's.
  private let authorityHost: String?

  init(_ method: any TokenMethod, _ context: CredentialContext, cache: TokenCache, file: TokenFile?, trustedHosts: [String], authorityHost: String?) {
    self.method = method
    self.context = context
    self.cache = cache
    self.file = file
    self.trustedHosts = trustedHosts
    self.authorityHost = authorityHost
    metadata = CloudMetadata(context)
  }

  var name: String { method.name }

  func token(for resource: TokenResource) throws -> Token? {
    let target = try target(of: resource)
    let key = try TokenKey(method, target)
    let token = try cache.slot(key).token(now: context.now()) { previous in try acquire(key, previous) }
    return Token(secret: token.secret, expiresOn: token.expiresOn == .max ? nil : token.expiresOn)
  }

  func invalidate(_ token: Token, for resource: TokenResource) -> Bool {
    guard method.isRenewable, let target = try? target(of: resource), let key = try? TokenKey(method, target) else { return false }
    // When another thread or process has renewed it meanwhile, the next call answers with that one.
    try? file?.forget(token.secret, key.digest, now: context.now())
    cache.slot(key).forget(token.secret)
    return true
  }

  private func acquire(_ key: TokenKey, _ previous: IssuedToken?) throws -> IssuedToken {
    let now = context.now()
    var known = previous
    // A token that was refused is forgotten but for its refresh token.
    if previous?.secret.isEmpty ?? true, let kept = try file?.token(key.digest, now: now) {
      if kept.expiresOn > now + 300 * 10_000_000 { return kept }
      known = kept
    }
    let token = try method.acquire(key.target, previous: known)
    if method.isRenewable { try file?.store(token, key.digest, now: now) }
    return token
  }

  /// The cloud and audience of a service; throws AUTHENTICATION for hosts that must not see a token.
  private func target(of resource: TokenResource) throws -> TokenTarget {
    guard let address = URLParts(resource.endpoint) else {
      throw KConnectError(.usage, "'\(resource.endpoint.prefix(200))' is not an http address", hint: "write https://HOST")
    }
    var cloud: Cloud
    if let audience = resource.audience {
      cloud = Cloud.ofStorageHost(address.host)
      try cloud.checkTrust(address, trustedHosts: trustedHosts + Cloud.storageSuffixes)
      if let authorityHost { cloud.loginEndpoint = authorityHost }
      return TokenTarget(cloud: cloud, audience: audience.withoutTrailingSlashes)
    }
    // Where a token may never go the host is not even asked.
    if !address.isLoopback, address.scheme != "https" { try Cloud.publicCloud.checkTrust(address, trustedHosts: trustedHosts) }
    cloud = try metadata.cloud(of: address)
    try cloud.checkTrust(address, trustedHosts: trustedHosts)
    if let authorityHost { cloud.loginEndpoint = authorityHost }
    return TokenTarget(cloud: cloud, audience: cloud.clusterAudience)
  }
}
