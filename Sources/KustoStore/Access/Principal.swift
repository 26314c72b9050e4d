// Role: who asks: an identity as its token tells it, and the texts by which role commands and queries name identities.
// Source: Kusto "Referencing security principals", "current_principal_details()".

package import Columnar
import DataSource

/// An identity whose token (or process) was checked by whoever made this value.
package struct Principal: Sendable, Hashable {
  package enum Kind: String, Sendable, Hashable {
    /// The user of this process; never comes from a token.
    case localUser = "localuser"
    case user = "aaduser"
    case application = "aadapp"
  }

  package var kind: Kind
  /// The directory's id of the user or service principal; local users: their name.
  package var objectId: String
  /// The directory the identity belongs to; empty for local users.
  package var tenantId: String
  /// What the directory is called besides its id: `contoso.com`.
  package var tenantName: String?
  /// The application: the identity itself, or the one through which a user came.
  package var applicationId: String?
  /// `user@domain`.
  package var userPrincipalName: String?
  package var displayName: String
  /// Ids and names of the groups it belongs to.
  package var groups: [String] = []
  /// Who vouched for it: the issuer of the token.
  package var identityProvider = ""
  package var usedMultipleFactors = false

  package init(_ kind: Kind, objectId: String, tenantId: String, applicationId: String? = nil, userPrincipalName: String? = nil, displayName: String = "") {
    self.kind = kind
    self.objectId = objectId
    self.tenantId = tenantId
    self.applicationId = applicationId
    self.userPrincipalName = userPrincipalName
    self.displayName = displayName
  }

  /// The user this process runs as.
  package static let process = Principal(.localUser, objectId: Request.userName, tenantId: "", displayName: Request.userName)

  /// `aaduser=<object id>;<tenant>`, `aadapp=<application id>;<tenant>`: what role commands and logs call it.
  package var fullyQualifiedName: String {
    switch kind {
    case .localUser: "localuser=\(objectId)"
    case .user: "aaduser=\(objectId);\(tenantId)"
    case .application: "aadapp=\(applicationId ?? objectId);\(tenantId)"
    }
  }

  /// The domain of its name; nil when it has none.
  private var domain: Substring? { userPrincipalName?.split(separator: "@", maxSplits: 1).dropFirst().first }

  /// Whether a reference means this identity, or a group it belongs to. `homeTenant` is the tenant of references that name none; nil: any.
  package func isMeant(by reference: PrincipalReference, homeTenant: String?) -> Bool {
    func same(_ a: (some StringProtocol)?, _ b: String) -> Bool { a.map { $0.lowercased() == b } ?? false }
    if reference.kind != .localUser {
      guard kind != .localUser else { return false }
      if let tenant = reference.tenant {
        guard same(tenantId, tenant) || same(tenantName, tenant) || same(domain, tenant) else { return false }
      } else if let homeTenant, !same(tenantId, homeTenant.lowercased()) {
        return false
      }
    }
    switch reference.kind {
    case .localUser: return kind == .localUser && objectId == reference.name
    case .user: return kind == .user && (same(objectId, reference.id) || same(userPrincipalName, reference.id))
    case .application: return kind == .application && (same(applicationId, reference.id) || same(objectId, reference.id))
    case .group: return groups.contains { same($0, reference.id) }
    }
  }

  /// The value of `current_principal_details()`.
  package var details: DynamicValue {
    let typeName = switch kind {
    case .localUser: "User"
    case .user: "AadUser"
    case .application: "AadApplication"
    }
    let name = userPrincipalName ?? (displayName.isEmpty ? objectId : displayName)
    let shown = displayName.isEmpty ? name : userPrincipalName.map { "\(displayName) (upn: \($0))" } ?? displayName
    return .bag([
      DynamicEntry("UserPrincipalName", .string(kind == .application ? "" : name)),
      DynamicEntry("IdentityProvider", .string(kind == .localUser ? "localuser" : identityProvider)), DynamicEntry("Authority", .string(tenantId)),
      DynamicEntry("Mfa", .string(usedMultipleFactors ? "True" : "False")), DynamicEntry("Type", .string(typeName)), DynamicEntry("DisplayName", .string(shown)),
      DynamicEntry("ObjectId", .string(kind == .localUser ? "" : objectId)), DynamicEntry("FQN", .string(fullyQualifiedName)), DynamicEntry("Notes", .null),
    ])
  }
}

