// Role: the distributed read: the cluster exports the query's rows as Parquet files into storage, which are then read in parallel and removed.
// Source: ".export to storage"; the connector's distributed mode. Timespans travel as text, datetimes to the microsecond.

import Columnar
import DataSource
import Engine
import Expressions
import FileConnector
import KQL

/// What an export is made with.
struct ClusterExport: Sendable {
  var storage: TransientStorage
  var timeoutSeconds: Int
  /// kustoExportOptionsJson, checked.
  var isCompressed = true
  var members: [(name: String, value: String)] = []

  /// - Parameter options: kustoExportOptionsJson. Throws OPTION_INVALID.
  init(storage: TransientStorage, options: String?, timeoutSeconds: Int) throws {
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

  /// Exports the rows of `text` and answers the addresses of the files with their signatures. Throws what the cluster says.
  func run(_ text: String, _ schema: StructType, columnNames: [String], _ reader: ClusterReader) throws -> [String] {
    guard let database = reader.database else { throw KConnectError(.usage, "kusto: an export needs a database") }
    if let container = storage.containers.first(where: { $0.readSuffix == nil }) {
      throw KConnectError(
        .notSupported, "transientStorage: not supported yet: reading back from '\(container.url)' with an account key or by impersonation", hint: "give the container as sasUrl")
    }
    var query = text
    if schema.fields.contains(where: { $0.type == .timespan }) {
      query += "\n| extend " + zip(schema.fields, columnNames).filter { $0.0.type == .timespan }.map { "\(KQLPrinter.quoted(name: $0.1)) = tostring(\(KQLPrinter.quoted(name: $0.1)))" }.joined(separator: ", ")
      query += "\n| project " + columnNames.map { KQLPrinter.quoted(name: $0) }.joined(separator: ", ")
    }
    let prefix = "kconnect/\(randomIdentifier())/part"
    let targets = storage.containers.map { "h\(KQLPrinter.quoted(string: $0.url + $0.secret))" }.joined(separator: ", ")
    let members = ([("namePrefix", KQLPrinter.quoted(string: prefix))] + self.members).map { "\($0.0)=\($0.1)" }.joined(separator: ", ")
    let command = ".export async \(isCompressed ? "compressed " : "")to parquet (\(targets)) with (\(members)) <|\n\(query)"
    let tables = ClusterTables(client: reader.client, database: database)
    let operation = try tables.wait(for: command, activity: "export", timeoutSeconds: timeoutSeconds)
    let answer = try reader.client.command(".show operation \(operation) details", database: database, activity: "operationShow")
    return zip(answer.texts("Path"), answer.texts("NumRecords")).filter { $0.1 != "0" }.map { path, _ in
      let plain = String(path.prefix { $0 != "?" && $0 != ";" })
      let container = storage.containers.first { plain.hasPrefix($0.url) } ?? storage.containers[0]
      return plain + (container.readSuffix ?? "")
    }
  }

  /// Removes files; what cannot be removed stays for the container's own clean-up.
  static func remove(_ files: [String], _ client: ClusterClient) {
    for file in files {
      let request = HTTPRequest("DELETE", file, headers: [("x-ms-version", "2021-12-02"), ("x-ms-date", HTTPDate.text(client.retry.clock.nowTicks))])
      // SAFETY: no receiver, so no pointer is handed over.
      _ = try? unsafe client.transport.send(request, receive: nil)
    }
  }
}

/// A scan of exported files; removes them when it is released.
final class ExportScan: Scan {
  let schema: StructType
  private let inner: any Scan
  private let converter: BatchConverter
  private let files: [String]
  private let client: ClusterClient

  /// - Parameters:
  ///   - wire: the columns as the plan knows them, those of the files in this order.
  init(_ files: [String], wire: StructType, columnNames: [String], _ client: ClusterClient, context: EvaluationContext) throws {
    self.files = files
    self.client = client
    schema = wire
    guard let parquet = FileFormats.providers.first(where: { $0.shortName == "parquet" }) else { throw KConnectError(.internalError, "no parquet source") }
    let table = try parquet.open(files, schema: nil, options: try DataSourceOptions(source: "parquet", specs: parquet.options, given: [], use: .read))
    let found = StructType(
      try columnNames.map { name in
        guard let field = table.schema.field(name) else { throw KConnectError(.schemaMismatch, "the exported files have no column '\(name)'") }
        return field
      })
    converter = try BatchConverter(from: found, to: wire)
    inner = try table.scan(ScanRequest(columns: columnNames), context: context)
  }

  deinit { ClusterExport.remove(files, client) }

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
