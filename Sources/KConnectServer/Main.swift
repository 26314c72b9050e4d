// Role: the program behind `kconnect serve`: flags, checks, the server's life.

import ArgumentParser
import DataSource
import KConnect
import KustoAccess
import KustoServer
import KustoStore
import PythonPlugin

#if canImport(Glibc)
import Glibc
#endif

struct ServerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kconnect serve", abstract: "Answers Kusto clients over HTTP from the embedded store.",
    discussion: """
      Azure Kusto SDKs, notebooks and Grafana connect to the printed address as to a cluster. Queued ingestion is served too: blobs and messages go \
      to this server. Paths and URLs in .ingest, externaldata, .export and external tables are refused unless they are allowed.

      EXAMPLES
        kconnect serve
        kconnect serve --listen [::1]:9000 --store /data/store --allow-path /data/incoming
        kconnect serve --listen 0.0.0.0:443 --tls-certificate server.pem --tls-key server.key --no-authentication --yes-i-know
      """)

  @Option(help: ArgumentHelp("Address to listen on; port 0 takes one that is free.", valueName: "host:port"))
  var listen = "127.0.0.1:8080"
  @Option(help: ArgumentHelp("Directory of the embedded store, made when it is missing; else $KCONNECT_STORE, else ./kustodata.", valueName: "dir"))
  var store: String?
  @Option(help: ArgumentHelp("Certificate chain in PEM; with it the server speaks HTTPS.", valueName: "file"))
  var tlsCertificate: String?
  @Option(help: ArgumentHelp("Private key in PEM; default the certificate's file.", valueName: "file"))
  var tlsKey: String?
  @Option(help: ArgumentHelp("A directory that requests may read and write; repeatable.", valueName: "dir"))
  var allowPath: [String] = []
  @Option(help: ArgumentHelp("An address under which requests may fetch files; repeatable. Link-local ones never.", valueName: "url"))
  var allowUrl: [String] = []
  @Option(help: ArgumentHelp(
    "An origin, as https://host, whose pages may use a server without authentication; repeatable. Pages of this machine and of the Kusto web UI may.", valueName: "url"))
  var allowOrigin: [String] = []
  @Option(help: ArgumentHelp(
    "The key, in Base64, of the storage account 'devstoreaccount1': with it blobs of any container take requests and addresses signed by it.", valueName: "env:NAME or file:PATH"))
  var storageKey: String?
  @OptionGroup(title: "Access") var access: AccessFlags
  @Flag(help: "Listen beyond this machine although nobody has to say who they are; needs --yes-i-know too.")
  var noAuthentication = false
  @Flag(help: "Confirms --no-authentication.")
  var yesIKnow = false
  @Option(help: ArgumentHelp("Requests at a time.", valueName: "n"))
  var maxRequests = 128
  @Option(help: ArgumentHelp("Requests of one principal at a time; default --max-requests.", valueName: "n"))
  var maxRequestsPerPrincipal: Int?
  @Option(help: ArgumentHelp("Connections at a time; more wait until others end.", valueName: "n"))
  var maxConnections = 4_096
  @Option(help: ArgumentHelp("Seconds after which a connection is closed whose client sends or takes nothing, or a body in trickles.", valueName: "n"))
  var idleTimeout = 120
  @Option(help: ArgumentHelp("Memory of one query, such as 512m; default 60 % of the memory for all.", valueName: "size"))
  var requestMemory: String?
  @Option(help: ArgumentHelp("Worker threads; default one per core.", valueName: "n"))
  var threads: Int?
  @Option(help: ArgumentHelp("Directory for spill files.", valueName: "dir"))
  var spillDirectory: String?
  @Flag(help: "Let queries run Python scripts: evaluate python(...). They are confined: no files but their own, no network, no other processes.")
  var enablePython = false
  @Option(help: ArgumentHelp("The interpreter of scripts, with pandas and pyarrow.", valueName: "path"))
  var python: String?
  @Option(help: ArgumentHelp("Seconds a script may take.", valueName: "n"))
  var pythonTimeout = "240"
  @Option(help: ArgumentHelp("Memory a script may use, and bytes of its result at most.", valueName: "size"))
  var pythonMemory = "4g"
  @Option(help: ArgumentHelp("Scripts at a time; others wait.", valueName: "n"))
  var pythonScripts = 4
  @Option(help: ArgumentHelp("Bytes of a query or command at most.", valueName: "size"))
  var maxTextSize = "32m"
  @Option(help: ArgumentHelp("Bytes of a streaming ingestion at most, as sent.", valueName: "size"))
  var maxStreamingSize = "10m"
  @Option(help: ArgumentHelp("A JSON line for each request: a file, or '-' for standard error.", valueName: "file"))
  var accessLog: String?
  @Flag(help: "Query texts in the access log, without secrets.")
  var logQueries = false
  @Option(help: ArgumentHelp("Seconds between rounds of merging and retention; 0 for none.", valueName: "n"))
  var upkeepInterval = 30

  func settings() throws -> (ServerConfiguration, ListenAddress) {
    var address = try ListenAddress(listen)
    address.certificatePath = tlsCertificate
    address.keyPath = tlsKey
    guard maxConnections > 0, idleTimeout > 0 else { throw KConnectError(.usage, "--max-connections and --idle-timeout are at least 1") }
    address.maxConnections = maxConnections
    address.idleTimeout = idleTimeout
    if tlsKey != nil, tlsCertificate == nil { throw KConnectError(.usage, "--tls-key needs --tls-certificate") }
    if !address.isLoopback, access.localIdentity == nil, access.issuer == nil, !(noAuthentication && yesIKnow) {
      throw KConnectError(
        .usage, "--listen \(listen): others could reach the store without saying who they are",
        hint: "listen on 127.0.0.1, ask for tokens with --local-identity or --issuer, or confirm with --no-authentication --yes-i-know")
    }
    var configuration = ServerConfiguration(storePath: store ?? Self.variable("KCONNECT_STORE") ?? "kustodata")
    configuration.allowedPaths = allowPath
    configuration.allowedURLs = allowUrl
    configuration.allowedOrigins = allowOrigin
    configuration.isLoopbackOnly = address.isLoopback
    guard maxRequests > 0, maxRequestsPerPrincipal ?? 1 > 0, threads ?? 1 > 0, upkeepInterval >= 0 else {
      throw KConnectError(.usage, "--max-requests, --max-requests-per-principal and --threads are at least 1, --upkeep-interval at least 0")
    }
    configuration.maxRequests = maxRequests
    configuration.maxRequestsPerPrincipal = maxRequestsPerPrincipal ?? maxRequests
    configuration.requestMemory = try requestMemory.map { try SizeText.bytes($0, setting: "--request-memory") }
    configuration.threads = threads
    configuration.storageAccount = try storageKey.map { try StorageAccount(key: try Self.secret($0)) }
    configuration.spillDirectory = spillDirectory
    configuration.maxTextBytes = try SizeText.bytes(maxTextSize, setting: "--max-text-size")
    configuration.maxStreamingBytes = try SizeText.bytes(maxStreamingSize, setting: "--max-streaming-size")
    configuration.upkeepInterval = upkeepInterval
    configuration.python = try pythonSettings()
    return (configuration, address)
  }

  private func pythonSettings() throws -> PythonSettings? {
    guard enablePython else {
      if python != nil { throw KConnectError(.usage, "--python means nothing without --enable-python") }
      return nil
    }
    guard pythonScripts > 0 else { throw KConnectError(.usage, "--python-scripts is at least 1") }
    var settings = PythonSettings()
    settings.interpreter = python ?? settings.interpreter
    settings.timeoutSeconds = try PythonSettings.timeout(pythonTimeout, setting: "--python-timeout")
    settings.memoryBytes = try SizeText.bytes(pythonMemory, setting: "--python-memory")
    settings.maxScripts = pythonScripts
    return settings
  }

  private static func variable(_ name: String) -> String? {
    // SAFETY: getenv answers nil or a zero-terminated text, which is copied at once.
    unsafe getenv(name).map { unsafe String(cString: $0) }
  }

  /// The secret behind `env:NAME` or `file:PATH`.
  private static func secret(_ text: String) throws -> String {
    if text.hasPrefix("env:"), let found = variable(String(text.dropFirst(4))) { return found }
    if text.hasPrefix("file:"), let found = try SmallFile.readText(String(text.dropFirst(5)), limit: 1 << 16) { return found }
    throw KConnectError(.usage, "--storage-key: expected env:NAME of a variable that is set, or file:PATH of a file")
  }

  func run() throws {
    if access.hashSecret { return print(try SecretHash.text(of: readLine() ?? "")) }
    let (configuration, address) = try settings()
    OpenFiles.raiseLimit()
    KustoService.returnMemory()
    let access = try self.access.access(store: configuration.storePath, address)
    let log = try AccessLog(path: accessLog, showsText: logQueries)
    log.followHangUps()
    let service = try KustoService(configuration, authenticator: access?.authenticator, access: access?.control, identity: access?.identity, accessLog: log)
    service.start()
    defer { service.stop() }
    try BlockingThread.wait {
      try await HTTPServer.run(service, address) { url in
        print("KConnect listens on \(url)")
        fflush(nil)
      }
    }
  }
}

@main
enum Program {
  static func main() {
    signal(SIGPIPE, SIG_IGN)
    do {
      var command = try ServerCommand.parseAsRoot(Array(CommandLine.arguments.dropFirst()))
      try command.run()
    } catch let error as KConnectError {
      let hint = error.hint.map { "\nhint: \($0)" } ?? ""
      Self.say("error[\(error.code)]: \(error.message)\(hint)\n")
      switch error.code {
      case .usage, .optionInvalid, .optionUnknown: exit(2)
      case .locked: exit(75)
      case .configuration: exit(78)
      default: exit(1)
      }
    } catch {
      ServerCommand.exit(withError: error)
    }
  }

  private static func say(_ text: String) {
    var text = text
    // SAFETY: the bytes live through the call.
    text.withUTF8 { _ = unsafe write(2, $0.baseAddress, $0.count) }
  }
}
