// Role: columns: renaming, dropping, giving another type; functions of a database.

import Columnar
import DataSource
import Engine
import KQL

extension CommandRun {
  /// The table and column under a capture of `Table.Column` or `Database.Table.Column`.
  private func column(_ parts: [String]) throws -> (table: StoreTable, name: String) {
    guard parts.count >= 2 else {
      throw KConnectError(.usage, "'\(parts.joined(separator: "."))' is no column of a table", hint: "write Table.Column")
    }
    let home = try parts.count > 2 ? namedDatabase(parts[parts.count - 3]) : database()
    let table = try home.table(parts[parts.count - 2])
    let names = try table.snapshot().schema.names
    guard names.contains(parts[parts.count - 1]) else { throw missingColumn(parts[parts.count - 1], table, names) }
    return (table, parts[parts.count - 1])
  }

  private func columnRow(_ table: StoreTable, _ name: String) throws -> [Scalar] {
    let type = try table.snapshot().schema.field(name)?.type ?? .dynamic
    let policy = try metadata.entry(.policy, PolicyName.encoding.rawValue, in: .column(table: table.id, name))?.document.json
    return [.string(name), .string(type.systemTypeName), .string(policy ?? "null")]
  }

  func columnRename() throws -> CommandOutput {
    guard let new = command.name("name") else { throw KConnectError(.internalError, "no new name") }
    let (table, name) = try column(command.path("column").map(\.text))
    try alter(table) { try $0.rename(name, to: new.text) }
    try metadata.move(from: .column(table: table.id, name), to: .column(table: table.id, new.text))
    return CommandOutput(Shapes.columns, [try columnRow(table, new.text)])
  }

  func columnsRename() throws -> CommandOutput {
    var rows: [[Scalar]] = []
    var byTable: [(table: StoreTable, renames: [(from: String, to: String)])] = []
    for rename in command.properties("renames") {
      let (table, name) = try column(rename.text.split(separator: ".").map(String.init))
      if let i = byTable.firstIndex(where: { $0.table.id == table.id }) {
        byTable[i].renames.append((name, rename.name.text))
      } else {
        byTable.append((table, [(name, rename.name.text)]))
      }
    }
    for (table, renames) in byTable {
      try alter(table) { change in
        // Names may be exchanged: positions are found before any name changes.
        let positions = renames.map { rename in change.columns.firstIndex { $0.field.name == rename.from } }
        for (position, rename) in zip(positions, renames) {
          if let position { change.columns[position].field = StructField(rename.to, change.columns[position].field.type) }
        }
      }
      for rename in renames { rows.append(try columnRow(table, rename.to)) }
    }
    return CommandOutput(Shapes.columns, rows)
  }

  func columnTypeAlter() throws -> CommandOutput {
    let (table, name) = try column(command.path("column").map(\.text))
    guard let type = command.text("type").flatMap({ DataType(rawValue: $0) }) else { throw KConnectError(.internalError, "no type") }
    if try table.snapshot().schema.field(name)?.type != type {
      try alter(table) { try $0.changeType(name, to: type, keepsValues: false) }
      if try table.snapshot().rowCount > 0 { notes.add("the values of '\(name)' that were there are null now, as in Kusto; a new column with .set keeps them converted") }
    }
    return CommandOutput(Shapes.columns, [try columnRow(table, name)])
  }

  func columnDrop() throws -> CommandOutput {
    let parts = command.path("column").map(\.text)
    if command.says("ifexists"), parts.count >= 2 {
      let home = try parts.count > 2 ? namedDatabase(parts[parts.count - 3]) : database()
      let table = try home.table(parts[parts.count - 2])
      if try table.snapshot().schema.field(parts[parts.count - 1]) == nil { return CommandOutput(Shapes.tableSchema, [try schemaRow(table)]) }
    }
    let (table, name) = try column(parts)
    return try drop([name], of: table)
  }

