// Names, scalar types and column declarations: the small nodes that all other nodes are made of.

/// A name as written, without its quotes: `State`, `['x y']`, `$left`.
package struct Name: Hashable, Sendable {
  package var text: String
  @Position package var span: SourceSpan
}

/// Kusto's ten scalar types, under the names the language prints.
/// Source: Kusto language reference, "Scalar data types".
package enum ScalarTypeName: String, Hashable, Sendable, CaseIterable {
  case bool, int, long, real, decimal, string, datetime, timespan, guid, dynamic

  /// The type that a type word stands for, aliases included (`double`, `date`, `time`, `uuid`, ...); nil when it is none.
  package init?(word: String) {
    switch word {
    case "bool", "boolean": self = .bool
    case "int", "int32", "int8", "int16", "uint8", "uint16", "uint32", "uint": self = .int
    case "long", "int64", "ulong", "uint64": self = .long
    case "real", "double", "float": self = .real
    case "decimal": self = .decimal
    case "string": self = .string
    case "datetime", "date": self = .datetime
    case "timespan", "time": self = .timespan
    case "guid", "uuid", "uniqueid": self = .guid
    case "dynamic": self = .dynamic
    default: return nil
    }
  }
}

/// A scalar type where the text names one.
package struct TypeReference: Hashable, Sendable {
  package var type: ScalarTypeName
  @Position package var span: SourceSpan
}

/// `name: type`, in `datatable`, row schemas and parameter lists.
package struct ColumnDeclaration: Hashable, Sendable {
  package var name: Name
  package var type: TypeReference
  @Position package var span: SourceSpan
}

/// The columns of a tabular value: `(a: long, b: string)`, or `(*)` for any.
package struct RowSchema: Hashable, Sendable {
  package var columns: [ColumnDeclaration]
  /// True for `(*)`, alone or before further columns.
  package var acceptsAny: Bool
  @Position package var span: SourceSpan
}