/// A text that names identities: `aaduser=a@b.c`, `aadapp=<id>;<tenant>`, `aadgroup=<name>;<tenant>`.
package struct PrincipalReference: Sendable, Hashable {
  package enum Kind: String, Sendable {
    case localUser = "localuser"
    case user = "aaduser"
    case application = "aadapp"
    case group = "aadgroup"

    /// The column PrincipalType.
    var shownName: String {
      switch self {
      case .localUser: "Local user"
      case .user: "Microsoft Entra user"
      case .application: "Microsoft Entra app"
      case .group: "Microsoft Entra group"
      }
    }
  }

  package var kind: Kind
  /// As written.
  package var name: String
  /// Lower-cased id or name of the tenant; nil when the text has none.
  package var tenant: String?

  /// Lower-cased, as names are compared.
  var id: String { name.lowercased() }

  /// Nil for texts of another form.
  package init?(_ text: String) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let kind = Self.kinds[parts[0].lowercased().trimmingSpaces()] else { return nil }
    let ends = parts[1].split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false).map { String($0).trimmingSpaces() }
    guard let name = ends.first, !name.isEmpty, !(ends.count == 2 && ends[1].isEmpty), text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
    self.kind = kind
    self.name = name
    tenant = ends.count == 2 ? ends[1].lowercased() : nil
  }

  private static let kinds: [String: Kind] = [
    "aaduser": .user, "msauser": .user, "aadapp": .application, "aadapplication": .application, "aadgroup": .group, "localuser": .localUser,
  ]

  /// The text in the spelling that is stored; two texts for the same have the same.
  package var canonical: String { "\(kind.rawValue)=\(kind == .localUser ? name : id)" + (tenant.map { ";\($0)" } ?? "") }
}

extension Principal {
  /// The identity as it is kept with work that waits: a message of queued ingestion.
  package var document: DynamicValue {
    func text(_ value: String?) -> DynamicValue { value.map { .string($0) } ?? .null }
    return .bag([
      DynamicEntry("Kind", .string(kind.rawValue)), DynamicEntry("ObjectId", .string(objectId)), DynamicEntry("TenantId", .string(tenantId)), DynamicEntry("TenantName", text(tenantName)),
      DynamicEntry("ApplicationId", text(applicationId)), DynamicEntry("UserPrincipalName", text(userPrincipalName)), DynamicEntry("DisplayName", .string(displayName)),
      DynamicEntry("Groups", .array(groups.map { .string($0) })), DynamicEntry("IdentityProvider", .string(identityProvider)), DynamicEntry("Mfa", .bool(usedMultipleFactors)),
    ])
  }

  /// The identity of a document that `document` gave; nil for others.
  package init?(document: DynamicValue) {
    guard let kind = document["Kind"]?.stringValue.flatMap({ Kind(rawValue: $0) }), let object = document["ObjectId"]?.stringValue, let tenant = document["TenantId"]?.stringValue
    else { return nil }
    self.init(
      kind, objectId: object, tenantId: tenant, applicationId: document["ApplicationId"]?.stringValue, userPrincipalName: document["UserPrincipalName"]?.stringValue,
      displayName: document["DisplayName"]?.stringValue ?? "")
    groups = (document["Groups"]?.elements ?? []).compactMap(\.stringValue)
    identityProvider = document["IdentityProvider"]?.stringValue ?? ""
    usedMultipleFactors = document["Mfa"] == .bool(true)
    tenantName = document["TenantName"]?.stringValue
  }
}
