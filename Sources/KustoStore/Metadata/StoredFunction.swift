// Role: a stored function as it is kept.

import Columnar
import DataSource

/// A function of a database.
struct StoredFunction: Sendable {
  var name: String
  /// `(x: long)`, as written.
  var parameters: String
  /// `{ … }`, as written.
  var body: String
  var folder: String
  var docstring: String
  /// Whether wildcards of table names find it: a stored view. Source: Kusto, "Views".
  var isView: Bool

  /// What the query parser reads as a lambda.
  var lambdaText: String { parameters + " " + body }

  /// Whether it has parameters, with or without default values.
  var takesArguments: Bool { parameters.filter { !$0.isWhitespace } != "()" }

  init(name: String, parameters: String, body: String, folder: String, docstring: String, isView: Bool = false) {
    self.name = name
    self.parameters = parameters
    self.body = body
    self.folder = folder
    self.docstring = docstring
    self.isView = isView
  }

  init(_ entry: MetadataEntry) {
    func text(_ key: String) -> String { entry.document[key]?.stringValue ?? "" }
    let isView = if case .bool(true)? = entry.document["View"] { true } else { false }
    self.init(name: entry.name, parameters: text("Parameters"), body: text("Body"), folder: text("Folder"), docstring: text("DocString"), isView: isView)
  }

  var document: DynamicValue {
    .bag([
      DynamicEntry("Parameters", .string(parameters)), DynamicEntry("Body", .string(body)), DynamicEntry("Folder", .string(folder)),
      DynamicEntry("DocString", .string(docstring)), DynamicEntry("View", .bool(isView)),
    ])
  }

  static func find(_ name: String, in database: String, _ metadata: MetadataStore) throws -> StoredFunction? {
    try metadata.entry(.function, name, in: .database(database)).map(StoredFunction.init)
  }

  static func all(in database: String, _ metadata: MetadataStore) throws -> [StoredFunction] {
    try metadata.entries(.function, in: .database(database)).map(StoredFunction.init)
  }
}
