// Role: flags about who may use the server, as what the server needs: who issues tokens, where their keys are, who is the first administrator.

import ArgumentParser
import DataSource
import KustoAccess
import KustoServer
import KustoStore

/// Authentication and access control on the command line.
struct AccessFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Be an identity provider too, for the tenant, applications and users of a JSON file; tokens are needed from then on. Needs TLS.", valueName: "file"))
  var localIdentity: String?
  @Option(help: ArgumentHelp("The address under which clients reach the server, for the identity provider; default https://HOST:PORT of --listen.", valueName: "url"))
  var publicAddress: String?
  @Option(help: ArgumentHelp("Accept tokens of this issuer ('iss'; {tenantid} stands for the tenant).", valueName: "text"))
  var issuer: String?
  @Option(help: ArgumentHelp("The issuer's keys: a JWKS or PEM file, or the https address of a JWKS document.", valueName: "place"))
  var issuerKeys: String?
  @Option(help: ArgumentHelp("A tenant whose tokens are accepted; repeatable.", valueName: "id"))
  var tenant: [String] = []
  @Option(help: ArgumentHelp("An audience ('aud') whose tokens are accepted; repeatable; default https://kusto.kusto.windows.net.", valueName: "text"))
  var audience: [String] = []
  @Option(help: ArgumentHelp("An administrator of all databases: aadapp=ID;TENANT, aaduser=NAME, aadgroup=NAME;TENANT; repeatable.", valueName: "principal"))
  var admin: [String] = []
  @Flag(help: "Print the hash of the secret on standard input, for the file of --local-identity.")
  var hashSecret = false

  /// What the flags ask for; nil: nobody has to say who they are.
  struct Access {
    var authenticator: TokenAuthenticator
    var control: AccessControl
    var identity: IdentityProvider?
  }

  func access(store: String, _ address: ListenAddress) throws -> Access? {
    let admins = try admin.map { text in
      guard let reference = PrincipalReference(text), reference.kind != .localUser else {
        throw KConnectError(.usage, "--admin: '\(text)' is no principal", hint: "as in aadapp=ID;TENANT, aaduser=user@domain.com or aadgroup=NAME;TENANT")
      }
      return reference
    }
    if let file = localIdentity {
      guard issuer == nil, issuerKeys == nil, tenant.isEmpty, audience.isEmpty else {
        throw KConnectError(.usage, "--local-identity goes without --issuer, --issuer-keys, --tenant and --audience", hint: "its file names tenant and resources")
      }
      let origin = try publicAddress ?? self.origin(of: address)
      guard origin.hasPrefix("https://") else {
        throw KConnectError(.usage, "--local-identity needs TLS: client libraries ask identity providers over https only", hint: "--tls-certificate FILE, or --public-address https://… behind a proxy that speaks TLS")
      }
      let provider = try IdentityProvider(try ProviderDirectory(path: file), keyDirectory: IdentityProvider.keyDirectory(store: store), origin: origin)
      let authentication = BearerAuthentication(provider.validator(), metadata: provider.metadata)
      return Access(authenticator: TokenAuthenticator(authentication), control: AccessControl(admins: admins, homeTenant: provider.tenantId), identity: provider)
    }
    guard let issuer else {
      guard issuerKeys == nil, tenant.isEmpty, audience.isEmpty, admins.isEmpty, publicAddress == nil else {
        throw KConnectError(.usage, "--issuer-keys, --tenant, --audience, --admin and --public-address need --issuer or --local-identity")
      }
      return nil
    }
    guard let issuerKeys else { throw KConnectError(.usage, "--issuer needs --issuer-keys") }
    if issuer.contains("{tenantid}"), tenant.isEmpty { throw KConnectError(.usage, "--issuer with {tenantid} needs --tenant") }
    let trusted = TrustedIssuer(issuer, tenants: Set(tenant), keys: try KeyCache(location: issuerKeys))
    let validator = TokenValidator(issuers: [trusted], audiences: audience.isEmpty ? [ProviderDirectory.defaultResource] : audience)
    return Access(authenticator: TokenAuthenticator(BearerAuthentication(validator)), control: AccessControl(admins: admins, homeTenant: tenant.count == 1 ? tenant[0] : nil))
  }

  private func origin(of address: ListenAddress) throws -> String {
    guard address.port != 0, address.host != "0.0.0.0", address.host != "::" else {
      throw KConnectError(.usage, "--local-identity needs the address under which clients come", hint: "--public-address https://HOST:PORT, or --listen HOST:PORT with a host and a port")
    }
    return (address.certificatePath == nil ? "http" : "https") + "://" + (address.host.contains(":") ? "[\(address.host)]" : address.host) + ":\(address.port)"
  }
}
