// Role: operators on columns. Each takes a column and a column, or a column and a Swift value on either side; all become KQL operators,
// so that `==` with a null is not true and integer division truncates.

import Expressions

extension Column {
  private static func binary(_ name: String, _ a: Column, _ b: Column) -> Column { Column(.call(name, [a.expr, b.expr])) }

  /// Equal; not true where a side is null. Text is compared case-sensitively.
  public static func == (a: Column, b: Column) -> Column { binary(FunctionName.equal, a, b) }
  public static func == <V: RowValue>(a: Column, b: V) -> Column { a == lit(b) }
  public static func == <V: RowValue>(a: V, b: Column) -> Column { lit(a) == b }

  /// Not equal.
  public static func != (a: Column, b: Column) -> Column { binary(FunctionName.notEqual, a, b) }
  public static func != <V: RowValue>(a: Column, b: V) -> Column { a != lit(b) }
  public static func != <V: RowValue>(a: V, b: Column) -> Column { lit(a) != b }

  /// Less than.
  public static func < (a: Column, b: Column) -> Column { binary(FunctionName.less, a, b) }
  public static func < <V: RowValue>(a: Column, b: V) -> Column { a < lit(b) }
  public static func < <V: RowValue>(a: V, b: Column) -> Column { lit(a) < b }

  /// Less than or equal.
  public static func <= (a: Column, b: Column) -> Column { binary(FunctionName.lessOrEqual, a, b) }
  public static func <= <V: RowValue>(a: Column, b: V) -> Column { a <= lit(b) }
  public static func <= <V: RowValue>(a: V, b: Column) -> Column { lit(a) <= b }

  /// Greater than.
  public static func > (a: Column, b: Column) -> Column { binary(FunctionName.greater, a, b) }
  public static func > <V: RowValue>(a: Column, b: V) -> Column { a > lit(b) }
  public static func > <V: RowValue>(a: V, b: Column) -> Column { lit(a) > b }

  /// Greater than or equal.
  public static func >= (a: Column, b: Column) -> Column { binary(FunctionName.greaterOrEqual, a, b) }
  public static func >= <V: RowValue>(a: Column, b: V) -> Column { a >= lit(b) }
  public static func >= <V: RowValue>(a: V, b: Column) -> Column { lit(a) >= b }

  /// Sum.
  public static func + (a: Column, b: Column) -> Column { binary(FunctionName.add, a, b) }
  public static func + <V: RowValue>(a: Column, b: V) -> Column { a + lit(b) }
  public static func + <V: RowValue>(a: V, b: Column) -> Column { lit(a) + b }

  /// Difference.
  public static func - (a: Column, b: Column) -> Column { binary(FunctionName.subtract, a, b) }
  public static func - <V: RowValue>(a: Column, b: V) -> Column { a - lit(b) }
  public static func - <V: RowValue>(a: V, b: Column) -> Column { lit(a) - b }

  /// Product.
  public static func * (a: Column, b: Column) -> Column { binary(FunctionName.multiply, a, b) }
  public static func * <V: RowValue>(a: Column, b: V) -> Column { a * lit(b) }
  public static func * <V: RowValue>(a: V, b: Column) -> Column { lit(a) * b }

  /// Quotient; of two integers, truncated as in KQL (cast a side to real for a fraction).
  public static func / (a: Column, b: Column) -> Column { binary(FunctionName.divide, a, b) }
  public static func / <V: RowValue>(a: Column, b: V) -> Column { a / lit(b) }
  public static func / <V: RowValue>(a: V, b: Column) -> Column { lit(a) / b }

  /// Remainder; never negative for integers, as in KQL.
  public static func % (a: Column, b: Column) -> Column { binary(FunctionName.modulo, a, b) }
  public static func % <V: RowValue>(a: Column, b: V) -> Column { a % lit(b) }
  public static func % <V: RowValue>(a: V, b: Column) -> Column { lit(a) % b }

  /// Both hold.
  public static func && (a: Column, b: Column) -> Column { binary(FunctionName.and, a, b) }
  /// One of them holds.
  public static func || (a: Column, b: Column) -> Column { binary(FunctionName.or, a, b) }
  /// The opposite.
  public static prefix func ! (a: Column) -> Column { Column(.call(FunctionName.not, [a.expr])) }
  /// The negative.
  public static prefix func - (a: Column) -> Column { Column(.call(FunctionName.negate, [a.expr])) }
}
