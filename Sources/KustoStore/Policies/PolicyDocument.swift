// Role: from the notations of policy commands to the one document a policy is, with its values checked where they are honoured.

import Columnar
import DataSource
import KQL

enum PolicyDocument {
  /// The document of `.alter`.
  static func make(_ policy: PolicyName, _ value: PolicyValue) throws -> DynamicValue {
    if policy == .rowLevelSecurity { return try rowLevelSecurity(value) }
    if let text = value.document { return try checked(policy, parse(text, policy)) }
    if !value.order.isEmpty { return rowOrder(value) }
    if let word = value.words.first?.lowercased() {
      switch word {
      case "enable", "true": return policy == .ingestionTime || policy == .restrictedViewAccess ? .bag([entry("IsEnabled", .bool(true))]) : .bag([entry("IsEnabled", .bool(true))])
      case "disable", "false": return .bag([entry("IsEnabled", .bool(false))])
      default: throw unexpected(policy, word)
      }
    }
    guard !value.settings.isEmpty else { throw unexpected(policy, "nothing") }
    return try checked(policy, settings(policy, value))
  }

  /// The document of `.alter-merge`: members given replace those there; lists of update policies grow.
  static func merge(_ policy: PolicyName, _ value: PolicyValue, into old: DynamicValue?) throws -> DynamicValue {
    let new = try make(policy, value)
    switch (old, new) {
    case (.array(let before)?, .array(let added)): return .array(before + added)
    case (.bag(let before)?, .bag(let added)):
      var entries = before
      for item in added {
        if let i = entries.firstIndex(where: { $0.key == item.key }) { entries[i] = item } else { entries.append(item) }
      }
      return try checked(policy, .bag(entries))
    default: return new
    }
  }

  private static func entry(_ key: String, _ value: DynamicValue) -> DynamicEntry { DynamicEntry(key, value) }

  private static func unexpected(_ policy: PolicyName, _ found: String) -> KConnectError {
    KConnectError(.optionInvalid, "policy '\(policy.rawValue)': found \(found), expected a JSON document in quotes", hint: hint(policy))
  }

  private static func hint(_ policy: PolicyName) -> String? {
    switch policy {
    case .retention: #"as in '{"SoftDeletePeriod":"30.00:00:00","Recoverability":"Enabled"}' or, with .alter-merge, softdelete = 30d"#
    case .update: #"as in @'[{"IsEnabled":true,"Source":"T","Query":"F()","IsTransactional":true}]'"#
    case .streamingIngestion: "write enable or disable"
    case .ingestionTime, .restrictedViewAccess: "write true or false"
    case .rowLevelSecurity: #"as in enable "T | where Tenant == 'a'""#
    case .caching: "as in hot = 30d"
    case .autoDelete: #"as in '{"ExpiryDate":"2030-01-01","DeleteIfNotEmpty":false}'"#
    default: nil
    }
  }

  private static func parse(_ text: String, _ policy: PolicyName) throws -> DynamicValue {
    switch text.lowercased() {
    case "true", "enable": return .bag([entry("IsEnabled", .bool(true))])
    case "false", "disable": return .bag([entry("IsEnabled", .bool(false))])
    default: break
    }
    guard let value = DynamicValue(json: text) else {
      throw KConnectError(.optionInvalid, "policy '\(policy.rawValue)': found '\(text.prefix(80))', which is no JSON", hint: hint(policy))
    }
    return value
  }

  private static func rowLevelSecurity(_ value: PolicyValue) throws -> DynamicValue {
    guard let word = value.words.first?.lowercased(), ["enable", "disable"].contains(word), let query = value.document else {
      throw unexpected(.rowLevelSecurity, "no 'enable' or 'disable' with a query")
    }
    return .bag([entry("IsEnabled", .bool(word == "enable")), entry("Query", .string(query))])
  }

  private static func rowOrder(_ value: PolicyValue) -> DynamicValue {
    .bag([entry("ColumnSortOrders", .array(value.order.map { .bag([entry("ColumnName", .string($0.name.text)), entry("IsAscending", .bool($0.isAscending))]) }))])
  }

  /// `softdelete = 10d recoverability = disabled`, `hot = 30d`, `type = 'BigObject'`.
  private static func settings(_ policy: PolicyName, _ value: PolicyValue) throws -> DynamicValue {
    var entries: [DynamicEntry] = []
    var windows: [DynamicValue] = []
    for setting in value.settings {
      switch (policy, setting.name.text.lowercased()) {
      case (.retention, "softdelete"): entries.append(entry("SoftDeletePeriod", .string(try timespan(setting, policy))))
      case (.retention, "recoverability"):
        let word = setting.text.lowercased()
        guard word == "enabled" || word == "disabled" else { throw unexpected(policy, "recoverability = \(setting.text)") }
        entries.append(entry("Recoverability", .string(word == "enabled" ? "Enabled" : "Disabled")))
      case (.caching, "hot"):
        let span = try timespan(setting, policy)
        entries += ["DataHotSpan", "IndexHotSpan"].map { entry($0, .bag([entry("Value", .string(span))])) }
      case (.caching, "hotdata"): entries.append(entry("DataHotSpan", .bag([entry("Value", .string(try timespan(setting, policy)))])))
      case (.caching, "hotindex"): entries.append(entry("IndexHotSpan", .bag([entry("Value", .string(try timespan(setting, policy)))])))
      case (.caching, "hot_window"):
        let ends = setting.text.split(separator: "..", maxSplits: 1).map(String.init)
        guard ends.count == 2 else { throw unexpected(policy, "hot_window = \(setting.text)") }
        windows.append(.bag([entry("MinValue", .string(ends[0])), entry("MaxValue", .string(ends[1]))]))
      case (.encoding, "type"): entries.append(entry("EncodingPolicyType", .string(setting.text)))
      default:
        let known = policy == .retention ? ["softdelete", "recoverability"] : policy == .caching ? ["hot", "hotdata", "hotindex", "hot_window"] : ["type"]
        throw KConnectError(
          .optionUnknown, "policy '\(policy.rawValue)' has no setting '\(setting.name.text)'",
          hint: nearestNames(to: setting.name.text, among: known, limit: 1).first.map { "did you mean '\($0)'?" } ?? hint(policy))
      }
    }
    if !windows.isEmpty { entries.append(entry("HotWindows", .array(windows))) }
    return .bag(entries)
  }

