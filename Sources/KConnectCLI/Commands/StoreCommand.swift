// Role: `kconnect store`: care of the embedded store, for people and cron: verify, compact, gc, backup, restore, export.

import ArgumentParser
import Columnar
import DataSource
import Engine
import Expressions
import KConnect
import KustoStore

struct StoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "store", abstract: "Checks, compacts, cleans, backs up and exports the embedded store.",
    subcommands: [StoreVerify.self, StoreCompact.self, StoreGarbage.self, StoreBackup.self, StoreRestore.self, StoreExport.self])
}

/// Where the store is.
struct StoreFlags: ParsableArguments {
  @Option(help: ArgumentHelp("Directory of the store; else $KCONNECT_STORE, else ./kustodata.", valueName: "dir"), completion: .directory)
  var store: String?

  var path: String { store ?? OpenStores.defaultPath }

  func open() throws -> Store { try Store.open(path) }
}

/// One line per result on standard output.
private func put(_ lines: [String]) throws {
  let output = try ByteOutput(standardOutput: ())
  for line in lines { try output.write(line + "\n") }
  try output.finish()
}

private func size(_ bytes: Int) -> String {
  let units = ["bytes", "KiB", "MiB", "GiB", "TiB"]
  var value = Double(bytes)
  var unit = 0
  while value >= 1_024, unit < units.count - 1 {
    value /= 1_024
    unit += 1
  }
  return unit == 0 ? "\(bytes) bytes" : "\((value * 10).rounded() / 10) \(units[unit])"
}

struct StoreVerify: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "verify", abstract: "Checks that every log reads and every extent is whole.")
  @OptionGroup var flags: StoreFlags
  @Option(help: ArgumentHelp("Only this database.", valueName: "name")) var database: String?
  @Flag(help: "Decode every value as well.") var deep = false

  func run() throws {
    let report = try flags.open().verify(database: database, deep: deep)
    try put(report.problems + ["\(report.tables) tables, \(report.extents) extents, \(report.rows) rows, \(size(report.bytes)), \(report.problems.count) problems"])
    if !report.problems.isEmpty { throw KConnectError(.formatCorrupt, "the store '\(flags.path)' has \(report.problems.count) problems") }
  }
}

struct StoreCompact: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "compact", abstract: "Merges small extents into large ones.")
  @OptionGroup var flags: StoreFlags
  @Option(help: ArgumentHelp("Only this database.", valueName: "name")) var database: String?
  @Option(help: ArgumentHelp("Only this table.", valueName: "name")) var table: String?

  func run() throws {
    let store = try flags.open()
    var lines: [String] = []
    let homes = try (database.map { [$0] } ?? store.databaseNames()).map { try store.database($0) }
    if let table, try !homes.contains(where: { try $0.tableIfExists(table) != nil }) {
      let near = nearestNames(to: table, among: try homes.flatMap { try $0.tableNames() }, limit: 1).first
      throw KConnectError(
        .pathNotFound, "there is no table '\(table)' in \(database.map { "the database '\($0)'" } ?? "any database of the store")", hint: near.map { "did you mean '\($0)'?" })
    }
    for home in homes {
      for table in try table.map({ try home.tableIfExists($0).map { [$0] } ?? [] }) ?? home.everyTable() {
        for group in try table.mergeExtents().merged {
          lines.append("\(quotedName(home.name)).\(quotedName(table.name)): \(group.old.count) extents of \(group.old.reduce(0) { $0 + $1.rowCount }) rows became \(group.new.count)")
        }
      }
    }
    try put(lines.isEmpty ? ["nothing to merge"] : lines)
  }
}

struct StoreGarbage: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gc", abstract: "Deletes files that no version and no running process needs.",
    discussion: "Extents that left a table go after an hour, dropped tables at once when nobody reads them, old log files below the last checkpoint.")
  @OptionGroup var flags: StoreFlags
  @Flag(help: "Only list what would go.") var dryRun = false

  func run() throws {
    let report = try flags.open().collectGarbage(dryRun: dryRun)
    let verb = dryRun ? "would be deleted" : "deleted"
    try put(report.items.map { "\($0.reason)\t\($0.bytes)\t\($0.path)" } + ["\(report.items.count) items, \(size(report.bytes)) \(verb)"])
  }
}

