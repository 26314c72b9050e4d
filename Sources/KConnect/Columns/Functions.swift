// Role: the functions on columns that Spark users know, each a KQL function underneath; `callFunction` and `expr` reach all others.

public import Columnar
import Expressions

/// A column of the input by name.
public func col(_ name: String) -> Column { Column(.column(name)) }

/// A constant.
public func lit<Value: RowValue>(_ value: Value) -> Column { Column(.literal(value.scalar)) }

/// A typed null.
public func litNull(_ type: DataType) -> Column { Column(.literal(.null(type))) }

/// An expression in KQL text: `expr("strcat(State, '/', EventType)")`.
public func expr(_ kql: String) -> Column { Column(.call(MarkerName.kql, [.literal(.string(kql))]), alias: nil) }

/// A call of any KQL function or aggregate by its name.
public func callFunction(_ name: String, _ arguments: Column...) -> Column { Column.call(name, arguments) }

/// `value` where the condition holds; chain `.when(…)` and `.otherwise(…)`.
public func when(_ condition: Column, _ value: Column) -> Column { Column(.call(MarkerName.when, [condition.expr, value.expr])) }

/// `value` where the condition holds; chain `.when(…)` and `.otherwise(…)`.
public func when<Value: RowValue>(_ condition: Column, _ value: Value) -> Column { when(condition, lit(value)) }

// MARK: - Text

/// Lower-case text.
public func lower(_ text: Column) -> Column { .call("tolower", [text]) }
/// Upper-case text.
public func upper(_ text: Column) -> Column { .call("toupper", [text]) }
/// Number of characters.
public func length(_ text: Column) -> Column { .call("strlen", [text]) }
/// The text without white space at its ends.
public func trim(_ text: Column) -> Column { .call("trim", [lit("\\s+"), text]) }
/// The texts one after another.
public func concat(_ parts: Column...) -> Column { .call("strcat", parts) }
/// The pieces between delimiters, as a dynamic array.
public func split(_ text: Column, _ delimiter: String) -> Column { .call("split", [text, lit(delimiter)]) }
/// The group of the first match of a regular expression (0: the whole match).
public func regexpExtract(_ text: Column, _ pattern: String, _ group: Int) -> Column { .call("extract", [lit(pattern), lit(group), text]) }
/// The text with every match of a regular expression replaced.
public func regexpReplace(_ text: Column, _ pattern: String, _ replacement: String) -> Column {
  .call("replace_regex", [text, lit(pattern), lit(replacement)])
}

// MARK: - Numbers

/// Magnitude.
public func abs(_ value: Column) -> Column { .call("abs", [value]) }
/// Rounded to `scale` digits behind the point.
public func round(_ value: Column, _ scale: Int = 0) -> Column { .call("round", [value, lit(scale)]) }
/// The largest whole number that is not above.
public func floor(_ value: Column) -> Column { .call("floor", [value, lit(1)]) }
/// The smallest whole number that is not below.
public func ceil(_ value: Column) -> Column { .call("ceiling", [value]) }
/// Square root.
public func sqrt(_ value: Column) -> Column { .call("sqrt", [value]) }
/// e to the power.
public func exp(_ value: Column) -> Column { .call("exp", [value]) }
/// Natural logarithm.
public func log(_ value: Column) -> Column { .call("log", [value]) }
/// A power.
public func pow(_ base: Column, _ exponent: Column) -> Column { .call("pow", [base, exponent]) }
/// The value rounded down to a multiple of `width` (numbers, datetimes by a timespan): KQL's `bin`.
public func bin<Width: RowValue>(_ value: Column, _ width: Width) -> Column { .call("bin", [value, lit(width)]) }

// MARK: - Nulls

/// The first argument that is not null.
public func coalesce(_ values: Column...) -> Column { .call("coalesce", values) }
/// True where the value is null.
public func isnull(_ value: Column) -> Column { value.isNull() }

// MARK: - Time

/// The moment the query started.
public func currentTimestamp() -> Column { .call("now", []) }
/// Year.
public func year(_ moment: Column) -> Column { .call("getyear", [moment]) }
/// Month, 1 to 12.
public func month(_ moment: Column) -> Column { .call("monthofyear", [moment]) }
/// Day of the month, 1 to 31.
public func dayofmonth(_ moment: Column) -> Column { .call("dayofmonth", [moment]) }
/// Day of the year, 1 to 366.
public func dayofyear(_ moment: Column) -> Column { .call("dayofyear", [moment]) }
/// Hour, 0 to 23.
public func hour(_ moment: Column) -> Column { .call("hourofday", [moment]) }
/// Minute, 0 to 59.
public func minute(_ moment: Column) -> Column { .call("datetime_part", [lit("minute"), moment]) }
/// Second, 0 to 59.
public func second(_ moment: Column) -> Column { .call("datetime_part", [lit("second"), moment]) }
/// A moment read from text; null where it cannot be read.
public func toTimestamp(_ text: Column) -> Column { text.cast(.datetime) }
/// Midnight of the day.
public func toDate(_ moment: Column) -> Column { .call("startofday", [moment]) }
