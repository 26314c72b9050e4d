// Role: what is tried when the user names no method: the Azure CLI, then a device code where somebody can read it.

import DataSource

/// The methods in their order; the first that gives a token is kept.
struct SignInChain: TokenMethod {
  let methods: [any TokenMethod]

  var name: String { "default (" + methods.map(\.name).joined(separator: ", ") + ")" }

  func acquire(_ target: TokenTarget, previous: IssuedToken?) throws -> IssuedToken {
    if let interactive = methods.last as? DeviceCode, previous?.refreshToken != nil { return try interactive.acquire(target, previous: previous) }
    var reasons: [String] = []
    for method in methods {
      do { return try method.acquire(target, previous: previous) } catch let error as KConnectError {
        reasons.append("\(method.name): \(error.message)")
      }
    }
    throw KConnectError(
      .authentication, "no method of authentication is given and none of the usual ones works: " + reasons.joined(separator: "; "),
      hint: "give one: kustoAadAppId with kustoAadAppSecret, managedIdentityAuth=true, accessToken=env:NAME, azureCliAuth=true, deviceAuth=true, or noAuth=true")
  }
}
