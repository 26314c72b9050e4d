// Role: the device code flow: a program shows a code, a person types it on the provider's page, the program gets its token. And what the
// provider remembers for a while: codes, failed attempts, assertions that were used.

import Columnar
import Synchronization

/// Codes that wait for approval, or for being fetched.
final class DeviceCodes: Sendable {
  private struct Code {
    var userCode: String
    var client: String
    var wanted: IdentityProvider.Wanted
    var expires: Int64
    /// The user who approved; nil: nobody yet.
    var user: String?
    var isDenied = false
    var lastPoll = Int64.min
  }
  private let codes = Mutex<[String: Code]>([:])
  static let lifetime: Int64 = 900
  static let interval: Int64 = 1
  private static let maximum = 1_000

  func make(client: String, _ wanted: IdentityProvider.Wanted, now: Int64) throws(OAuthError) -> (deviceCode: String, userCode: String) {
    let device = Random.text(32)
    let user = Random.userCode()
    let isKept = codes.withLock { codes in
      codes = codes.filter { now < $0.value.expires }
      guard codes.count < Self.maximum else { return false }
      codes[device] = Code(userCode: user, client: client, wanted: wanted, expires: now + Self.lifetime)
      return true
    }
    guard isKept else { throw OAuthError(code: "temporarily_unavailable", number: "AADSTS90055", description: "too many device codes are waiting", status: 429) }
    return (device, user)
  }

  /// True when the code was waiting.
  func decide(_ userCode: String, user: String?, now: Int64) -> Bool {
    let typed = userCode.uppercased().filter { $0 != "-" && $0 != " " }
    return codes.withLock { codes in
      guard let key = codes.first(where: { $0.value.userCode == typed && now < $0.value.expires && $0.value.user == nil && !$0.value.isDenied })?.key else { return false }
      if let user { codes[key]?.user = user } else { codes[key]?.isDenied = true }
      return true
    }
  }

  /// Whom the token is for; the code is spent then.
  func redeem(_ device: String, client: String, now: Int64) throws(OAuthError) -> (user: String, wanted: IdentityProvider.Wanted) {
    let outcome: Result<(String, IdentityProvider.Wanted), OAuthError> = codes.withLock { codes in
      guard let code = codes[device], code.client == client else { return .failure(.invalidGrant("the device code is not known")) }
      guard now < code.expires else {
        codes[device] = nil
        return .failure(OAuthError(code: "expired_token", number: "AADSTS70020", description: "the device code has expired"))
      }
      if code.isDenied {
        codes[device] = nil
        return .failure(OAuthError(code: "authorization_declined", number: "AADSTS50199", description: "the user declined"))
      }
      guard let user = code.user else {
        let isHasty = now - max(code.lastPoll, now - 1_000) < Self.interval
        codes[device]?.lastPoll = now
        return .failure(OAuthError(code: isHasty ? "slow_down" : "authorization_pending", number: "AADSTS70016", description: "the user has not approved yet"))
      }
      codes[device] = nil
      return .success((user, code.wanted))
    }
    return try outcome.get()
  }
}

/// Secrets and passwords cannot be tried at will: after some failures an identity rests for the machine that they came from. Others, among them
/// the one that knows the secret, are not kept out by it.
final class FailedAttempts: Sendable {
  private struct Key: Hashable {
    var identity: String
    var peer: String
  }
  private let failures = Mutex<[Key: [Int64]]>([:])
  private static let allowed = 10
  private static let window: Int64 = 60
  private static let maximum = 10_000

  func check(_ identity: String, from peer: String, now: Int64) throws(OAuthError) {
    let recent = failures.withLock { $0[Key(identity: identity, peer: peer)]?.count { now - $0 < Self.window } ?? 0 }
    guard recent < Self.allowed else { throw OAuthError(code: "temporarily_unavailable", number: "AADSTS50053", description: "too many wrong attempts; try again in a minute", status: 429) }
  }

