// Role: the identity that the platform gives a machine or app: the instance metadata service of virtual machines, App Service and Functions,
// Cloud Shell, Azure Arc with its challenge file. Source: the platforms' documentation of their token endpoints.

import Columnar
import DataSource

/// A managed identity: the system's, or one assigned by the user.
struct ManagedIdentity: TokenMethod {
  /// Client id of a user-assigned identity; nil: the system's.
  let application: String?
  let client: OAuthClient

  var name: String { "managed identity" + (application.map { " '\($0)'" } ?? " of the system") }

  private var context: CredentialContext { client.context }

  func acquire(_ target: TokenTarget, previous: IssuedToken?) throws -> IssuedToken {
    let query = "resource=" + FormText.encoded(target.audience)
    let identity = application.map { "&client_id=" + FormText.encoded($0) } ?? ""
    if let endpoint = context.environment("IDENTITY_ENDPOINT") {
      if let header = context.environment("IDENTITY_HEADER") {
        if context.environment("IDENTITY_SERVER_THUMBPRINT") != nil {
          throw KConnectError(.notSupported, "managed identity: not supported yet: Service Fabric", hint: "use an application certificate")
        }
        return try ask(endpoint + "?api-version=2019-08-01&" + query + identity, [("X-IDENTITY-HEADER", header)], "App Service")
      }
      guard context.environment("IMDS_ENDPOINT") != nil else { return try askMachine(query, identity) }
      guard application == nil else {
        throw KConnectError(.authentication, "Azure Arc has the system's identity alone; managedIdentityClientId cannot be used there", hint: "leave managedIdentityClientId out")
      }
      return try askArc(endpoint + "?api-version=2020-06-01&" + query)
    }
    if let endpoint = context.environment("MSI_ENDPOINT") {
      if let secret = context.environment("MSI_SECRET") {
        return try ask(endpoint + "?api-version=2017-09-01&" + query + identity.replacingFirst("client_id", with: "clientid"), [("secret", secret)], "App Service")
      }
      return try ask(endpoint, [("Metadata", "true"), ("Content-Type", "application/x-www-form-urlencoded")], "Cloud Shell", form: query)
    }
    return try askMachine(query, identity)
  }

  private func askMachine(_ query: String, _ identity: String) throws -> IssuedToken {
    let host = (context.environment("AZURE_POD_IDENTITY_AUTHORITY_HOST") ?? "http://169.254.169.254").withoutTrailingSlashes
    return try ask(
      host + "/metadata/identity/oauth2/token?api-version=2018-02-01&" + query + identity, [("Metadata", "true")], "the instance metadata service",
      timeoutMilliseconds: 5_000, attempts: 5)
  }

  /// Arc refuses the first request and names a file that only its group may read; its content proves that we may.
  private func askArc(_ url: String) throws -> IssuedToken {
    var opening = request(url, [("Metadata", "true")])
    opening.timeoutMilliseconds = 30_000
    let first = try Retry.send(opening, context)
    guard first.status == 401, let challenge = first.headers["www-authenticate"], let equals = challenge.firstIndex(of: "=") else {
      throw KConnectError(.authentication, "the agent of Azure Arc answered HTTP \(first.status) without a challenge", hint: "check the agent: azcmagent show")
    }
    var path = String(challenge[challenge.index(after: equals)...])
    while path.hasPrefix("\"") { path.removeFirst() }
    while path.hasSuffix("\"") { path.removeLast() }
    // A service that names another file would have us read it out.
    guard parentPath(path) == trimmingSlashes(context.arcKeyDirectory), path.hasSuffix(".key"), !lastPathComponent(path).hasPrefix(".") else {
      throw KConnectError(.authentication, "the agent of Azure Arc names the key file '\(path.prefix(200))', expected one in '\(context.arcKeyDirectory)'")
    }
    guard let key = try SmallFile.readText(path, limit: 4_096) else {
      throw KConnectError(.authentication, "the key file '\(path)' of Azure Arc does not exist", hint: "the user must belong to the group 'himds'")
    }
    return try ask(url, [("Metadata", "true"), ("Authorization", "Basic \(key)")], "Azure Arc")
  }

  private func request(_ url: String, _ headers: [(String, String)], form: String? = nil) -> HTTPRequest {
    HTTPRequest(form == nil ? "GET" : "POST", url, headers: headers.map { (name: $0.0, value: $0.1) }, body: form.map { Array($0.utf8) })
  }

  private func ask(
    _ url: String, _ headers: [(String, String)], _ platform: String, form: String? = nil, timeoutMilliseconds: Int = 30_000, attempts: Int = 3
  ) throws -> IssuedToken {
    var request = request(url, headers, form: form)
    request.timeoutMilliseconds = timeoutMilliseconds
    let answer: HTTPResponse
    do {
      answer = try Retry.send(request, context, attempts: attempts) { $0 == 404 || $0 == 410 || $0 == 429 || $0 >= 500 }
    } catch let error as KConnectError where error.code == .http {
      throw KConnectError(
        .authentication, "\(platform) cannot be reached for a managed identity", hint: "is this machine an Azure resource with an identity? elsewhere choose another method",
        cause: error, isRetryable: error.isRetryable)
    }
    let document = answer.body.count <= 1 << 20 ? try? DynamicValue(parsing: String(decoding: answer.body, as: UTF8.self)) : nil
    guard answer.status == 200, let document else {
      let reason = document?["error_description"]?.text ?? document?["message"]?.text ?? document?["error"]?.text
      throw KConnectError(
        .authentication, "\(name) was refused by \(platform): HTTP \(answer.status)" + (reason.map { ": \($0.prefix { !$0.isNewline }.prefix(300))" } ?? ""),
        hint: application == nil ? "give the machine an identity, or name one with managedIdentityClientId" : "check managedIdentityClientId", isRetryable: answer.status >= 500)
    }
    return try client.issued(document, by: platform)
  }
}
