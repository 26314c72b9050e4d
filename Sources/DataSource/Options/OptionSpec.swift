// Role: options are declared once; parsing, defaults, help, `kconnect options` and schemas all come from the declaration.

/// The kind of value an option takes.
public enum OptionValueKind: Sendable, Hashable {
  case string, bool, integer, bytes, duration, character, path
  /// One of these words, compared case-insensitively.
  case oneOf([String])
}

/// Whether an option works here.
public enum OptionSupport: Sendable, Hashable {
  case supported
  /// Accepted because Spark jobs pass it; does nothing here, and a note says so. The text says why.
  case noEffect(String)
  /// Known, not done yet: using it is a NOT_SUPPORTED error. The text names what is missing.
  case notSupported(String)
}

/// The declaration of one option of a source or sink.
public struct OptionSpec: Sendable, Hashable {
  /// Where the option applies.
  public enum Use: String, Sendable { case read, write, both }

  /// `prefix.*` declares a family: every name that begins with `prefix.`.
  public var name: String
  public var aliases: [String]
  public var kind: OptionValueKind
  /// The default as text, nil when there is none.
  public var defaultValue: String?
  public var use: Use
  /// One sentence.
  public var help: String
  public var isSecret: Bool
  public var support: OptionSupport

  public init(
    _ name: String, _ kind: OptionValueKind, default defaultValue: String? = nil, use: Use = .both, aliases: [String] = [],
    isSecret: Bool = false, support: OptionSupport = .supported, _ help: String
  ) {
    self.name = name
    self.aliases = aliases
    self.kind = kind
    self.defaultValue = defaultValue
    self.use = use
    self.help = help
    self.isSecret = isSecret
    self.support = support
  }

  package var isFamily: Bool { name.hasSuffix(".*") }
}