  private static func timespan(_ setting: CommandProperty, _ policy: PolicyName) throws -> String {
    if case .timespan(let ticks)? = setting.literal { return TimespanForm.text(ticks) }
    guard case .timespan(let ticks)? = ScalarText.parse(setting.text, as: .timespan) else {
      throw KConnectError(.optionInvalid, "policy '\(policy.rawValue)', \(setting.name.text): found '\(setting.text)', expected a timespan such as 10d")
    }
    return TimespanForm.text(ticks)
  }

  /// The members of policies that are honoured, with those that change nothing here. Source: the management reference, the page of each policy.
  private static let members: [PolicyName: [String]] = [
    .retention: ["SoftDeletePeriod", "Recoverability", "ContainerRecyclingPeriod", "ExtentsDataSizeLimitInBytes", "OriginalDataSizeLimitInBytes"],
    .autoDelete: ["ExpiryDate", "DeleteIfNotEmpty"],
    .update: [
      "IsEnabled", "Source", "SourceIsWildCard", "Query", "IsTransactional", "PropagateIngestionProperties", "ManagedIdentity", "OwnerPrincipalDetails",
    ],
    .merge: [
      "RowCountUpperBoundForMerge", "OriginalSizeMBUpperBoundForMerge", "MaxExtentsToMerge", "MaxRangeInHours", "AllowRebuild", "AllowMerge", "Lookback",
      "LoopPeriod", "Origin",
    ],
    .streamingIngestion: ["IsEnabled", "HintAllocatedRate", "NumberOfRowStores", "SealIntervalLimit", "SealThresholdBytes"],
    .ingestionTime: ["IsEnabled"], .restrictedViewAccess: ["IsEnabled"],
  ]

  /// The document with its members spelled as they are read: any case is taken. Throws OPTION_UNKNOWN for one that the policy does not have.
  private static func spelled(_ policy: PolicyName, _ value: DynamicValue) throws -> DynamicValue {
    guard let known = members[policy] else { return value }
    switch value {
    case .array(let items): return .array(try items.map { try spelled(policy, $0) })
    case .bag(let entries):
      return .bag(
        try entries.map { item in
          guard let name = known.first(where: { $0.lowercased() == item.key.lowercased() }) else {
            throw KConnectError(
              .optionUnknown, "policy '\(policy.rawValue)' has no member '\(item.key)'",
              hint: nearestNames(to: item.key, among: known, limit: 1).first.map { "did you mean '\($0)'?" } ?? "members: \(known.joined(separator: ", "))")
          }
          return entry(name, item.value)
        })
    default: return value
    }
  }

  /// The document as it is stored. Throws where a policy that is honoured could not be.
  private static func checked(_ policy: PolicyName, _ document: DynamicValue) throws -> DynamicValue {
    let value = try spelled(policy, document)
    func fail(_ what: String) -> KConnectError { KConnectError(.optionInvalid, "policy '\(policy.rawValue)': \(what)", hint: hint(policy)) }
    switch policy {
    case .retention:
      if let period = value["SoftDeletePeriod"] {
        guard let text = period.stringValue, case .timespan(let ticks)? = ScalarText.parse(text, as: .timespan) else { throw fail("SoftDeletePeriod is no timespan: \(period.json)") }
        if ticks < 0 { throw fail("SoftDeletePeriod is negative: \(text)") }
      }
    case .update:
      guard let list = value.elements else { throw fail("found \(value.json.prefix(80)), expected a list") }
      for item in list where UpdatePolicy(item) == nil { throw fail("an element needs Source and Query: \(item.json.prefix(120))") }
      for item in list {
        guard case .bool(true)? = item["SourceIsWildCard"] else { continue }
        throw KConnectError(.notSupported, "not supported: SourceIsWildCard in update policies", hint: "write an element for each source")
      }
    case .autoDelete:
      guard let text = value["ExpiryDate"]?.stringValue, case .datetime? = ScalarText.parse(text, as: .datetime) else { throw fail("ExpiryDate is no datetime") }
    default: break
    }
    return value
  }
}

/// Timespans as .NET's constant form, which policies use: `30.00:00:00`.
enum TimespanForm {
  static func text(_ ticks: Int64) -> String { ScalarText.text(.timespan(ticks)) ?? "" }
}
