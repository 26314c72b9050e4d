// The text as a whole: statements, pipelines and the clauses that several operators share.

/// A parsed query text.
package struct QueryText: Hashable, Sendable {
  package var statements: [Statement]
}

/// One statement between semicolons.
package struct Statement: Hashable, Sendable {
  package var kind: Kind
  @Position package var span: SourceSpan

  package indirect enum Kind: Hashable, Sendable {
    /// `let x = 1`, `let T = Source | where x`
    case letValue(Name, Expression)
    /// `let f = (a: long, T: (x: long)) { ... }`
    case letFunction(Name, FunctionDeclaration)
    /// `set notruncation`, `set query_now = datetime(...)`
    case set(Name, Expression?)
    /// `alias database D = cluster("c").database("d")`
    case aliasDatabase(Name, Expression)
    /// `declare query_parameters (a: long = 1)`
    case queryParameters([ParameterDeclaration])
    case declarePattern(PatternDeclaration)
    /// `restrict access to (T, database("x").*)`
    case restrictAccess([Expression], properties: [OperatorParameter])
    /// A query, or a scalar expression where a body ends with one.
    case query(Expression)
  }

  /// What a `let` statement declares; nil for other statements.
  package var declaredName: Name? {
    switch kind {
    case .letValue(let name, _), .letFunction(let name, _): name
    default: nil
    }
  }
}

/// A lambda: parameters and body.
package struct FunctionDeclaration: Hashable, Sendable {
  /// True for `view () { ... }`.
  package var isView: Bool
  package var parameters: [ParameterDeclaration]
  package var body: FunctionBody
}

/// Statements, the last of which may be the result.
package struct FunctionBody: Hashable, Sendable {
  package var statements: [Statement]
  /// Nil for an empty body `{}`.
  package var result: Expression?
  @Position package var span: SourceSpan
}

/// A scalar parameter `a: long = 1` or a tabular one `T: (x: long)`.
package struct ParameterDeclaration: Hashable, Sendable {
  package var name: Name
  package var type: ParameterType
  package var defaultValue: Expression?
  @Position package var span: SourceSpan
}

package enum ParameterType: Hashable, Sendable {
  case scalar(TypeReference)
  case tabular(RowSchema)
}

/// `declare pattern p = (a: string)[path: string] { ("x").["y"] = { ... }; }`; without rules it is only declared.
package struct PatternDeclaration: Hashable, Sendable {
  package var name: Name
  package var parameters: [ParameterDeclaration]
  package var path: ParameterDeclaration?
  package var rules: [Rule]

  package struct Rule: Hashable, Sendable {
    package var arguments: [Expression]
    package var path: Expression?
    package var body: FunctionBody
  }
}

/// A source followed by operators. The source is nil where the first operator makes rows by itself (`print`, `range`,
/// `union`, ...) and in a subquery that continues an enclosing pipeline (`fork (where x)`, `mv-apply ... on (...)`).
package struct Pipeline: Hashable, Sendable {
  package var source: Expression?
  package var operators: [TabularOperator]
  @Position package var span: SourceSpan
}

/// `name = value` of an operator: `kind=inner`, `hint.strategy=shuffle`, `title="x"`.
package struct OperatorParameter: Hashable, Sendable {
  package var name: Name
  package var value: Value
  @Position package var span: SourceSpan

  package indirect enum Value: Hashable, Sendable {
    /// A word or column name.
    case name(Name)
    /// Several names, as in `ycolumns = a, b`.
    case names([Name])
    case expression(Expression)
  }
}

/// An order key: `x desc nulls last`.
package struct OrderedExpression: Hashable, Sendable {
  package var value: NamedExpression
  /// Nil when not written; the default is descending.
  package var direction: SortDirection?
  /// Nil when not written; the default is first for ascending and last for descending.
  package var nulls: NullsPlacement?
}

package enum SortDirection: String, Hashable, Sendable {
  case ascending = "asc"
  case descending = "desc"
}

package enum NullsPlacement: String, Hashable, Sendable {
  case first, last
}
