// Role: tokens in memory, one place for each (method, directory, audience). A token is renewed before it ends, by one thread: the others go on
// with the old one, or wait for the first token together and share its failure.

import DataSource
import Synchronization

/// What tells tokens apart. Secrets are in it as a digest only: a rotated key gets a new token.
struct TokenKey: Hashable, Sendable {
  let method: String
  let target: TokenTarget
  /// Hexadecimal SHA-256 over everything, secrets included: the name on disk.
  let digest: String

  init(_ method: any TokenMethod, _ target: TokenTarget) throws {
    self.method = method.name
    self.target = target
    var bytes: [UInt8] = []
    for text in [method.name, target.cloud.loginEndpoint, target.audience] { bytes += Array(text.utf8) + [0] }
    // SAFETY: the secret's bytes live for the closure, which copies them.
    for secret in method.fingerprint { bytes += unsafe secret.withBytes { unsafe Array($0) } + [0] }
    digest = try Crypto.sha256(bytes).map { String(0x100 + Int($0), radix: 16).dropFirst() }.joined()
  }
}

/// The tokens of the process. Thread-safe.
package final class TokenCache: Sendable {
  /// Shared by all sessions.
  package static let shared = TokenCache()
  private let slots = Mutex<[TokenKey: TokenSlot]>([:])

  package init() {}

  func slot(_ key: TokenKey) -> TokenSlot {
    slots.withLock { slots in
      if let found = slots[key] { return found }
      let made = TokenSlot()
      slots[key] = made
      return made
    }
  }
}

/// The token of one key.
final class TokenSlot: Sendable {
  private struct State {
    var token: IssuedToken?
    /// Counts attempts that have ended.
    var generation = 0
    /// Why the last attempt failed.
    var failure: (any Error)?
    /// Ticks before which a token that still works is not renewed: the last attempt failed.
    var pausedUntil: Int64 = 0
  }

  private let state = Mutex(State())
  /// Held while a token is being got.
  private let turn = Mutex(())

  private static let second: Int64 = 10_000_000
  /// Renewed when it ends within this time, unless the service names another.
  private static let renewalMargin = 300 * second
  /// Not used any more when it ends within this time: requests take a while.
  private static let endMargin = 30 * second
  private static let pauseAfterFailure = 30 * second

  /// The token, or a fresh one of `acquire`, which gets the last one.
  func token(now: Int64, _ acquire: (IssuedToken?) throws -> IssuedToken) throws -> IssuedToken {
    let (known, generation, pausedUntil) = state.withLock { ($0.token, $0.generation, $0.pausedUntil) }
    if let known, known.expiresOn > now &+ Self.endMargin {
      if now < known.refreshOn ?? (known.expiresOn - Self.renewalMargin) || now < pausedUntil { return known }
      let renewed = turn.withLockIfAvailable { _ in try? fetch(after: generation, now, acquire) } ?? nil
      return renewed ?? known
    }
    return try turn.withLock { _ in try fetch(after: generation, now, acquire) }
  }

  /// Gets a token, unless another thread's attempt has ended since `generation` was read: its outcome is ours too.
  private func fetch(after generation: Int, _ now: Int64, _ acquire: (IssuedToken?) throws -> IssuedToken) throws -> IssuedToken {
    let current = state.withLock { $0 }
    if current.generation != generation {
      if let token = current.token { return token }
      if let failure = current.failure { throw failure }
    }
    let outcome = Result { try acquire(current.token) }
    state.withLock { state in
      state.generation += 1
      switch outcome {
      case .success(let token):
        state.token = token
        state.failure = nil
      case .failure(let error):
        state.failure = error
        state.pausedUntil = now + Self.pauseAfterFailure
      }
    }
    return try outcome.get()
  }

  /// Forgets a token that a service has refused, where it is the current one; keeps its refresh token.
  func forget(_ secret: String) {
    state.withLock { state in
      guard let token = state.token, token.secret == secret else { return }
      state.token = token.refreshToken.map { IssuedToken(secret: "", expiresOn: 0, refreshToken: $0) }
      state.failure = nil
    }
  }
}
