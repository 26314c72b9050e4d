// Role: how many requests may run at a time.

import DataSource

/// How many requests run at a time, in all and for one principal.
final class Permits: Sendable {
  private let state = Guarded<(all: Int, byPrincipal: [String: Int])>((0, [:]))
  private let limit: Int
  private let principalLimit: Int

  init(limit: Int, principalLimit: Int) {
    self.limit = limit
    self.principalLimit = principalLimit
  }

  var running: Int { state.withLock { $0.all } }

  /// Runs `body` when there is room; throws THROTTLED when there is not.
  func holding<R>(_ principal: String, _ body: () throws -> R) throws -> R {
    let refusal = state.withLock { state -> String? in
      if state.all >= limit { return "\(limit) requests run already (Origin: 'CapacityPolicy/Requests')" }
      let own = state.byPrincipal[principal, default: 0]
      if own >= principalLimit { return "\(principalLimit) requests of '\(principal)' run already (Origin: 'RequestRateLimitPolicy/Principal')" }
      state.all += 1
      state.byPrincipal[principal] = own + 1
      return nil
    }
    if let refusal { throw KConnectError(.throttled, "The request was throttled: \(refusal)", hint: "try again later", isRetryable: true) }
    defer {
      state.withLock { state in
        state.all -= 1
        let left = state.byPrincipal[principal, default: 1] - 1
        state.byPrincipal[principal] = left > 0 ? left : nil
      }
    }
    return try body()
  }
}
