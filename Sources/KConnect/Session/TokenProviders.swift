// Role: tokens from the program's own code: closures under a name, which the option `tokenProvider` chooses.

import KustoConnector

/// A token with its end.
public struct AccessToken: Sendable, CustomStringConvertible, CustomReflectable {
  /// What stands behind `Authorization: Bearer`.
  public let token: String
  /// Seconds since 1970 at which it ends; nil: the closure is asked for every request, unless the token itself says its end.
  public let expiresOn: Int64?

  public init(_ token: String, expiresOn: Int64? = nil) {
    self.token = token
    self.expiresOn = expiresOn
  }

  /// Without the token.
  public var description: String { "AccessToken(****)" }
  public var customMirror: Mirror { Mirror(self, children: []) }
}

/// Token providers of this process.
public enum TokenProviders {
  /// Registers a closure that gives a token for an audience such as `https://kusto.kusto.windows.net`. It may be called by many threads, and
  /// again after a service refused its token. What it throws is the cause of an AUTHENTICATION error.
  ///
  ///     TokenProviders.register("mine") { audience in AccessToken(try myTokens(audience)) }
  ///     let df = try await spark.read.format("kusto").option("tokenProvider", "mine").load("https://help.kusto.windows.net/Samples.StormEvents")
  public static func register(_ name: String, _ provider: @escaping @Sendable (_ audience: String) throws -> AccessToken) {
    TokenClosures.register(name) { audience in
      let token = try provider(audience)
      return (token.token, token.expiresOn.map { $0 &* 10_000_000 })
    }
  }

  /// Forgets a closure; reads and writes that have begun keep it.
  public static func remove(_ name: String) { TokenClosures.remove(name) }
}
