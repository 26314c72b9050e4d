// What the front end has to say about a text: data first, wording second.
// Codes are those of Kusto's own language service where the meaning is the same, so that a search for one finds help.

/// The stable identity of a diagnostic; prints as `KS` and three digits.
package struct DiagnosticCode: Hashable, Sendable, CustomStringConvertible {
  package var number: Int

  init(_ number: Int) { self.number = number }

  package var description: String {
    let digits = String(number)
    return "KS" + String(repeating: "0", count: max(0, 3 - digits.utf8.count)) + digits
  }

  /// Something stands where nothing may follow.
  package static let unexpected = DiagnosticCode(2)
  /// A string, name or bracket that does not end.
  package static let malformed = DiagnosticCode(3)
  /// A literal whose text is not a value of its type.
  package static let malformedLiteral = DiagnosticCode(4)
  /// Another token was needed here.
  package static let expected = DiagnosticCode(5)
  /// A name, expression or clause is missing.
  package static let missing = DiagnosticCode(6)
  /// An operator does not take operands of these types.
  package static let operatorNotDefined = DiagnosticCode(106)
  /// A value of another type is needed.
  package static let typeExpected = DiagnosticCode(107)
  /// A scalar is needed.
  package static let scalarExpected = DiagnosticCode(108)
  /// A column name is needed.
  package static let columnExpected = DiagnosticCode(109)
  /// `new = old` is needed.
  package static let renameExpected = DiagnosticCode(110)
  /// A table is needed.
  package static let tableExpected = DiagnosticCode(111)
  /// A table of one column is needed.
  package static let singleColumnExpected = DiagnosticCode(113)
  /// A function name without its argument list.
  package static let argumentListRequired = DiagnosticCode(117)
  /// Wrong number of arguments.
  package static let argumentCount = DiagnosticCode(119)
  /// No overload takes these argument types.
  package static let incompatibleArguments = DiagnosticCode(127)
  /// A name that is no function is called.
  package static let notAFunction = DiagnosticCode(128)
  /// A constant is needed.
  package static let constantExpected = DiagnosticCode(129)
  /// A value outside those allowed.
  package static let valueNotAllowed = DiagnosticCode(140)
  /// A name is not known.
  package static let unknownName = DiagnosticCode(142)
  /// An aggregate function where rows are computed one by one.
  package static let aggregateNotAllowed = DiagnosticCode(144)
  /// A join column that one side lacks.
  package static let joinColumnMissing = DiagnosticCode(145)
  /// A name that several columns have.
  package static let ambiguousName = DiagnosticCode(146)
  /// A word that is no type.
  package static let unknownType = DiagnosticCode(160)
  /// A column declared twice.
  package static let duplicateColumn = DiagnosticCode(171)
  /// `datatable` values that do not fill whole rows.
  package static let incompleteRow = DiagnosticCode(173)
  /// An operator that needs input starts the query.
  package static let cannotStartQuery = DiagnosticCode(174)
  /// An operator that makes rows stands after a pipe.
  package static let mustStartQuery = DiagnosticCode(175)
  /// A word after a pipe that is no operator.
  package static let operatorExpected = DiagnosticCode(176)
  /// An operator parameter that is not known.
  package static let unknownParameter = DiagnosticCode(179)
  /// A join condition of another form.
  package static let joinCondition = DiagnosticCode(182)
  /// `*` where it has no meaning.
  package static let starNotAllowed = DiagnosticCode(191)
  /// A named argument of a function that takes none by name.
  package static let namedArgument = DiagnosticCode(193)
  /// A parameter without an argument.
  package static let missingArgument = DiagnosticCode(197)
  /// A variable declared twice.
  package static let duplicateVariable = DiagnosticCode(201)
  /// A table name is not known.
  package static let unknownTable = DiagnosticCode(204)
  /// A database name is not known.
  package static let unknownDatabase = DiagnosticCode(208)
  /// A function name is not known.
  package static let unknownFunction = DiagnosticCode(211)
  /// Join keys of different types.
  package static let joinKeyTypes = DiagnosticCode(242)
  /// The text is longer than the parser takes.
  package static let textTooLong = DiagnosticCode(244)
  /// The text nests deeper than the parser takes.
  package static let nestingTooDeep = DiagnosticCode(245)
  /// Names that are read in several places multiply beyond what can be planned.
  package static let planTooLarge = DiagnosticCode(247)
  /// A function that calls itself, directly or through others.
  package static let recursion = DiagnosticCode(246)
  /// A word after a dot that begins no command.
  package static let unknownCommand = DiagnosticCode(901)
  /// Part of the language that is recognised and not carried out here.
  package static let notSupported = DiagnosticCode(900)
  /// A window function over rows without a fixed order.
  package static let notSerialized = DiagnosticCode(901)
}

package enum DiagnosticSeverity: String, Hashable, Sendable {
  case error, warning
}

/// One finding about a query text.
package struct KQLDiagnostic: Error, Hashable, Sendable {
  package var code: DiagnosticCode
  package var severity: DiagnosticSeverity
  /// What was found and what was expected, one line, no position.
  package var message: String
  /// What to write instead, where that is known.
  package var hint: String?
  package var span: SourceSpan

  package init(_ code: DiagnosticCode, _ message: String, at span: SourceSpan, hint: String? = nil, severity: DiagnosticSeverity = .error) {
    self.code = code
    self.severity = severity
    self.message = message
    self.hint = hint
    self.span = span
  }
}
