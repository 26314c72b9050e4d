// Role: policies as stored, and the questions the store asks of those that it honours.

import Columnar
import DataSource

/// The policies by the names commands use.
enum PolicyName: String, Sendable, CaseIterable {
  case retention, caching, merge, sharding, partitioning, roworder, encoding, update, capacity, callout, sandbox, mirroring
  case autoDelete = "auto_delete"
  case rowLevelSecurity = "row_level_security"
  case restrictedViewAccess = "restricted_view_access"
  case ingestionTime = "ingestiontime"
  case streamingIngestion = "streamingingestion"
  case ingestionBatching = "ingestionbatching"
  case extentTagsRetention = "extent_tags_retention"
  case dataMovementRestriction = "data_movement_restriction"
  case managedIdentity = "managed_identity"
  case multiDatabaseAdmins = "multidatabaseadmins"
  case queryAcceleration = "query_acceleration"
  case queryWeakConsistency = "query_weak_consistency"
  case requestClassification = "request_classification"

  /// As the column PolicyName shows it.
  var shownName: String {
    switch self {
    case .roworder: "RowOrderPolicy"
    default: rawValue.split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined().replacing(Self.compounds) + "Policy"
    }
  }

  private static let compounds = [
    ("Ingestiontime", "IngestionTime"), ("Streamingingestion", "StreamingIngestion"), ("Ingestionbatching", "IngestionBatching"),
    ("Multidatabaseadmins", "MultiDatabaseAdmins"),
  ]

  /// Policies that change what the store does. The others are kept and shown.
  var isHonoured: Bool {
    switch self {
    case .retention, .autoDelete, .update, .rowLevelSecurity, .restrictedViewAccess, .ingestionTime, .streamingIngestion, .merge: true
    default: false
    }
  }
}

extension String {
  /// Each first text replaced by its second.
  fileprivate func replacing(_ pairs: [(String, String)]) -> String {
    pairs.first { $0.0 == self }?.1 ?? self
  }
}

struct Policies: Sendable {
  let metadata: MetadataStore

  init(_ metadata: MetadataStore) { self.metadata = metadata }

  func document(_ policy: PolicyName, in scope: EntryScope) throws -> DynamicValue? { try metadata.entry(.policy, policy.rawValue, in: scope)?.document }

  /// The table's policy, else the database's, else the cluster's.
  func effective(_ policy: PolicyName, of table: StoreTable) throws -> DynamicValue? {
    for scope in [EntryScope.table(table.id), .database(table.database.name), .cluster] {
      if let found = try document(policy, in: scope), found != .null { return found }
    }
    return nil
  }

  /// For policies that are a flag or have `IsEnabled`.
  func isEnabled(_ policy: PolicyName, in scope: EntryScope) throws -> Bool { Self.isOn(try document(policy, in: scope)) ?? false }

  static func isOn(_ document: DynamicValue?) -> Bool? {
    switch document {
    case .bool(let value)?: value
    case let document?: if case .bool(let value)? = document["IsEnabled"] { value } else { nil }
    case nil: nil
    }
  }

  /// The query through which the table or view is seen; nil: it is seen as it is. `evenDisabled`: also that of a policy that is switched off.
  func rowLevelSecurity(in scope: EntryScope, evenDisabled: Bool = false) throws -> String? {
    guard let document = try document(.rowLevelSecurity, in: scope), evenDisabled || Self.isOn(document) == true else { return nil }
    return document["Query"]?.stringValue
  }

  /// The policy by which the table or view is not shown whole to all who read its database; nil: it is.
  func hiding(in scope: EntryScope) throws -> PolicyName? {
    try [PolicyName.rowLevelSecurity, .restrictedViewAccess].first { try isEnabled($0, in: scope) }
  }

  /// Ticks after which a table's rows go; nil: never.
  func softDeletePeriod(of table: StoreTable) throws -> Int64? {
    guard let text = try effective(.retention, of: table)?["SoftDeletePeriod"]?.stringValue, case .timespan(let ticks)? = ScalarText.parse(text, as: .timespan)
    else { return nil }
    return ticks
  }

  /// The table's update policies that are switched on.
  func updates(of tableId: String) throws -> [UpdatePolicy] {
    guard let list = try document(.update, in: .table(tableId))?.elements else { return [] }
    return list.compactMap(UpdatePolicy.init).filter(\.isEnabled)
  }
}

/// One element of an update policy.
struct UpdatePolicy: Sendable {
  var isEnabled: Bool
  var source: String
  var query: String
  var isTransactional: Bool
  var propagatesProperties: Bool
  /// Whether `ManagedIdentity` is set, as administrators of the database may: then the policy reads tables that hide rows, and other databases.
  var hasIdentity: Bool

  init?(_ value: DynamicValue) {
    guard let source = value["Source"]?.stringValue, let query = value["Query"]?.stringValue else { return nil }
    func flag(_ key: String, _ absent: Bool) -> Bool { if case .bool(let on)? = value[key] { on } else { absent } }
    self.source = source
    self.query = query
    isEnabled = flag("IsEnabled", true)
    isTransactional = flag("IsTransactional", false)
    propagatesProperties = flag("PropagateIngestionProperties", false)
    hasIdentity = !(value["ManagedIdentity"]?.stringValue ?? "").isEmpty
  }
}
