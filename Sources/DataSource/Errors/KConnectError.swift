// Role: the one public error. Data first (code, message, hint, position), prose second.

/// What went wrong, where, and what to do about it.
public struct KConnectError: Error, Sendable, CustomStringConvertible {
  /// A stable error family; compare with `~=`.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    private enum Name: String, Sendable {
      case kqlSyntax = "KQL_SYNTAX", kqlSemantic = "KQL_SEMANTIC", columnNotFound = "COLUMN_NOT_FOUND", functionNotFound = "FUNCTION_NOT_FOUND"
      case typeMismatch = "TYPE_MISMATCH", optionUnknown = "OPTION_UNKNOWN", optionInvalid = "OPTION_INVALID", schemaMismatch = "SCHEMA_MISMATCH"
      case pathNotFound = "PATH_NOT_FOUND", alreadyExists = "ALREADY_EXISTS", permission = "PERMISSION", diskFull = "DISK_FULL"
      case formatCorrupt = "FORMAT_CORRUPT", valueInvalid = "VALUE_INVALID", notSupported = "NOT_SUPPORTED", io = "IO", http = "HTTP"
      case throttled = "THROTTLED", locked = "LOCKED", checkpointConflict = "CHECKPOINT_CONFLICT", cancelled = "CANCELLED"
      case lowMemory = "LOW_MEMORY", usage = "USAGE", configuration = "CONFIGURATION", internalError = "INTERNAL"
      case authentication = "AUTHENTICATION", timeout = "TIMEOUT"
    }

    private let name: Name
    private init(_ name: Name) { self.name = name }
    public var description: String { name.rawValue }

    /// The family that prints so; nil when there is none.
    package init?(name: String) {
      guard let name = Name(rawValue: name) else { return nil }
      self.name = name
    }

    public static let kqlSyntax = Code(.kqlSyntax), kqlSemantic = Code(.kqlSemantic), columnNotFound = Code(.columnNotFound)
    public static let functionNotFound = Code(.functionNotFound), typeMismatch = Code(.typeMismatch)
    public static let optionUnknown = Code(.optionUnknown), optionInvalid = Code(.optionInvalid), schemaMismatch = Code(.schemaMismatch)
    public static let pathNotFound = Code(.pathNotFound), alreadyExists = Code(.alreadyExists), permission = Code(.permission)
    public static let diskFull = Code(.diskFull), formatCorrupt = Code(.formatCorrupt), valueInvalid = Code(.valueInvalid)
    public static let notSupported = Code(.notSupported), io = Code(.io), http = Code(.http), throttled = Code(.throttled)
    public static let locked = Code(.locked), checkpointConflict = Code(.checkpointConflict), cancelled = Code(.cancelled)
    public static let lowMemory = Code(.lowMemory), usage = Code(.usage), configuration = Code(.configuration)
    public static let internalError = Code(.internalError)
    /// A service does not accept who asks, or no token could be had.
    public static let authentication = Code(.authentication)
    /// The time that a query may take is over.
    public static let timeout = Code(.timeout)
  }

  /// A place in a text that somebody wrote; lines and columns (in characters) count from 1.
  public struct Place: Sendable, Hashable {
    public var line: Int
    public var column: Int

    public init(line: Int, column: Int) {
      self.line = line
      self.column = column
    }
  }

  public var code: Code
  /// What happened, with position and offending value.
  public var message: String
  /// What to do.
  public var hint: String?
  /// A drawn source excerpt with caret lines (KQL), printed below the message; nil when there is none.
  public var excerpt: String?
  public var cause: (any Error)?
  /// Decided where the error is made, never by matching text.
  public var isRetryable: Bool
  /// Where in a query or command it is; nil when it is nowhere in particular.
  public var place: Place?

  public init(
    _ code: Code, _ message: String, hint: String? = nil, excerpt: String? = nil, cause: (any Error)? = nil, isRetryable: Bool = false
  ) {
    self.code = code
    self.message = message
    self.hint = hint
    self.excerpt = excerpt
    self.cause = cause
    self.isRetryable = isRetryable
  }

  /// One line.
  public var description: String { "\(code): \(message)" + (hint.map { " (\($0))" } ?? "") }

}

extension KConnectError.Code {
  /// True when the error is of that family: `catch KConnectError.Code.io`.
  public static func ~= (code: KConnectError.Code, error: any Error) -> Bool { (error as? KConnectError)?.code == code }
}
