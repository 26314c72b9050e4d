// Role: whom the identity provider knows: tenant, applications and users, read from a JSON file.

import Columnar
import DataSource

/// The identities of a local provider.
package struct ProviderDirectory: Sendable {
  struct Application: Sendable {
    var id: String
    var objectId: String
    var name: String
    var secrets: [SecretHash] = []
    /// Certificates whose keys may sign assertions.
    var certificates: [TokenKey] = []
    /// Whether users may come through it without a secret.
    var isPublic = false
    var groups: [String] = []
  }

  struct User: Sendable {
    /// `user@domain`.
    var name: String
    var objectId: String
    var displayName: String
    var password: SecretHash?
    var groups: [String] = []
  }

  package let tenantId: String
  let tenantName: String
  /// What tokens may be asked for; the first one is the server's own.
  package let resources: [String]
  let tokenLifetime: Int64
  /// By lower-cased id.
  private let applications: [String: Application]
  /// By lower-cased name.
  private let users: [String: User]

  /// The application of Kusto's own tools, through which users come.
  package static let kustoClientId = "db662dc1-0cfe-4e1c-a843-19a68e65be58"
  package static let defaultResource = "https://kusto.kusto.windows.net"

  /// Reads the file. Certificates are named relative to it. Throws CONFIGURATION with the place of the mistake.
  package init(path: String) throws {
    guard let text = try SmallFile.readText(path, limit: 1 << 20) else { throw KConnectError(.configuration, "there is no file '\(path)'", hint: "--local-identity names a JSON file with tenant, applications and users") }
    try self.init(text, name: path, directory: parentPath(path))
  }

  /// Reads the file's text; `name` is what messages call it.
  package init(_ text: String, name: String, directory: String) throws {
    let document: DynamicValue
    do { document = try DynamicValue(parsing: text) } catch { throw KConnectError(.configuration, "'\(name)' is no JSON: \(error.message) at byte \(error.offset)") }
    let root = try Fields(document, "'\(name)'", known: ["tenant", "tenantName", "resource", "resources", "tokenLifetime", "applications", "users"])
    tenantId = try root.required("tenant").lowercased()
    tenantName = try root.text("tenantName")?.lowercased() ?? tenantId
    resources = try root.texts("resources") + [root.text("resource") ?? Self.defaultResource]
    tokenLifetime = try root.number("tokenLifetime") ?? 3_600
    guard (60...86_400).contains(tokenLifetime) else { throw KConnectError(.configuration, "'\(name)': tokenLifetime is \(tokenLifetime), expected 60 to 86400 seconds") }
    var applications: [String: Application] = [:]
    for (i, value) in try root.list("applications").enumerated() {
      let fields = try Fields(value, "'\(name)', application \(i + 1)", known: ["id", "objectId", "name", "secrets", "certificates", "public", "groups"])
      let id = try fields.required("id").lowercased()
      var application = Application(id: id, objectId: try fields.text("objectId") ?? id, name: try fields.text("name") ?? id)
      application.secrets = try fields.texts("secrets").map { try SecretHash($0) }
      application.certificates = try fields.texts("certificates").map { try Self.certificate($0, directory, fields.place) }
      application.isPublic = try fields.flag("public")
      application.groups = try fields.texts("groups")
      guard applications.updateValue(application, forKey: id) == nil else { throw KConnectError(.configuration, "'\(name)' has two applications '\(id)'") }
    }
    if applications[Self.kustoClientId] == nil {
      applications[Self.kustoClientId] = Application(id: Self.kustoClientId, objectId: Self.kustoClientId, name: "Kusto client", isPublic: true)
    }
    var users: [String: User] = [:]
    for (i, value) in try root.list("users").enumerated() {
      let fields = try Fields(value, "'\(name)', user \(i + 1)", known: ["name", "objectId", "displayName", "password", "groups"])
      let user = User(
        name: try fields.required("name"), objectId: try fields.required("objectId").lowercased(), displayName: try fields.text("displayName") ?? "",
        password: try fields.text("password").map { try SecretHash($0) }, groups: try fields.texts("groups"))
      guard user.name.split(separator: "@").count == 2 else { throw KConnectError(.configuration, "\(fields.place): the name '\(user.name)' is not of the form user@domain") }
      guard users.updateValue(user, forKey: user.name.lowercased()) == nil else { throw KConnectError(.configuration, "'\(name)' has two users '\(user.name)'") }
    }
    self.applications = applications
    self.users = users
  }

  private static func certificate(_ text: String, _ directory: String, _ place: String) throws -> TokenKey {
    let pem: [UInt8]
    if text.hasPrefix("-----BEGIN") {
      pem = Array(text.utf8)
    } else {
      let path = text.hasPrefix("/") ? text : joinPath(directory, text)
      guard let bytes = try SmallFile.read(path, limit: 1 << 20) else { throw KConnectError(.configuration, "\(place): there is no certificate '\(path)'") }
      pem = bytes
    }
    guard let key = TokenKey(publicPEM: pem), key.thumbprints != nil, key.isRSA else {
      throw KConnectError(.configuration, "\(place): a certificate is no PEM certificate with an RSA key of at least \(TokenKey.minimumBits) bits")
    }
    return key
  }

  func application(_ id: String) -> Application? { applications[id.lowercased()] }
  func user(_ name: String) -> User? { users[name.lowercased()] }

  /// Whether a path's tenant means this one.
  func isTenant(_ name: String) -> Bool { [tenantId, tenantName, "organizations", "common"].contains(name.lowercased()) }
}

