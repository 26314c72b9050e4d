// Role: stores with access control for tests, and tokens made to order.

import Columnar
import DataSource
import Engine
import Expressions
import KustoAccess
import KustoStore
import Synchronization
import Testing

/// A store in a directory of its own, removed with the object; set up by its owner, used by principals.
final class GuardedStore: Sendable {
  let path: String
  private let owner: CommandExecutor
  let executor: CommandExecutor

  static let tenant = "11111111-1111-1111-1111-111111111111"

  init(_ setup: [String]) throws {
    path = "/tmp/kconnect-access-tests-" + randomIdentifier()
    let store = try Store.open(path, create: true)
    owner = CommandExecutor(store)
    executor = CommandExecutor(store, access: AccessControl(admins: [try #require(PrincipalReference("aadapp=root-app;\(Self.tenant)"))], homeTenant: Self.tenant))
    for text in setup { _ = try Self.rows(owner, text, nil) }
  }

  deinit { _ = FileSystem.system.removeTree(path) }

  static func user(_ name: String, groups: [String] = []) -> Principal {
    var principal = Principal(.user, objectId: "oid-" + name, tenantId: tenant, userPrincipalName: name + "@contoso.com", displayName: name)
    principal.groups = groups
    return principal
  }

  static let root = Principal(.application, objectId: "root-object", tenantId: tenant, applicationId: "root-app")

  private static func rows(_ executor: CommandExecutor, _ text: String, _ principal: Principal?, database: String? = "db", options: [String: Scalar] = [:]) throws -> [[String]] {
    var properties = RequestProperties()
    properties.principal = principal
    properties.options = options
    let result = try executor.execute(text, database: database, properties)
    guard let table = result.tables.first else { return [] }
    return try result.rows(of: table).map { row in
      row.map { value in if case .dynamic(let value) = value { value.json } else { ScalarText.text(value) ?? "" } }
    }
  }

  /// Rows of the first table as texts. A nil principal is a request nobody stands for.
  @discardableResult
  func run(_ text: String, as principal: Principal?, database: String? = "db", options: [String: Scalar] = [:]) throws -> [[String]] {
    try Self.rows(executor, text, principal, database: database, options: options)
  }

  /// As the user of the process, without access control.
  @discardableResult
  func owner(_ text: String) throws -> [[String]] { try Self.rows(owner, text, nil) }

  /// `ok`, or the code of the error.
  func outcome(_ text: String, as principal: Principal?, database: String? = "db") -> String {
    do {
      try run(text, as: principal, database: database)
      return "ok"
    } catch let error as KConnectError { return error.code.description } catch { return "\(error)" }
  }
}

/// Tokens for a validator of this test's own.
struct TokenBench {
  static let now: Int64 = 1_750_000_000
  static let issuer = "https://issuer.test/tenant-a"
  static let audience = "https://kusto.test"
  /// Made once: generating a key takes a while.
  static let key = TokenKey(generatingBits: 2_048)
  static let otherKey = TokenKey(generatingBits: 2_048)

  static func validator() throws -> TokenValidator {
    let keys = KeySet(try #require(key), id: "key-1")
    return TokenValidator(issuers: [TrustedIssuer(issuer, tenants: ["tenant-a"], keys: KeyCache(keys))], audiences: [audience], leewaySeconds: 300) { now }
  }

  static func claims(_ change: [String: DynamicValue?] = [:]) -> DynamicValue {
    var entries: [DynamicEntry] = [
      DynamicEntry("iss", .string(issuer)), DynamicEntry("aud", .string(audience)), DynamicEntry("tid", .string("tenant-a")), DynamicEntry("oid", .string("object-1")),
      DynamicEntry("appid", .string("app-1")), DynamicEntry("nbf", .long(now - 10)), DynamicEntry("exp", .long(now + 600)),
    ]
    for (name, value) in change.sorted(by: { $0.key < $1.key }) {
      entries.removeAll { $0.key == name }
      if let value { entries.append(DynamicEntry(name, value)) }
    }
    return .bag(entries)
  }

  static func token(_ claims: DynamicValue = claims(), kid: String? = "key-1", key: TokenKey? = key, _ algorithm: TokenAlgorithm = .rs256) throws -> String {
    let key = try #require(key)
    return try #require(WebToken.make(header: kid.map { [DynamicEntry("kid", .string($0))] } ?? [], claims: claims, key: key, algorithm))
  }

  /// A token with a header of one's own and any signature.
  static func forged(header: String, claims: DynamicValue = claims(), signature: [UInt8] = []) -> String {
    Base64.urlText(header.utf8) + "." + Base64.urlText(claims.json.utf8) + "." + Base64.urlText(signature)
  }
}

/// Counts calls from any thread.
final class Counter: Sendable {
  private let count = Mutex(0)
  func add() { count.withLock { $0 += 1 } }
  var value: Int { count.withLock { $0 } }
}
