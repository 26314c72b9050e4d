// Role: the type names of columns in answers, in all the spellings that services use.
// Source: REST "Query/management HTTP response": ColumnType has Kusto's names, DataType those of .NET.

package import Columnar

/// Type names of answers.
package enum WireTypeName {
  /// The type of a `ColumnType` or `DataType` text, with or without `System.`; nil for names nobody knows.
  package static func type(_ name: String) -> DataType? {
    var name = name.lowercased()
    if name.hasPrefix("system.") { name = String(name.dropFirst("system.".count)) }
    if name.hasPrefix("data.sqltypes.") { name = String(name.dropFirst("data.sqltypes.".count)) }
    return switch name {
    case "bool", "boolean", "sbyte": .bool
    case "int", "int32", "uint32", "int16", "uint16", "byte": .int
    case "long", "int64", "uint64": .long
    case "real", "double", "single", "float": .real
    case "decimal", "sqldecimal": .decimal
    case "string": .string
    case "datetime", "date": .datetime
    case "timespan", "time": .timespan
    case "guid", "uuid", "uniqueid": .guid
    case "dynamic", "object": .dynamic
    default: nil
    }
  }
}
