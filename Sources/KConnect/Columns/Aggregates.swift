// Role: the aggregate functions of `groupBy(…).agg(…)`. They are calls of KQL aggregates; expressions over several of them are allowed.

import Expressions

private func aggregate(_ name: String, _ spark: String, _ values: [Column]) -> Column {
  Column(.call(name, values.map(\.expr)), alias: "\(spark)(\(values.map(\.name).joined(separator: ", ")))")
}

/// Number of rows, named `count`.
public func count() -> Column { Column(.call("count", []), alias: "count") }
/// Number of rows where the value is not null.
public func count(_ value: Column) -> Column { Column(.call("countif", [value.isNotNull().expr]), alias: "count(\(value.name))") }
/// Number of rows where the column is not null.
public func count(_ column: String) -> Column { count(col(column)) }
/// Number of distinct values that are not null, exactly.
public func countDistinct(_ value: Column) -> Column { aggregate("count_distinct", "count_distinct", [value]) }
/// Number of distinct values that are not null, exactly.
public func countDistinct(_ column: String) -> Column { countDistinct(col(column)) }
/// Number of distinct values, estimated with little memory.
public func approxCountDistinct(_ value: Column) -> Column { aggregate("dcount", "approx_count_distinct", [value]) }
/// Sum of the values that are not null.
public func sum(_ value: Column) -> Column { aggregate("sum", "sum", [value]) }
/// Sum of the values that are not null.
public func sum(_ column: String) -> Column { sum(col(column)) }
/// Mean of the values that are not null; NaN for a group without any, as in KQL.
public func avg(_ value: Column) -> Column { aggregate("avg", "avg", [value]) }
/// Mean of the values that are not null.
public func avg(_ column: String) -> Column { avg(col(column)) }
/// Mean of the values that are not null.
public func mean(_ column: String) -> Column { avg(col(column)) }
/// Least value.
public func min(_ value: Column) -> Column { aggregate("min", "min", [value]) }
/// Least value.
public func min(_ column: String) -> Column { min(col(column)) }
/// Greatest value.
public func max(_ value: Column) -> Column { aggregate("max", "max", [value]) }
/// Greatest value.
public func max(_ column: String) -> Column { max(col(column)) }
/// Sample standard deviation.
public func stddev(_ value: Column) -> Column { aggregate("stdev", "stddev", [value]) }
/// Sample variance.
public func variance(_ value: Column) -> Column { aggregate("variance", "variance", [value]) }
/// A value of the group, not null where there is one.
public func anyValue(_ value: Column) -> Column { aggregate("take_any", "any_value", [value]) }
/// All values that are not null, as a dynamic array.
public func collectList(_ value: Column) -> Column { aggregate("make_list", "collect_list", [value]) }
/// The distinct values, as a dynamic array.
public func collectSet(_ value: Column) -> Column { aggregate("make_set", "collect_set", [value]) }
/// The value below which `percent` (0 to 100) of the values lie, estimated.
public func percentile(_ value: Column, _ percent: Double) -> Column {
  Column(.call("percentile", [value.expr, .literal(.real(percent))]), alias: "percentile(\(value.name), \(ValueText.text(.real(percent))))")
}
