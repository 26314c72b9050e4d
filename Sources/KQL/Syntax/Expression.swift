// Expressions: scalar, tabular where the language allows both (arguments, parentheses), and entity references.
// Parentheses leave no node: precedence is in the tree, and the printer puts back those that are needed.

/// An expression with its place in the text.
package struct Expression: Hashable, Sendable {
  package var kind: Kind
  @Position package var span: SourceSpan
  /// Height of the tree below and including this node; the parser bounds it, so walks may recurse.
  var height: UInt16

  package indirect enum Kind: Hashable, Sendable {
    case literal(Literal)
    /// A column, variable, table or function by name.
    case name(String)
    /// A name with wildcards: `T*`, `*_id`.
    case wildcard(String)
    /// `*`: all columns, or any column in `* has "x"`.
    case star
    /// `a.b`
    case path(Expression, Name)
    /// `database("x").T*`
    case wildcardPath(Expression, Name)
    /// `a[0]`, `a["x"]`
    case element(Expression, Expression)
    /// `f(x, n = 1)`, `database("x").f(1)`
    case call(FunctionCall)
    case unary(UnaryOperator, Expression)
    case binary(BinaryOperator, Expression, Expression)
    /// `a and b and c`, `a or b or c`: two or more operands, flat.
    case logical(LogicalOperator, [Expression])
    /// `x in (a, b)`, `x has_any (list)`; the list may be one tabular expression.
    case membership(MembershipOperator, Expression, [Expression])
    /// `x between (a .. b)`
    case between(Expression, from: Expression, to: Expression, isNegated: Bool)
    /// A query used as a value: `(T | where x)`, `toscalar(T | count)`.
    case query(Pipeline)
    case datatable(DatatableExpression)
    case externalData(ExternalDataExpression)
    case inlineExternalTable(InlineExternalTableExpression)
    /// `typeof(long)`
    case typeOf(TypeReference)
    /// `typeof(a: long, b: string)` and `typeof(*, c: int)`
    case schemaOf(RowSchema)
    /// `entity_group [cluster("a").database("b"), ...]`
    case entityGroup([Expression])
  }
}

/// A call by name. `target` is the entity before the dot in `database("x").f(1)`.
package struct FunctionCall: Hashable, Sendable {
  package var target: Expression?
  package var name: Name
  /// `kind=nooptimization` of `toscalar` and `totable`.
  package var kind: Name?
  package var arguments: [NamedExpression]
}

/// An expression with the name or names it is given: `x`, `n = x`, `(a, b) = x`.
package struct NamedExpression: Hashable, Sendable {
  /// Empty when the expression is not named.
  package var names: [Name]
  /// True for the form `(a, b) = x`, which names several results.
  package var isTuple: Bool
  package var value: Expression
  @Position package var span: SourceSpan
}

package enum UnaryOperator: String, Hashable, Sendable {
  case negate = "-"
  case plus = "+"
}

package enum LogicalOperator: String, Hashable, Sendable {
  case and, or
}

/// Binary operators under the spelling that is printed.
package enum BinaryOperator: String, Hashable, Sendable, CaseIterable {
  case add = "+"
  case subtract = "-"
  case multiply = "*"
  case divide = "/"
  case modulo = "%"
  case equal = "=="
  case notEqual = "!="
  case less = "<"
  case lessOrEqual = "<="
  case greater = ">"
  case greaterOrEqual = ">="
  case equalIgnoringCase = "=~"
  case notEqualIgnoringCase = "!~"
  case has
  case notHas = "!has"
  case hasCs = "has_cs"
  case notHasCs = "!has_cs"
  case hasPrefix = "hasprefix"
  case notHasPrefix = "!hasprefix"
  case hasPrefixCs = "hasprefix_cs"
  case notHasPrefixCs = "!hasprefix_cs"
  case hasSuffix = "hassuffix"
  case notHasSuffix = "!hassuffix"
  case hasSuffixCs = "hassuffix_cs"
  case notHasSuffixCs = "!hassuffix_cs"
  case contains
  case notContains = "!contains"
  case containsCs = "contains_cs"
  case notContainsCs = "!contains_cs"
  case startsWith = "startswith"
  case notStartsWith = "!startswith"
  case startsWithCs = "startswith_cs"
  case notStartsWithCs = "!startswith_cs"
  case endsWith = "endswith"
  case notEndsWith = "!endswith"
  case endsWithCs = "endswith_cs"
  case notEndsWithCs = "!endswith_cs"
  case like
  case notLike = "notlike"
  case likeCs = "likecs"
  case notLikeCs = "notlikecs"
  case matchesRegex = "matches regex"
  /// `column : "term"`, in `search` only.
  case searchTerm = ":"
}

package enum MembershipOperator: String, Hashable, Sendable, CaseIterable {
  case isIn = "in"
  case notIn = "!in"
  case inIgnoringCase = "in~"
  case notInIgnoringCase = "!in~"
  case hasAny = "has_any"
  case hasAll = "has_all"
}

/// `datatable (a: long, b: string) [1, "x", 2, "y"]`
package struct DatatableExpression: Hashable, Sendable {
  package var parameters: [OperatorParameter]
  package var columns: [ColumnDeclaration]
  /// Row by row; the count is a multiple of the column count (checked by the binder).
  package var values: [Expression]
}

/// `externaldata (a: long) ["uri", ...] with (format = "csv")`
package struct ExternalDataExpression: Hashable, Sendable {
  package var parameters: [OperatorParameter]
  package var columns: [ColumnDeclaration]
  package var sources: [Expression]
  package var properties: [OperatorParameter]
}

/// `inline_external_table (a: long) kind=storage partition by (...) pathformat=(...) dataformat=csv (uris) with (...)`
package struct InlineExternalTableExpression: Hashable, Sendable {
  package var columns: [ColumnDeclaration]
  package var kind: Name
  package var partitions: [PartitionColumn]
  /// Separators and column references of `pathformat`, in order.
  package var pathFormat: [Expression]
  package var dataFormat: Name?
  package var sources: [Expression]
  package var properties: [OperatorParameter]

  /// `Name: type = expression` of `partition by`.
  package struct PartitionColumn: Hashable, Sendable {
    package var column: ColumnDeclaration
    package var value: Expression?
  }
}
