// Role: tokens from a closure of the program: registered under a name, chosen by option `tokenProvider`.

import DataSource
import Synchronization

/// Gives a token for an audience such as `https://kusto.kusto.windows.net`; its end in ticks since 1970 where it is known.
package typealias TokenClosure = @Sendable (_ audience: String) throws -> (token: String, expiresOn: Int64?)

/// The closures of the process, by name.
package enum TokenClosures {
  private static let known = Mutex<[String: TokenClosure]>([:])

  package static func register(_ name: String, _ closure: @escaping TokenClosure) { known.withLock { $0[name] = closure } }
  package static func remove(_ name: String) { _ = known.withLock { $0.removeValue(forKey: name) } }

  /// Throws CONFIGURATION when there is none of that name.
  static func closure(_ name: String) throws -> TokenClosure {
    guard let found = known.withLock({ $0[name] }) else {
      throw KConnectError(
        .configuration, "no token provider is registered under the name '\(name.prefix(80))'",
        hint: "a program registers one before it reads or writes; class names of a JVM cannot be loaded here")
    }
    return found
  }
}

/// Tokens of a closure; called for every token wanted, as it may have a cache of its own.
struct TokenCallback: TokenMethod {
  let registeredName: String
  let closure: TokenClosure
  let context: CredentialContext

  var name: String { "token provider '\(registeredName)'" }

  func acquire(_ target: TokenTarget, previous: IssuedToken?) throws -> IssuedToken {
    do {
      let (token, end) = try closure(target.audience)
      guard !token.isEmpty else { throw KConnectError(.authentication, "the \(name) gave an empty token") }
      // Without an end it is asked again each time.
      return IssuedToken(secret: token, expiresOn: end ?? JWTText.expiry(token) ?? context.now())
    } catch let error as KConnectError {
      throw error
    } catch {
      throw KConnectError(.authentication, "the \(name) failed", hint: "its error is the cause", cause: error)
    }
  }
}
