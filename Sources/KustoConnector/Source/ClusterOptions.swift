// Role: the options of `kusto` on clusters: those of the embedded store with the support that clusters give them, and those of the connection.

import DataSource
import KustoStore

extension DataSourceOptions {
  /// A whole number within a range. Throws OPTION_INVALID.
  func integer(_ name: String, in range: ClosedRange<Int>, else other: Int) throws -> Int {
    let given = integer(name) ?? other
    guard range.contains(given) else {
      throw KConnectError(.optionInvalid, "option '\(name)': found \(given), expected \(range.lowerBound) to \(range.upperBound)")
    }
    return given
  }
}

enum ClusterOptions {
  /// Options that say how the cluster is reached.
  static let connection: [OptionSpec] = [
    OptionSpec("httpProxy", .string, "Proxy for requests to the cluster, http://HOST:PORT; else https_proxy, http_proxy and no_proxy of the environment."),
    OptionSpec("caFile", .path, "PEM file of certificate authorities for the cluster's certificate; else $CURL_CA_BUNDLE, $SSL_CERT_FILE, the system's."),
    OptionSpec("stagingFormat", .oneOf(["csv", "parquet"]), default: "csv", use: .write, "Format of staged parts: gzip CSV, or Parquet, which has no room for ticks below a microsecond."),
    OptionSpec("preflight", .bool, default: "false", use: .write, "true: before anything is changed the cluster is asked which rights the write lacks; all of them are named."),
    OptionSpec("connectTimeout", .duration, default: "30 seconds", "How long a connection to the cluster may take."),
  ]

  /// What differs from the embedded store. Nil: works.
  private static let support: [String: OptionSupport] = [
    "kustoStore": .noEffect("the cluster named by kustoCluster is used"),
    "blobStorageEndpointSuffix": .noEffect("transientStorage has the full addresses"),
    "storageProtocol": .noEffect("files of blob storage are read over https"),
    "pollingOnDriver": .noEffect("there is no driver"),
    "writeResultLimit": .noEffect("writes answer with a report"),
    "timeZone": .noEffect("datetimes are written as they are, in UTC"),
    "maximalExtentsCountForSplitMergePerNode": .noEffect("all extents move in one command"),
    "addSourceLocationTransform": .notSupported("a column with the name of the staged file"),
    "upsertKey": .notSupported("replacing rows by key on a cluster"),
    "ttl": .notSupported("replacing rows by key on a cluster"),
    "ttlColumn": .notSupported("replacing rows by key on a cluster"),
  ]

  /// The options of credentials as clusters know them, by name.
  private static let signIn: Set<String> = Set(AuthenticationOptions.specs.flatMap { [$0.name] + $0.aliases })

  /// The options on clusters.
  static let specs: [OptionSpec] = KustoOptions.specs.filter { !signIn.contains($0.name) }.map { spec in
    var spec = spec
    spec.support = support[spec.name] ?? .supported
    return spec
  } + AuthenticationOptions.specs + connection

  /// The options on the embedded store, with those of connections named as without effect.
  static let embedded: [OptionSpec] = KustoOptions.specs.filter { !signIn.contains($0.name) } + (AuthenticationOptions.specs + connection).map { spec in
    var spec = spec
    spec.support = .noEffect("the embedded store is no server")
    return spec
  }
}
