// Role: what there is to say about the service itself: version, cluster, capacity, health, caches.

import Columnar
import DataSource
import Engine
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
    let totals = try totals(), running = try commandsInProgress(), broken = try brokenViews()
    let ingestions = CommandsInProgress.kinds["ingestions"] ?? []
    let done = try metadata.operations().filter { ingestions.contains($0.kind) }
    let completed = done.count { $0.state == "Completed" }, failed = done.count { $0.state == "Failed" }
    var values: [String: Scalar] = [
      "IsHealthy": .bool(true), "EnvironmentDescription": .string(Self.environment), "IsScaleOutRequired": .bool(false), "MachinesTotal": .int(1),
      "MachinesOffline": .int(0), "NodeLastRestartedOn": .datetime(executor.startedOn), "AdminLastElectedOn": .datetime(executor.startedOn),
      "ExtentsTotal": .count(totals.extents), "TotalOriginalDataSize": .size(totals.original), "TotalExtentSize": .size(totals.bytes),
      "WarmExtentSize": .size(totals.bytes), "NumberOfDatabases": .int(Int32(truncatingIfNeeded: totals.databases)), "MaxExtentsInSingleTable": .count(totals.most),
      "TableWithMaxExtents": .string(totals.table), "BuildVersion": .string(Self.buildVersion), "BuildTime": .datetime(Self.interfaceDate),
      "ProductVersion": .string(Self.productVersion), "IsDataWarmingRequired": .bool(false), "IsRowStoreUnhealthy": .bool(false),
    ]
    values["IsAttentionRequired"] = .bool(!broken.isEmpty)
    values["AttentionRequiredReason"] = .string(broken.isEmpty ? "" : "materialized views take in no more rows: \(broken.joined(separator: ", "))")
    values["IngestionsInProgress"] = .long(running.count(of: "ingestions"))
    values["MergesInProgress"] = .long(running.count(of: "extents-merge"))
    values["ExportsInProgress"] = .long(running.count(of: "data-export"))
    values["FailedIngestOperations"] = .count(failed)
    if completed + failed > 0 { values["IngestionsSuccessRate"] = .real(100 * Double(completed) / Double(completed + failed)) }
    let row = Shapes.diagnostics.schema.fields.map { values[$0.name] ?? ($0.type == .string ? .string("") : .null($0.type)) }
    return CommandOutput(Shapes.diagnostics, [row])
  }

  private var queriesInProgress: Int64 { Int64(executor.requests.running().count { !$0.isCommand }) }

  /// The commands that are being carried out: those of this process whose callers wait, and asynchronous ones of all processes.
  private func commandsInProgress() throws -> CommandsInProgress {
    let waited = executor.requests.running().filter(\.isCommand)
    let kinds = waited.compactMap { (try? KQL.command($0.text)).flatMap { $0.says("async") ? nil : $0.kind.typeName } }
    let detached = try metadata.operations().filter { $0.state == "InProgress" }.map(\.kind)
    return CommandsInProgress(kinds: kinds + detached)
  }

  func capacityShow() throws -> CommandOutput {
    _ = try properties(["scope"])
    // The resources, and where a cluster takes their limits from.
    let resources = [
      ("ingestions", "CapacityPolicy/Ingestion"), ("extents-merge", "CapacityPolicy/ExtentsMerge"), ("extents-partition", "CapacityPolicy/ExtentsPartition"),
      ("data-export", "CapacityPolicy/Export"), ("table-purge", "CapacityPolicy/ExtentsPurgeRebuild"),
      ("streaming-ingest-post-processing", "CapacityPolicy/StreamingIngestionPostProcessing"), ("materialized-view", "CapacityPolicy/MaterializedView"),
      ("stored-query-results", "CapacityPolicy/StoredQueryResults"), ("queries", "RequestRateLimitPolicy"),
    ]
    let wanted = command.text("resource")
    let shown = resources.filter { wanted == nil || wanted == $0.0 }
    let total = Int64(max(1, processors))
    let running = try commandsInProgress()
    return CommandOutput(Shapes.capacity, shown.map { name, origin -> [Scalar] in
      let title = name.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
      let consumed: Int64 = name == "queries" ? queriesInProgress : running.count(of: name)
      return [.string(title), .long(total), .long(consumed), .long(max(0, total - consumed)), .string(origin)]
    })
  }

  /// A view that takes in no more rows wants attention; each with its database.
  private func brokenViews() throws -> [String] {
    try store.databaseNames().flatMap { name in try MaterializedView.all(in: name, metadata).filter { $0.failure != nil }.map { "\(name).\($0.name)" } }
  }

  func cacheClear() -> CommandOutput { CommandOutput(Shapes.cache, [[.string("local"), .string("Succeeded")]]) }

  func pluginsShow() -> CommandOutput {
    let names = Set(FunctionCatalog.all.filter { $0.family == "plugin" }.map(\.name) + ["python"]).sorted()
    return CommandOutput(Shapes.plugins, names.map { [.string($0), .bool($0 != "python" || executor.options.scripts != nil)] })
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

/// Commands on their way, by the resource of a cluster that they would take.
private struct CommandsInProgress {
  /// Type names as in logs.
  var kinds: [String]

  /// The commands that take a resource; those that are not here take none of an embedded store.
  static let kinds: [String: Set<String>] = [
    "ingestions": Set([CommandKind.dataIngestPull, .dataIngestInline, .tableSet, .tableAppend, .tableSetOrAppend, .tableSetOrReplace].map(\.typeName)),
    "extents-merge": [CommandKind.extentsMerge.typeName],
    "data-export": Set([CommandKind.dataExportToStorage, .dataExportToTable].map(\.typeName)),
    "stored-query-results": Set([CommandKind.storedQueryResultSet, .storedQueryResultSetOrReplace].map(\.typeName)),
    "materialized-view": Set([CommandKind.viewCreate, .viewCreateOrAlter].map(\.typeName)),
  ]

  func count(of resource: String) -> Int64 {
    guard let wanted = Self.kinds[resource] else { return 0 }
    return Int64(kinds.count { wanted.contains($0) })
  }
}