/// The members of an object in the file, with errors that say where.
private struct Fields {
  let place: String
  private let entries: [DynamicEntry]

  init(_ value: DynamicValue, _ place: String, known: [String]) throws {
    guard case .bag(let entries) = value else { throw KConnectError(.configuration, "\(place) is no object") }
    for entry in entries where !known.contains(entry.key) {
      throw KConnectError(
        .configuration, "\(place): unknown member '\(entry.key)'",
        hint: nearestNames(to: entry.key, among: known, limit: 1).first.map { "did you mean '\($0)'?" } ?? "members: \(known.joined(separator: ", "))")
    }
    self.place = place
    self.entries = entries
  }

  private func value(_ key: String) -> DynamicValue? { entries.last { $0.key == key }?.value }
  private func wrong(_ key: String, _ expected: String) -> KConnectError { KConnectError(.configuration, "\(place): '\(key)' is not \(expected)") }

  func text(_ key: String) throws -> String? {
    guard let value = value(key) else { return nil }
    // Names go into tokens, pages and logs.
    guard let text = value.text, text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) || key == "certificates", !text.isEmpty else { throw wrong(key, "a text") }
    return text
  }

  func required(_ key: String) throws -> String {
    guard let text = try text(key) else { throw KConnectError(.configuration, "\(place): '\(key)' is missing") }
    return text
  }

  func texts(_ key: String) throws -> [String] {
    guard let value = value(key) else { return [] }
    guard let items = value.items else { throw wrong(key, "a list of texts") }
    return try items.map { item in
      guard let text = item.text else { throw wrong(key, "a list of texts") }
      return text
    }
  }

  func list(_ key: String) throws -> [DynamicValue] {
    guard let value = value(key) else { return [] }
    guard let items = value.items else { throw wrong(key, "a list") }
    return items
  }

  func number(_ key: String) throws -> Int64? {
    guard let value = value(key) else { return nil }
    guard case .long(let number) = value else { throw wrong(key, "a number") }
    return number
  }

  func flag(_ key: String) throws -> Bool {
    guard let value = value(key) else { return false }
    guard case .bool(let flag) = value else { throw wrong(key, "true or false") }
    return flag
  }
}