  func failed(_ identity: String, from peer: String, now: Int64) {
    let key = Key(identity: identity, peer: peer)
    failures.withLock { failures in
      if failures.count >= Self.maximum { failures = failures.filter { now - ($0.value.last ?? now) < Self.window } }
      // Beyond that many machines within a minute the oldest are forgotten.
      if failures.count >= Self.maximum, failures[key] == nil, let oldest = failures.min(by: { ($0.value.last ?? 0) < ($1.value.last ?? 0) })?.key { failures[oldest] = nil }
      failures[key] = (failures[key] ?? []).filter { now - $0 < Self.window }.suffix(Self.allowed) + [now]
    }
  }
}

/// Assertions count once.
final class UsedAssertions: Sendable {
  private let used = Mutex<[String: Int64]>([:])
  private static let maximum = 100_000

  /// False when it was used before, or when too many are remembered to tell.
  func use(_ id: String, until: Int64, now: Int64) -> Bool {
    used.withLock { used in
      if used.count >= Self.maximum { used = used.filter { now < $0.value } }
      guard used.count < Self.maximum, used[id].map({ now >= $0 }) ?? true else { return false }
      used[id] = until
      return true
    }
  }
}

extension IdentityProvider {
  func deviceCode(_ fields: FormFields) throws(OAuthError) -> DynamicValue {
    let application = try client(fields)
    let (device, user) = try codes.make(client: application.id, try wanted(fields), now: now())
    let page = origin + "/adfs/device"
    return .bag([
      DynamicEntry("device_code", .string(device)), DynamicEntry("user_code", .string(user)), DynamicEntry("verification_uri", .string(page)),
      DynamicEntry("verification_url", .string(page)), DynamicEntry("verification_uri_complete", .string(page + "?code=" + user)), DynamicEntry("expires_in", .long(DeviceCodes.lifetime)),
      DynamicEntry("interval", .long(DeviceCodes.interval)), DynamicEntry("message", .string("To sign in, open \(page) and enter the code \(user).")),
    ])
  }

  /// The page where a code is approved: by a user's name and password.
  func devicePage(_ request: ProviderRequest) -> ProviderResponse {
    do throws(OAuthError) {
      switch request.method {
      case "GET": return .page(DevicePage.form(code: try FormFields(Array(request.query.utf8), from: request.peer)["code"] ?? ""))
      case "POST":
        let fields = try FormFields(request.body, from: request.peer)
        guard let code = fields["code"], let name = fields["username"], let password = fields["password"] else { return .page(DevicePage.form(code: fields["code"] ?? "", error: "Code, name and password are needed."), status: 400) }
        let user = try user(name, password, from: fields.peer)
        guard codes.decide(code, user: fields["decline"] == nil ? user.name : nil, now: now()) else {
          return .page(DevicePage.form(code: "", error: "The code is not known, or has expired."), status: 400)
        }
        return .page(DevicePage.message(fields["decline"] == nil ? "You are signed in. You may close this page." : "The request was declined."))
      default: return .page(DevicePage.message("This page takes GET and POST."), status: 405)
      }
    } catch {
      return .page(DevicePage.form(code: "", error: error.description), status: error.status)
    }
  }
}

/// The page's HTML.
enum DevicePage {
  static func form(code: String, error: String? = nil) -> String {
    frame(
      (error.map { "<p role=alert>\(MarkupText.escaped($0))</p>" } ?? "") + """
        <form method=post action="/adfs/device"><label>Code <input name=code autocomplete=off required value="\(MarkupText.escaped(code))"></label>
        <label>User <input name=username autocomplete=username required></label>
        <label>Password <input name=password type=password autocomplete=current-password required></label>
        <button>Sign in</button> <button name=decline value=1>Decline</button></form>
        """)
  }

  static func message(_ text: String) -> String { frame("<p>\(MarkupText.escaped(text))</p>") }

  private static func frame(_ body: String) -> String {
    """
    <!doctype html><html lang=en><meta charset=utf-8><title>KConnect sign-in</title>
    <style>body{font:16px sans-serif;max-width:24em;margin:4em auto}label{display:block;margin:1em 0}input{width:100%}</style>
    <h1>Sign in to KConnect</h1>\(body)</html>
    """
  }
}
