// Role: the `kusto` source and sink: the embedded store, or a cluster when an address is given, under the same options.

package import Columnar
package import DataSource
package import Engine
package import Expressions
import KQL
import KustoStore

/// Tables and queries of the embedded store and of clusters.
package struct KustoSource: PlanProvider {
  private let embedded = KustoProvider()

  package init() {}

  package var shortName: String { embedded.shortName }
  package var aliases: [String] { embedded.aliases }
  package var summary: String { "Tables and queries of the embedded store, and of clusters by their address." }
  package var needsPath: Bool { false }
  /// With what clusters support; the embedded store's remarks come with `options(for:given:)`.
  package var options: [OptionSpec] { ClusterOptions.specs }

  package func options(for paths: [String], given: [(String, String)]) -> [OptionSpec] {
    let cluster = given.last { ["kustocluster", "kustoconnectionstring"].contains($0.0.lowercased()) && !$0.1.isEmpty }?.1
    return ClusterTarget.isMeant(paths, cluster) ? ClusterOptions.specs : ClusterOptions.embedded
  }

  private func isRemote(_ paths: [String], _ options: DataSourceOptions) -> Bool { ClusterTarget.isMeant(paths, options.string("kustoCluster") ?? options.string("kustoConnectionString")) }

  package func plan(
    _ paths: [String], schema: StructType?, options: DataSourceOptions, execution: ExecutionOptions, context: EvaluationContext
  ) throws -> LogicalPlan {
    guard isRemote(paths, options) else { return try embedded.plan(paths, schema: schema, options: options, execution: execution, context: context) }
    let target = try ClusterTarget(paths, options)
    let settings = try ClusterSettings(options)
    var reader = ClusterReader(client: try settings.client(target.address).allowingLargeResults(), database: try target.database())
    let shape = try target.query(options)
    reader.export = try export(reader, options)
    // Without readMode rows come as one stream, which has no size limit, unless storage is named and there are many of them.
    reader.exportsManyRowsOnly = options.word("readMode") == nil
    let custom = try schema ?? options.string("customSchema").map { try StructType(ddl: $0) }
    let pushes = options.bool("queryFilterPushDown")
    guard let custom else { return .scan(ClusterTable(reader, shape, schema: try reader.probe(shape), takesPlans: pushes)) }
    // Columns and types are the user's: no probe, and the cluster converts, so that operators behind mean the same there.
    let columns = custom.fields.map { "\(KQLPrinter.quoted(name: $0.name)) = to\($0.type)(\(KQLPrinter.quoted(name: $0.name)))" }
    let named = QueryTextShape(shape.text + "\n| project " + columns.joined(separator: ", "))
    return .scan(ClusterTable(reader, named, schema: custom, takesPlans: pushes))
  }

  /// How rows travel through storage; nil: they do not.
  private func export(_ reader: ClusterReader, _ options: DataSourceOptions) throws -> ClusterExport? {
    let mode = options.word("readMode"), text = options.string("transientStorage"), isCached = options.bool("distributedReadModeTransientCache")
    guard mode != "ForceSingleMode" else {
      if isCached { throw KConnectError(.optionInvalid, "distributedReadModeTransientCache=true and readMode=ForceSingleMode: nothing is exported that could be kept", hint: "readMode=ForceDistributedMode") }
      return nil
    }
    if mode == nil, text == nil {
      if isCached { throw KConnectError(.optionInvalid, "distributedReadModeTransientCache=true without exports", hint: "readMode=ForceDistributedMode, or transientStorage") }
      return nil
    }
    let storage = try text.map { try TransientStorage(json: $0) } ?? TransientStorage(of: reader.client)
    var export = try ClusterExport(storage: storage, options: options.string("kustoExportOptionsJson"), timeoutSeconds: try options.integer("timeoutLimit", in: -1...ClusterWrite.mostSeconds, else: 172_800))
    export.isKept = isCached
    return export
  }

  package func open(_ paths: [String], schema: StructType?, options: DataSourceOptions) throws -> any BatchReadable {
    throw KConnectError(.internalError, "the kusto source gives plans")
  }

  package func makeSink(
    _ path: String, schema: StructType, mode: SaveMode, partitionBy: [String], options: DataSourceOptions
  ) throws -> (any TableSink)? {
    let paths = path.isEmpty ? [] : [path]
    guard isRemote(paths, options) else { return try embedded.makeSink(path, schema: schema, mode: mode, partitionBy: partitionBy, options: options) }
    if !partitionBy.isEmpty { throw KConnectError(.notSupported, "kusto: not supported: partition columns", hint: "the cluster's partitioning policy does that") }
    let target = try ClusterTarget(paths, options)
    guard let table = target.name.table else {
      throw KConnectError(.usage, "kusto: no table to write to is named", hint: "write kusto:\(target.address.engine)/DATABASE.TABLE, or the option kustoTable")
    }
    if target.address.isReadOnly { throw KConnectError(.notSupported, "kusto: \(target.address.alias) takes queries only") }
    return try ClusterWrite(
      client: try ClusterSettings(options).client(target.address), database: try target.database(), table: table, schema: schema, mode: mode, options: options
    ).sink()
  }
}