  func columnsDrop() throws -> CommandOutput {
    let table = try table()
    return try drop(command.names("columns").map(\.text), of: table)
  }

  private func drop(_ names: [String], of table: StoreTable) throws -> CommandOutput {
    let present = try table.snapshot().schema.names
    for name in names where !present.contains(name) { throw missingColumn(name, table, present) }
    try alter(table) { change in for name in names { try change.drop(name) } }
    return CommandOutput(Shapes.tableSchema, [try schemaRow(table)])
  }

  // MARK: Functions

  private static let functionProperties = ["docstring", "folder", "skipvalidation", "view"]

  func functionCreate(_ kind: CommandKind) throws -> CommandOutput {
    guard let name = command.name("function"), case .function(let parameters, let body, _)? = command.arguments["body"] else {
      throw KConnectError(.internalError, "no function")
    }
    let database = try database()
    let properties = try properties(Self.functionProperties)
    let old = try StoredFunction.find(name.text, in: database.name, metadata)
    if kind == .functionCreate, old != nil {
      if command.says("ifnotexists"), let old { return try functionOutput([old]) }
      throw KConnectError(.alreadyExists, "the function '\(name.text)' exists already in the database '\(database.name)'", hint: "use .create-or-alter function")
    }
    if old == nil { try requireFree(name.text, for: .function, in: database) }
    if kind == .functionAlter, old == nil { throw try missingFunction(name.text, database) }
    if try database.tableIfExists(name.text) != nil { notes.add("the table '\(name.text)' has the same name; a query that says '\(name.text)' means the function, table('\(name.text)') the table") }
    let function = StoredFunction(
      name: name.text, parameters: parameters, body: body, folder: properties.text("folder") ?? old?.folder ?? "",
      docstring: properties.text("docstring") ?? old?.docstring ?? "", isView: try properties.bool("view") ?? old?.isView ?? false)
    if function.isView, function.takesArguments { notes.add("'\(name.text)' takes arguments: a view that wildcards find has none") }
    if try properties.bool("skipvalidation") != true { try validate(function) }
    try metadata.put(.function, function.name, in: .database(database.name), function.document)
    if old == nil { try grantCreator(.function(database: database.name, function.name)) }
    journal(old == nil ? "ADD-FUNCTION" : "ALTER-FUNCTION", function.name, before: old?.lambdaText ?? "", after: function.lambdaText)
    return try functionOutput([function])
  }

  /// A function without parameters must bind, as when Kusto checks it; none may call itself.
  func validate(_ function: StoredFunction) throws {
    guard !function.takesArguments else { return try refuseRecursion(function) }
    let catalog = catalog(), name = quotedName(function.name), declaration = "let \(name) = \(function.lambdaText); "
    let options = request.definitionOptions(executor, catalog)
    func bind(_ query: String) throws { _ = try KQL.bind(declaration + query, catalog: catalog, options: options) }
    do { try bind("\(name)()") } catch let failure {
      if function.isView { throw failure }
      // It may give a scalar; if it does not bind as one either, the first finding tells more.
      do { try bind("print \(name)()") } catch { throw failure }
    }
  }

  /// Refuses a function with parameters that calls itself. Whatever else does not bind may be due to the arguments, which are made up.
  private func refuseRecursion(_ function: StoredFunction) throws {
    guard case .letFunction(_, let declaration)? = KQLParser.parse("let f = \(function.lambdaText)").query.statements.first?.kind else { return }
    let arguments = declaration.parameters.map { parameter in
      switch parameter.type {
      case .scalar(let type): Self.sample(type.type)
      case .tabular(let rows) where rows.columns.isEmpty: "(print 1)"
      case .tabular(let rows): "datatable(\(rows.columns.map { "\(quotedName($0.name.text)):\($0.type.type.rawValue)" }.joined(separator: ", ")))[]"
      }
    }
    let catalog = catalog(), name = quotedName(function.name)
    let text = "let \(name) = \(function.lambdaText); \(name)(\(arguments.joined(separator: ", ")))"
    let found = KQLChecker.diagnostics(text, catalog: catalog, options: request.definitionOptions(executor, catalog)).first { $0.code == .recursion }
    if let found { throw KConnectError(.kqlSemantic, found.message, hint: "skipvalidation=true stores the function all the same") }
  }

