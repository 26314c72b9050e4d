// Role: a workload of Kubernetes or a CI system that proves itself with a token its platform puts into a file (federated credentials).

import DataSource

/// Application id and a file with the platform's token, which is read anew each time: the platform renews it.
struct WorkloadIdentity: TokenMethod {
  let application: String
  let tenant: String
  let tokenFile: String
  /// The sign-in address of `AZURE_AUTHORITY_HOST`; nil: the cluster's cloud.
  let authorityHost: String?
  let client: OAuthClient

  var name: String { "workload identity of '\(application)' (tenant '\(tenant)')" }
  var fingerprint: [Secret] { [Secret(tokenFile)] }

  func acquire(_ target: TokenTarget, previous: IssuedToken?) throws -> IssuedToken {
    guard var token = try SmallFile.readText(tokenFile, limit: 1 << 16), !token.isEmpty else {
      throw KConnectError(.authentication, "the federated token file '\(tokenFile)' is missing or empty", hint: "AZURE_FEDERATED_TOKEN_FILE or federatedTokenFile names it")
    }
    while let last = token.last, last.isWhitespace { token.removeLast() }
    let authority = authorityHost.map { Authority(loginEndpoint: $0.withoutTrailingSlashes, tenant: tenant) } ?? target.authority(tenant)
    return try client.token(
      authority, ClientAssertion.fields(application, token, target), what: name,
      hint: "check that the application trusts this issuer, subject and audience (federated credentials)")
  }
}
