// Role: from checked options to a client: credentials, transport, request properties.

import DataSource
import Columnar
import FileConnector
import KustoStore
import Synchronization

/// How a cluster is reached.
struct ClusterSettings {
  private let options: DataSourceOptions
  private let properties: ClientRequestProperties

  /// Throws OPTION_INVALID and CONFIGURATION.
  init(_ options: DataSourceOptions) throws {
    self.options = options
    properties = try options.string("clientRequestPropertiesJson").map { try ClientRequestProperties(json: $0) } ?? ClientRequestProperties()
  }

  /// A client; all clients of the process share their connections.
  func client(_ address: ClusterAddress) throws -> ClusterClient {
    var http = HTTPSettings()
    http.proxy = options.string("httpProxy")
    http.caFile = options.string("caFile")
    if let wait = options.milliseconds("connectTimeout") { http.connectTimeoutMilliseconds = wait }
    let transport = SharedTransports.transport(http)
    let tokens = try Authentication.provider(options: options, endpoint: address.engine, context: CredentialContext(transport: transport))
    return ClusterClient(
      address, tokens: tokens, transport: transport, requestId: options.string("requestId") ?? randomIdentifier(), properties: properties)
  }
}

/// One transport for each way of connecting.
package enum SharedTransports {
  private static let open = Mutex<[HTTPSettings: CurlTransport]>([:])

  /// The transport of these settings; a certificate file of the environment counts where none is set.
  package static func transport(_ settings: HTTPSettings = HTTPSettings()) -> any HTTPTransport {
    var settings = settings
    if settings.caFile == nil { settings.caFile = CertificateAuthorities.file }
    let wanted = settings
    return open.withLock { open in
      if let known = open[wanted] { return known }
      let made = CurlTransport(wanted)
      open[wanted] = made
      return made
    }
  }
}

extension ClusterClient {
  /// The client whose queries are not cut at the cluster's default limits, unless the request properties say something else.
  package func allowingLargeResults() -> ClusterClient {
    var copy = self
    let hasOwnLimit = properties.option("truncationmaxrecords") != nil || properties.option("truncationmaxsize") != nil
    if !hasOwnLimit { copy.properties = properties.setting(default: "notruncation", .bool(true)) }
    return copy
  }
}

extension ClusterReader {
  /// A reader for texts of a command line: `cluster` as users write it, the options of the `kusto` source for credentials and request properties.
  package init(cluster: String, database: String?, options given: [(String, String)], onNote: (String) -> Void) throws {
    let options = try DataSourceOptions(source: "kusto", specs: ClusterOptions.specs, given: [(KustoConnectionString.isMeant(cluster) ? "kustoConnectionString" : "kustoCluster", cluster)] + given.filter { $0.0.lowercased() != "kustocluster" }, use: .read)
    for note in options.notes { onNote(note) }
    let target = try ClusterTarget([], options)
    self.init(client: try ClusterSettings(options).client(target.address).allowingLargeResults(), database: database ?? target.name.database)
  }

  /// The same cluster with another database.
  package func using(_ database: String) -> ClusterReader { ClusterReader(client: client, database: database) }
}
