// Role: an application whose id, key and tenant stand in a key vault, which another application may read. Source: Spark connector options
// keyVault*; the vault's REST interface.

import Columnar
import DataSource

/// Application key behind a key vault; the vault is asked anew for every token, so that a rotated key is found.
struct KeyVaultApplication: TokenMethod {
  let vault: String
  let reader: String
  let key: Secret
  let client: OAuthClient

  var name: String { "key vault '\(vault)' read by '\(reader)'" }
  var fingerprint: [Secret] { [key] }

  private static let suffixes = [".vault.azure.net", ".vault.usgovcloudapi.net", ".vault.azure.cn"]

  func acquire(_ target: TokenTarget, previous: IssuedToken?) throws -> IssuedToken {
    let bearer = try vaultToken()
    let application = try value("kustoAppId", bearer)
    let secret = try value("kustoAppKey", bearer)
    let tenant = try value("kustoAppAuthority", bearer)
    return try ApplicationKey(application: application.reveal(), key: secret, tenant: tenant.reveal(), client: client).acquire(target, previous: nil)
  }

  /// The vault refuses a request without a token and says where it takes them from.
  private func vaultToken() throws -> String {
    guard let address = URLParts(vault), address.isLoopback || address.scheme == "https" && Self.suffixes.contains(where: { address.host.lowercased().hasSuffix($0) }) else {
      throw KConnectError(.configuration, "keyVaultUri is '\(vault.prefix(200))', expected https://NAME.vault.azure.net")
    }
    let answer = try Retry.send(HTTPRequest("GET", url("kustoAppId")), client.context)
    let challenge = answer.headers["www-authenticate"] ?? ""
    guard answer.status == 401, let authority = Self.part("authorization", challenge), let place = URLParts(authority), place.scheme == "https" || place.isLoopback,
      let resource = Self.part("resource", challenge) ?? Self.part("scope", challenge)
    else { throw KConnectError(.authentication, "'\(vault)' answered HTTP \(answer.status) without saying who signs in there", hint: "is it a key vault?") }
    let tenant = place.path.split(separator: "/").first.map(String.init) ?? "organizations"
    var cloud = Cloud.publicCloud
    cloud.loginEndpoint = place.origin
    let audience = resource.hasSuffix("/.default") ? String(resource.dropLast(9)) : resource
    let target = TokenTarget(cloud: cloud, audience: audience.withoutTrailingSlashes)
    return try ApplicationKey(application: reader, key: key, tenant: tenant, client: client).acquire(target, previous: nil).secret
  }

  private func url(_ secret: String) -> String { vault + "/secrets/" + secret + "?api-version=7.4" }

  private func value(_ name: String, _ bearer: String) throws -> Secret {
    let answer = try Retry.send(HTTPRequest("GET", url(name), headers: [("Authorization", "Bearer " + bearer)]), client.context)
    guard answer.status == 200, let document = try? DynamicValue(parsing: String(decoding: answer.body, as: UTF8.self)), let text = document["value"]?.text, !text.isEmpty else {
      throw KConnectError(
        .authentication, "the key vault '\(vault)' gave no secret '\(name)' (HTTP \(answer.status))",
        hint: answer.status == 403 ? "'\(reader)' needs the right to get secrets" : "it must hold kustoAppId, kustoAppKey and kustoAppAuthority")
    }
    return Secret(text)
  }

  /// `name="value"` of a challenge.
  private static func part(_ name: String, _ challenge: String) -> String? {
    for item in challenge.split(whereSeparator: { $0 == "," || $0 == " " }) where item.lowercased().hasPrefix(name + "=") {
      return item.dropFirst(name.count + 1).filter { $0 != "\"" }
    }
    return nil
  }
}
