// Role: streams that are no directories: tables of the embedded store and of clusters, Delta tables, standard input.

import Columnar
import DataSource
import FileConnector
import KustoConnector
import Streaming

enum TableStreams {
  /// The options of a table's stream; nil for formats that are not tables. `path` and `given` tell tables of clusters.
  static func options(_ format: String, path: String, given: [(String, String)]) -> [OptionSpec]? {
    switch format {
    case "kusto": ConnectionOptions.leadsOut(format, path, given) ? ClusterStreamSource.specs : StoreStreamSource.specs
    case "delta": DeltaStreamSource.specs
    case "stdin": StdinStreamSource.specs
    default: nil
    }
  }

  /// Nil for formats that are not tables. `given` are the options as they were given.
  static func relation(_ format: String, path: String, schema: StructType?, options: DataSourceOptions, given: [(String, String)]) throws -> StreamRelation? {
    let open: @Sendable () throws -> any MicroBatchSource
    switch format {
    case "kusto" where ConnectionOptions.leadsOut(format, path, given): open = { try ClusterStreamSource(path, options: options) }
    case "kusto": open = { try StoreStreamSource(path, options: options) }
    case "delta": open = { try DeltaStreamSource(path, options: options) }
    case "stdin": return try standardInput(.lines, schema, options.bytes("maxBytesPerTrigger"))
    default: return nil
    }
    let first = try open()
    if schema != nil { throw KConnectError(.usage, "a schema was given, but '\(path)' is a table and has its own", hint: "leave the schema out") }
    return StreamRelation(schema: first.schema, description: first.description, open: open)
  }

  /// Standard input in the format of `provider` (`csv:-`, `json:-`). Throws NOT_SUPPORTED for formats that are not records in lines.
  static func standardInput(_ provider: FileProvider, schema: StructType?, options: DataSourceOptions) throws -> StreamRelation {
    guard ["csv", "json"].contains(provider.shortName) else {
      throw KConnectError(.notSupported, "not supported: \(provider.shortName) from standard input as a stream", hint: "csv:- and json:- are")
    }
    if provider.shortName == "json", options.bool("multiLine") { throw KConnectError(.notSupported, "not supported: multiLine=true over standard input as a stream", hint: "write one object a line") }
    return try standardInput(.records(provider, options), schema, options.bytes("maxBytesPerTrigger").flatMap { $0 > 0 ? $0 : nil })
  }

  private static func standardInput(_ form: StdinStreamSource.Form, _ schema: StructType?, _ maxBytes: Int?) throws -> StreamRelation {
    guard let json = try BuiltInSources.registry.provider("json") as? FileProvider else { throw KConnectError(.internalError, "no json format") }
    let open: @Sendable () throws -> any MicroBatchSource = { try StdinStreamSource(form, json: json, schema: schema, maxBytes: maxBytes) }
    let first = try open()
    return StreamRelation(schema: first.schema, description: first.description, open: open)
  }
}
