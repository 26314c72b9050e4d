// Role: the distributed read: the cluster exports the query's rows as Parquet files into storage, which are then read in parallel and removed.
// Source: ".export to storage"; the connector's distributed mode.

import Columnar
import DataSource
import Engine
import Expressions
import FileConnector
import KQL
import Synchronization

/// What an export is made with.
package struct ClusterExport: Sendable {
  var storage: TransientStorage
  var timeoutSeconds: Int
  /// kustoExportOptionsJson, checked.
  var isCompressed = true
  /// Files are used again by later reads of the same text.
  var isKept = false
  var members: [(name: String, value: String)] = []

  /// - Parameter options: kustoExportOptionsJson. Throws OPTION_INVALID.
  package init(storage: TransientStorage, options: String?, timeoutSeconds: Int) throws {
    self.storage = storage
    self.timeoutSeconds = timeoutSeconds
    var codec = "snappy"
    guard let options else {
      members = [("compressionType", "'\(codec)'"), ("parquetDatetimePrecision", "'microsecond'")]
      return
    }
    guard let value = try? DynamicValue(parsing: options), case .bag(let entries) = value else {
      throw KConnectError(.optionInvalid, "option 'kustoExportOptionsJson' cannot be parsed as a map")
    }
    var precision = "microsecond"
    for entry in entries {
      let text = if case .string(let text) = entry.value { text } else { entry.value.json }
      switch entry.key {
      case "compressed": isCompressed = text.lowercased() != "none"
      case "compressionType": codec = text
      case "parquetDatetimePrecision": precision = text
      case "sizeLimit":
        guard let megabytes = Int(text), megabytes > 0, megabytes <= 4_096 else { throw KConnectError(.optionInvalid, "option 'kustoExportOptionsJson': sizeLimit '\(text)', expected megabytes from 1 to 4096") }
        members.append(("sizeLimit", "\(megabytes << 20)"))
      // The connector's own business.
      case "namePrefix", "async": break
      default:
        guard entry.key.utf8.allSatisfy({ ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A }) else { throw KConnectError(.optionInvalid, "option 'kustoExportOptionsJson': '\(entry.key)' is no name of an option") }
        members.append((entry.key, KQLPrinter.quoted(string: text)))
      }
    }
    members += [("compressionType", KQLPrinter.quoted(string: codec)), ("parquetDatetimePrecision", KQLPrinter.quoted(string: precision))]
  }

  /// The files with the rows of `text`: exported now, or kept from an export of the same text. Throws what the cluster says.
  func files(of text: String, _ schema: StructType, columnNames: [String], _ reader: ClusterReader) throws -> ExportedFiles {
    guard isKept else { return try run(text, schema, columnNames: columnNames, reader) }
    let options = members.map { $0.name + "=" + $0.value }.joined(separator: ",")
    let key = [reader.identity, storage.identity, options, isCompressed ? "compressed" : "", text].joined(separator: "\n")
    return try ExportCache.shared.files(key, now: reader.client.retry.clock.nowTicks) { try run(text, schema, columnNames: columnNames, reader) }
  }

  private func run(_ text: String, _ schema: StructType, columnNames: [String], _ reader: ClusterReader) throws -> ExportedFiles {
    guard let database = reader.database else { throw KConnectError(.usage, "kusto: an export needs a database") }
    if let container = storage.opensByIdentity, reader.client.tokens is NoToken {
      throw KConnectError(
        .configuration, "transientStorage: files in '\(container.url)' are read with the caller's own identity, and there is none", hint: "sign in, or give the container as sasUrl")
    }
    let prefix = "kconnect/\(randomIdentifier())/part"
    let targets = storage.containers.map { "h\(KQLPrinter.quoted(string: $0.url + $0.secret))" }.joined(separator: ", ")
    let members = ([("namePrefix", KQLPrinter.quoted(string: prefix))] + self.members).map { "\($0.0)=\($0.1)" }.joined(separator: ", ")
    let query = text + ExportedColumns.encoding(schema, columnNames)
    let command = ".export async \(isCompressed ? "compressed " : "")to parquet (\(targets)) with (\(members)) <|\n\(query)"
    let tables = ClusterTables(client: reader.client, database: database)
    let answer: CommandAnswer
    do {
      let operation = try tables.wait(for: command, activity: "export", timeoutSeconds: timeoutSeconds)
      answer = try reader.client.command(".show operation \(operation) details", database: database, activity: "operationShow")
    } catch {
      // What was exported so far has names that begin alike.
      for container in storage.containers { ExportedFiles.remove(container.url + "/" + prefix + container.suffix, storage, reader.client) }
      throw error
    }
    let all = answer.texts("Path").map { path in
      let plain = String(path.prefix { $0 != "?" && $0 != ";" })
      return plain + storage.container(of: plain).suffix
    }
    let filled = zip(all, answer.texts("NumRecords")).filter { $0.1 != "0" }.map(\.0)
    return ExportedFiles(filled, all: all, storage, reader.client)
  }
}

