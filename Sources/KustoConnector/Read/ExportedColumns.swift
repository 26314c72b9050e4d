// Role: how values that Parquet files of exports do not hold exactly travel in them: datetimes and timespans as ticks, decimals as text, dynamic
// values as JSON. So a distributed read gives what a direct one gives.

import Columnar
import Expressions
import KQL

enum ExportedColumns {
  /// Ticks from 0001-01-01, which tolong() of a datetime counts from, to 1970.
  private static let epoch: Int64 = 621_355_968_000_000_000

  /// Operators to put behind a query; empty when all columns travel as they are.
  static func encoding(_ schema: StructType, _ names: [String]) -> String {
    let changed = zip(schema.fields, names).compactMap { field, name -> String? in
      let column = KQLPrinter.quoted(name: name)
      return switch field.type {
      case .datetime, .timespan: "\(column) = tolong(\(column))"
      case .decimal, .guid: "\(column) = tostring(\(column))"
      case .dynamic: "\(column) = dynamic_to_json(\(column))"
      default: nil
      }
    }
    if changed.isEmpty { return "" }
    return "\n| extend " + changed.joined(separator: ", ") + "\n| project " + names.map { KQLPrinter.quoted(name: $0) }.joined(separator: ", ")
  }

  /// The value of a column of the files; nil: by the conversion function of the type.
  static func decoding(_ found: StructField, _ type: DataType) -> Expr? {
    switch (found.type, type) {
    case (.long, .timespan): .call("totimespan", [.column(found.name)])
    case (.long, .datetime):
      .call(FunctionName.add, [.literal(.datetime(0)), .call("totimespan", [.call(FunctionName.subtract, [.column(found.name), .literal(.long(epoch))])])])
    case (.string, .dynamic): .call("parse_json", [.column(found.name)])
    default: nil
    }
  }
}
