// Role: the account that `az login` signed in: the Azure CLI is asked for a token.

import Columnar
import DataSource

/// Tokens of the Azure CLI.
struct AzureCLI: TokenMethod {
  let tenant: String?
  let client: OAuthClient

  var name: String { "Azure CLI" + tenant.shownTenant }

  static let timeoutMilliseconds = 30_000

  func acquire(_ target: TokenTarget, previous: IssuedToken?) throws -> IssuedToken {
    var arguments = ["az", "account", "get-access-token", "--output", "json", "--resource", target.audience]
    if let tenant { arguments += ["--tenant", tenant] }
    let output: ProgramOutput
    do { output = try client.context.run(arguments, Self.timeoutMilliseconds) } catch let error as KConnectError where error.code == .pathNotFound {
      throw KConnectError(.authentication, "the Azure CLI ('az') is not installed or not on PATH", hint: "install it and run 'az login', or choose another method", cause: error)
    } catch let error as KConnectError where error.code == .io {
      // One that waits for something does so the next time, too.
      throw KConnectError(.authentication, "the Azure CLI gave no token: \(error.message)", hint: error.hint, cause: error)
    }
    guard output.status == 0 else {
      // The first line that says something; az writes tracebacks and advice behind it.
      let reason = output.errorOutput.split(whereSeparator: \.isNewline).first { $0.contains(where: \.isLetter) }.map { String($0.prefix(300)) } ?? "exit status \(output.status)"
      throw KConnectError(.authentication, "the Azure CLI gave no token: \(reason)", hint: "run 'az login'" + (tenant.map { " --tenant \($0)" } ?? ""))
    }
    guard let document = try? DynamicValue(parsing: output.output), let secret = document["accessToken"]?.text, !secret.isEmpty else {
      throw KConnectError(.authentication, "the Azure CLI answered without 'accessToken'", hint: "update it: az upgrade")
    }
    // `expiresOn` is local time without a zone; `expires_on` (since 2.54) and the token itself are exact.
    let end = document["expires_on"]?.wholeNumber.map { min(max($0, 0), 253_402_300_799) * 10_000_000 } ?? JWTText.expiry(secret) ?? client.context.now() + 300 * 10_000_000
    return IssuedToken(secret: secret, expiresOn: end)
  }
}