/// Exported files; they are removed when the last user lets go. What cannot be removed stays for the container's own clean-up.
final class ExportedFiles: Sendable {
  /// Those with rows, with their signatures.
  let addresses: [String]
  private let all: [String]
  private let isRemoved = Mutex(false)
  private let store: ExportStore

  init(_ addresses: [String], all: [String], _ storage: TransientStorage, _ client: ClusterClient) {
    self.addresses = addresses
    self.all = all
    store = ExportStore(storage: storage, tokens: client.tokens, transport: client.transport)
  }

  deinit { remove() }

  /// The rows of all files.
  func table() throws -> any BatchReadable {
    guard let parquet = FileFormats.providers(stores: ObjectStores([store])).first(where: { $0.shortName == "parquet" }) else { throw KConnectError(.internalError, "no parquet source") }
    return try parquet.open(addresses, schema: nil, options: try DataSourceOptions(source: "parquet", specs: parquet.options, given: [], use: .read))
  }

  /// Removes them now.
  func remove() {
    let isFirst = isRemoved.withLock { isRemoved in
      defer { isRemoved = true }
      return !isRemoved
    }
    guard isFirst else { return }
    for address in all {
      guard let place = try? place(address) else { continue }
      try? place.container.remove(place.path)
    }
  }

  private func place(_ address: String) throws -> ObjectPlace? {
    try store.place(address, options: try DataSourceOptions(source: "parquet", specs: store.options, given: [], use: .read))
  }
}

extension ExportedFiles {
  /// Removes all files whose addresses begin so, as far as that is possible.
  static func remove(_ beginning: String, _ storage: TransientStorage, _ client: ClusterClient) {
    let files = ExportedFiles([], all: [], storage, client)
    guard let place = try? files.place(beginning) else { return }
    for object in (try? place.container.list(place.path)) ?? [] { try? place.container.remove(object.name) }
  }
}

/// A scan of exported files.
final class ExportScan: Scan {
  let schema: StructType
  private let inner: any Scan
  private let converter: BatchConverter
  /// They stay while they are read.
  private let files: ExportedFiles

  /// - Parameters:
  ///   - wire: the columns as the plan knows them, those of the files in this order.
  init(_ files: ExportedFiles, wire: StructType, columnNames: [String], context: EvaluationContext) throws {
    self.files = files
    schema = wire
    let table = try files.table()
    let found = StructType(
      try columnNames.map { name in
        guard let field = table.schema.field(name) else { throw KConnectError(.schemaMismatch, "the exported files have no column '\(name)'") }
        return field
      })
    converter = try BatchConverter(from: found, to: wire, cast: ExportedColumns.decoding)
    inner = try table.scan(ScanRequest(columns: columnNames), context: context)
  }

  var metrics: ScanMetrics { inner.metrics }
  func stop() { inner.stop() }

  func nextMorsel() throws -> (any Morsel)? {
    guard let morsel = try inner.nextMorsel() else { return nil }
    return ExportMorsel(inner: morsel, converter: converter, schema: schema, keeps: self)
  }
}

private struct ExportMorsel: Morsel {
  let inner: any Morsel
  let converter: BatchConverter
  let schema: StructType
  /// The files stay while a piece of them is read.
  let keeps: ExportScan

  func read(_ emit: (RecordBatch) throws -> Bool) throws { try inner.read { try emit(try converter.convert($0, schema)) } }
}
