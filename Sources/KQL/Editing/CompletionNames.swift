// Role: the names that a text can say: tables and databases of the catalog, columns of a pipeline, functions, plugins, and options of `set`.

import Columnar
import Engine

/// Candidates by what they name.
struct CompletionNames {
  let catalog: any KQLCatalog
  let options: BindOptions

  static func items(_ names: [String], _ kind: Completion.Kind) -> [Completion.Item] { names.map { Completion.Item($0, kind) } }

  // MARK: Entities

  func tables(database: String? = nil) -> [Completion.Item] { Self.items(catalog.tableNames(database: database).map { quotedName($0) }, .table) }

  /// Stored functions; those without parameters need no brackets, but take them.
  func functions(database: String? = nil) -> [Completion.Item] {
    catalog.storedFunctions(database: database).map { Completion.Item(quotedName($0.name) + "(", .function, String($0.parameters.dropFirst().dropLast())) }
  }

  /// The names that a function such as `table` takes as a text, in that quote.
  func entities(of function: String, database: String?, quote: Character) -> [Completion.Item] {
    let names = switch function {
    case "database": catalog.databaseNames
    case "table": catalog.tableNames(database: database)
    case "external_table": catalog.externalTableNames
    case "materialized_view": catalog.materializedViewNames
    case "graph": catalog.graphModelNames
    default: [String]()
    }
    return names.map { name in
      let escaped: [Character] = name.flatMap { $0 == quote || $0 == "\\" ? ["\\", $0] : [$0] }
      return Completion.Item("\(quote)\(String(escaped))\(quote)", function == "table" ? .table : .value)
    }
  }

  // MARK: Columns

  /// The columns that a pipeline gives, worked out by binding it. Texts whose binding would run a query are left alone.
  func columns(of pipeline: String, behind statements: String) -> [Completion.Item] {
    let query = statements + pipeline
    guard !["toscalar", "materialize", "evaluate", "externaldata", "totable"].contains(where: { query.contains($0) }),
      let schema = try? KQL.bind(query, catalog: catalog, options: options).results.last?.plan.schema
    else { return [] }
    return schema.fields.map { Completion.Item(quotedName($0.name), .column, "\($0.type)") }
  }

  // MARK: Functions

  static let scalars = functions { !["aggregate", "plugin", "graph"].contains($0.family) && !FunctionCatalog.sources.contains($0.name) }
  static let sources = functions { FunctionCatalog.sources.contains($0.name) }
  static let ofGraphs = functions { $0.family == "graph" }
  static let aggregates = functions(ResultNames.aggregates, .aggregate)
  static let plugins = functions(Binder.plugins, .plugin)

  private static func functions(_ isIncluded: (FunctionEntry) -> Bool) -> [Completion.Item] {
    FunctionCatalog.all.filter(isIncluded).map { Completion.Item($0.name + "(", .function, parameters($0)) }
  }

  private static func functions(_ names: [String], _ kind: Completion.Kind) -> [Completion.Item] {
    names.sorted().map { name in
      Completion.Item(name + "(", kind, FunctionCatalog.find(name).first { $0.family == kind.rawValue }.map { parameters($0) } ?? "")
    }
  }

  private static func parameters(_ entry: FunctionEntry) -> String { String(entry.signature.dropFirst(entry.name.count + 1).dropLast()) }

  static let types = items(ScalarTypeName.allCases.map(\.rawValue), .value)
  static let settings = items(RequestSettings.ofStatements.map { $0 + "=" }, .option)
}