  /// A value of a type, as a literal.
  private static func sample(_ type: ScalarTypeName) -> String {
    switch type {
    case .bool: "true"
    case .int, .long, .real, .decimal: "\(type.rawValue)(1)"
    case .string: "'x'"
    case .datetime: "datetime(2000-01-01)"
    case .timespan: "1d"
    case .guid: "guid(00000000-0000-0000-0000-000000000001)"
    case .dynamic: "dynamic({})"
    }
  }

  private func missingFunction(_ name: String, _ database: Database) throws -> KConnectError {
    let names = try StoredFunction.all(in: database.name, metadata).map(\.name)
    return KConnectError(
      .pathNotFound, "there is no function '\(name)' in the database '\(database.name)'",
      hint: nearestNames(to: name, among: names, limit: 1).first.map { "did you mean '\($0)'?" } ?? (names.isEmpty ? "the database has no functions" : nil))
  }

  func function(_ key: String = "function") throws -> StoredFunction {
    guard let name = command.name(key) else { throw KConnectError(.internalError, "no function") }
    let database = try database()
    guard let found = try StoredFunction.find(name.text, in: database.name, metadata) else { throw try missingFunction(name.text, database) }
    return found
  }

  private func functionOutput(_ functions: [StoredFunction]) throws -> CommandOutput {
    let database = try database().name
    return CommandOutput(
      Shapes.functions,
      try functions.map { [.string($0.name), .string($0.parameters), .string(try body($0, in: database)), .string($0.folder), .string($0.docstring)] })
  }

  /// The body of a function as the caller sees it.
  func body(_ function: StoredFunction, in database: String) throws -> String {
    try showsObfuscated(function, in: database) ? function.body : LoggedText.hidingSecrets(function.body)
  }

  func functionsShow() throws -> CommandOutput { try functionOutput(try StoredFunction.all(in: try database().name, metadata)) }
  func functionShow() throws -> CommandOutput { try functionOutput([try function()]) }

  func functionSchemaAsJsonShow() throws -> CommandOutput {
    var function = try function()
    function.body = try body(function, in: database().name)
    // Without arguments only some of them can be asked for their columns.
    let catalog = catalog(for: .metadata)
    let name = function.name
    let bound = try? KQL.bind("\(quotedName(name))()", catalog: catalog, options: request.definitionOptions(executor, catalog))
    let text = SchemaText.function(function, output: bound?.results.first?.plan.schema ?? StructType()).json
    return CommandOutput(
      Shapes.functionSchema,
      [[.string(function.name), .string(text), .string(try database().name), .string(function.folder), .string(function.docstring)]])
  }

  func functionTextAlter(docstring: Bool) throws -> CommandOutput {
    var function = try function()
    if docstring { function.docstring = command.text("text") ?? "" } else { function.folder = command.text("text") ?? "" }
    try metadata.put(.function, function.name, in: .database(try database().name), function.document)
    return try functionOutput([function])
  }

  func functionsDrop(_ names: [String]) throws -> CommandOutput {
    let database = try database()
    let present = try names.filter { try StoredFunction.find($0, in: database.name, metadata) != nil }
    if !command.says("ifexists"), let missing = names.first(where: { !present.contains($0) }) { throw try missingFunction(missing, database) }
    for name in present {
      try metadata.remove(.function, name, in: .database(database.name), with: .function(database: database.name, name))
      journal("DROP-FUNCTION", name)
    }
    return CommandOutput(Shapes.functionName, present.map { [.string($0)] })
  }
}