struct StoreBackup: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup", abstract: "Copies the store, each table at one version, to a directory that is a store itself.")
  @OptionGroup var flags: StoreFlags
  @Argument(help: "The directory; it must be missing or empty.", completion: .directory) var target: String

  func run() throws {
    let report = try flags.open().backup(to: target)
    try put(["\(report.tables) tables, \(report.extents) extents, \(size(report.bytes)) in '\(target)'"])
  }
}

struct StoreRestore: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "restore", abstract: "Makes a store of a backup, which is checked first.")
  @OptionGroup var flags: StoreFlags
  @Argument(help: "The backup.", completion: .directory) var source: String

  func run() throws {
    let report = try Store.restore(from: source, to: flags.path)
    try put(["\(report.tables) tables, \(report.extents) extents, \(size(report.bytes)) in '\(flags.path)'"])
  }
}

struct StoreExport: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "export", abstract: "Writes every table as files: DIR/<database>/<table>/part-….")
  private static let formats = ["parquet", "csv", "json", "delta"]
  @OptionGroup var flags: StoreFlags
  @Option(help: ArgumentHelp("The directory.", valueName: "dir"), completion: .directory) var to: String
  @Option(help: ArgumentHelp("parquet, csv, json or delta.", valueName: "name"), completion: .list(StoreExport.formats)) var format = "parquet"
  @Option(help: ArgumentHelp("Only this database.", valueName: "name")) var database: String?

  func run() throws {
    guard Self.formats.contains(format.lowercased()) else {
      throw KConnectError(.notSupported, "not supported: a store exported as '\(format)'", hint: "formats: \(Self.formats.joined(separator: ", "))")
    }
    let store = try flags.open()
    let provider = try BuiltInSources.registry.provider(format)
    var exported = 0
    var failures: [KConnectError] = []
    for name in try database.map({ [$0] }) ?? store.databaseNames() {
      let home = try store.database(name)
      for table in try home.tableNames() {
        let line: String?
        do { line = try export(table, of: home, provider) } catch {
          let failure = KConnectError(converting: error)
          if failure.code == .cancelled { throw error }
          ErrorReport.warning("\(quotedName(name)).\(quotedName(table)) was not exported: \(failure.code): \(failure.message)")
          failures.append(failure)
          continue
        }
        // What is there when a later table fails is known.
        guard let line else { continue }
        try put([line])
        exported += 1
      }
    }
    guard let first = failures.first else {
      if exported == 0 { try put(["the store has no tables"]) }
      return
    }
    throw KConnectError(
      first.code, "\(failures.count) of \(exported + failures.count) tables were not exported",
      hint: "kconnect write --from kusto:DATABASE.TABLE writes one of them, with options of the format such as onInexact=truncate", isRetryable: first.isRetryable)
  }

  /// What was written, in a line; nil for a table that has gone meanwhile.
  private func export(_ name: String, of home: Database, _ provider: any DataSourceProvider) throws -> String? {
    guard let table = try home.tableIfExists(name) else { return nil }
    let snapshot = try table.snapshot()
    let path = joinPath(joinPath(to, try StoreNames.encode(home.name, kind: "database")), try StoreNames.encode(name, kind: "table"))
    let options = try DataSourceOptions(source: provider.shortName, specs: provider.options, given: [], use: .write)
    guard let sink = try provider.makeSink(path, schema: snapshot.schema, mode: .error, partitionBy: [], options: options) else { return nil }
    let context = EvaluationContext(nowTicks: StoreClock.nowTicks, seed: 0)
    let summary = try QueryExecution(.scan(snapshot.rows()), options: ExecutionOptions(), context: context).write(to: sink)
    return "\(quotedName(home.name)).\(quotedName(name)): \(summary.rows) rows, \(size(summary.bytes)) in '\(path)'"
  }
}
