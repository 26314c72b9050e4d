// Role: what there is to say about the service itself: version, cluster, capacity, health, caches.

import Columnar
import DataSource
import KQL

#if canImport(Glibc)
import Glibc
#endif

extension CommandRun {
  static let buildVersion = "1.0.0.0"
  private static let productVersion = "KConnect"
  /// 2026-01-01, the date of the interface that is answered, not of a build.
  private static let interfaceDate: Int64 = 17_672_256_000_000_000

  func versionShow() -> CommandOutput {
    CommandOutput(Shapes.version, [[.string(Self.buildVersion), .datetime(Self.interfaceDate), .string("Engine"), .string(Self.productVersion)]])
  }

  private var memory: (total: Int64, available: Int64) {
    let page = Int64(sysconf(Int32(_SC_PAGESIZE)))
    return (Int64(sysconf(Int32(_SC_PHYS_PAGES))) * page, Int64(sysconf(Int32(_SC_AVPHYS_PAGES))) * page)
  }

  private var processors: Int32 { Int32(truncatingIfNeeded: sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
  private static let environment = #"{"Name":"KConnect embedded store"}"#

  func clusterShow() -> CommandOutput {
    CommandOutput(
      Shapes.cluster,
      [[
        .string("local"), .string("local"), .string("KConnect"), .datetime(executor.startedOn), .bool(true), .long(memory.total), .long(memory.available),
        .int(processors), .string(Self.environment),
      ]])
  }

  private func totals() throws -> (extents: Int, original: Int, bytes: Int, most: Int, table: String, databases: Int) {
    var total = (extents: 0, original: 0, bytes: 0, most: 0, table: "", databases: 0)
    for name in try store.databaseNames() {
      total.databases += 1
      for table in try store.database(name).tables() {
        let snapshot = try table.snapshot()
        total.extents += snapshot.extents.count
        total.original += snapshot.originalSize
        total.bytes += snapshot.byteSize
        if snapshot.extents.count > total.most {
          total.most = snapshot.extents.count
          total.table = table.name
        }
      }
    }
    return total
  }

  func clusterDetailsShow() throws -> CommandOutput {
    let totals = try totals()
    return CommandOutput(
      Shapes.clusterDetails,
      [[
        .string("local"), .string("local"), .string("KConnect"), .datetime(executor.startedOn), .int(Int32(truncatingIfNeeded: totals.extents)), .bool(true),
        .long(memory.total), .long(memory.available), .int(processors), .count(totals.original), .count(totals.bytes), .string(Self.environment),
        .string(Self.productVersion), .int(0), .string(""), .string(""),
      ]])
  }

  func diagnosticsShow() throws -> CommandOutput {
    let totals = try totals()
    let values: [String: Scalar] = [
      "IsHealthy": .bool(true), "EnvironmentDescription": .string(Self.environment), "IsScaleOutRequired": .bool(false), "MachinesTotal": .int(1),
      "MachinesOffline": .int(0), "NodeLastRestartedOn": .datetime(executor.startedOn), "AdminLastElectedOn": .datetime(executor.startedOn),
      "ExtentsTotal": .count(totals.extents), "TotalOriginalDataSize": .size(totals.original), "TotalExtentSize": .size(totals.bytes),
      "WarmExtentSize": .size(totals.bytes), "NumberOfDatabases": .int(Int32(truncatingIfNeeded: totals.databases)), "MaxExtentsInSingleTable": .count(totals.most),
      "TableWithMaxExtents": .string(totals.table), "BuildVersion": .string(Self.buildVersion), "BuildTime": .datetime(Self.interfaceDate),
      "ProductVersion": .string(Self.productVersion), "IsAttentionRequired": .bool(false), "IsDataWarmingRequired": .bool(false), "IsRowStoreUnhealthy": .bool(false),
    ]
    let row = Shapes.diagnostics.schema.fields.map { values[$0.name] ?? ($0.type == .string ? .string("") : .null($0.type)) }
    return CommandOutput(Shapes.diagnostics, [row])
  }

  func capacityShow() throws -> CommandOutput {
    let names = [
      "ingestions", "extents-merge", "extents-partition", "data-export", "table-purge", "streaming-ingest-post-processing", "materialized-view",
      "stored-query-results", "queries",
    ]
    var shown = names
    if let wanted = command.name("resource")?.text {
      guard names.contains(wanted.lowercased()) else {
        throw KConnectError(
          .usage, "there is no resource '\(wanted)'", hint: nearestNames(to: wanted, among: names, limit: 1).first.map { "did you mean '\($0)'?" } ?? "resources: \(names.joined(separator: ", "))")
      }
      shown = [wanted.lowercased()]
    }
    let total = Int64(max(1, processors))
    return CommandOutput(Shapes.capacity, shown.map { [.string($0.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()), .long(total), .long(0), .long(total)] })
  }

  func cacheClear() -> CommandOutput { CommandOutput(Shapes.cache, [[.string("local"), .string("Succeeded")]]) }

  func pluginsShow() -> CommandOutput {
    let names = [
      "autocluster", "bag_unpack", "basket", "diffpatterns", "narrow", "pivot", "dcount_intersect", "rows_near", "sequence_detect", "session_count",
      "sliding_window_counts", "activity_counts_metrics", "activity_engagement", "activity_metrics", "active_users_count", "funnel_sequence",
      "funnel_sequence_completion", "new_activity_metrics", "rolling_percentile", "schema_merge", "preview",
    ]
    return CommandOutput(Shapes.plugins, names.sorted().map { [.string($0), .bool(true)] })
  }

  func workloadGroupsShow() -> CommandOutput {
    CommandOutput(Shapes.workloadGroups, ["default", "internal"].map { [.string($0), .string("{}")] })
  }

  func queryPlanShow() throws -> CommandOutput {
    let plan = try query()
    let text = try QueryExecutionText.explain(plan, executor, request)
    return CommandOutput(Shapes.queryPlan, [[.string("QueryPlan"), .string("text"), .string(text)]])
  }

  func notServed(_ what: String, _ why: String) throws -> CommandOutput { throw KConnectError(.notSupported, "not supported: \(what)", hint: why) }
}
