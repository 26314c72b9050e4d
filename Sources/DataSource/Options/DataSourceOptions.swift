// Role: the user's options after checking against the declarations: unknown names refused with the nearest, values parsed by kind.

import Columnar

/// Checked options of one read or write. Names are compared case-insensitively; asking for an undeclared option is a programming error.
/// Prints without the values of secrets.
public struct DataSourceOptions: Sendable, CustomStringConvertible, CustomReflectable {
  private let declared: OptionIndex
  private var values: [String: String]
  /// Remarks for the user, such as options without effect here.
  public let notes: [String]
  public let source: String

  /// Turns unknown options from errors into remarks, for texts of options that are shared with other tools: `strict=false`.
  private static let leniency = "strict"

  /// Checks `given` against `specs`; throws OPTION_UNKNOWN, OPTION_INVALID or NOT_SUPPORTED.
  public init(source: String, specs: [OptionSpec], given: [(String, String)], use: OptionSpec.Use) throws {
    try self.init(source: source, declared: OptionIndex(specs), given: given, use: use)
  }

  /// The same with declarations that are looked up often.
  package init(source: String, declared: OptionIndex, given: [(String, String)], use: OptionSpec.Use) throws {
    let hasStrict = declared[Self.leniency] != nil
    var values: [String: String] = [:]
    var notes: [String] = []
    let isLenient = !hasStrict && given.contains { $0.0.lowercased() == Self.leniency && OptionValueParser.bool($0.1) == false }
    for (name, value) in given {
      if !hasStrict, name.lowercased() == Self.leniency {
        guard OptionValueParser.bool(value) != nil else { throw KConnectError(.optionInvalid, "option 'strict': found '\(value.prefix(80))', expected true or false") }
        continue
      }
      guard let spec = declared[name]?.spec ?? declared.family(of: name) else {
        let near = nearestNames(to: name, among: declared.specs.flatMap { [$0.name] + $0.aliases }, limit: 1)
        if isLenient {
          notes.append("unknown option '\(name)' is ignored" + (near.first.map { "; did you mean '\($0)'?" } ?? ""))
          continue
        }
        throw KConnectError(
          .optionUnknown, "unknown option '\(name)' for source '\(source)'",
          hint: (near.first.map { "did you mean '\($0)'? " } ?? "") + "list: kconnect options \(source)")
      }
      if spec.use != .both, use != .both, spec.use != use {
        throw KConnectError(.optionInvalid, "option '\(spec.name)' of '\(source)' applies to \(spec.use.rawValue) only, found in a \(use.rawValue)")
      }
      switch spec.support {
      case .supported: break
      case .noEffect(let why): notes.append("option '\(spec.name)' has no effect here: \(why)")
      case .notSupported(let what): throw KConnectError(.notSupported, "option '\(spec.name)': not supported yet: \(what)")
      }
      try OptionValueParser.check(value, spec, source: source)
      values[spec.isFamily ? name.lowercased() : spec.name.lowercased()] = value
    }
    self.declared = declared
    self.values = values
    self.notes = notes
    self.source = source
  }

  public var description: String {
    let shown = values.sorted { $0.key < $1.key }.map { name, value in declared[name]?.spec.isSecret == true ? "\(name)=****" : "\(name)=\(value)" }
    return "\(source)(\(shown.joined(separator: ", ")))"
  }

  public var customMirror: Mirror { Mirror(self, children: ["options": description]) }

  /// What was given of the family `prefix.*`: names behind the prefix, in lower case, sorted.
  package func family(_ prefix: String) -> [(name: String, value: String)] {
    let start = prefix.lowercased() + "."
    return values.filter { $0.key.hasPrefix(start) }.sorted { $0.key < $1.key }.map { (String($0.key.dropFirst(start.utf8.count)), $0.value) }
  }

  private func entry(_ name: String) -> OptionIndex.Entry {
    guard let entry = declared[name] else { preconditionFailure("option '\(name)' is not declared for '\(source)'") }
    return entry
  }

  /// True when the user gave the option.
  public func isGiven(_ name: String) -> Bool { values[entry(name).key] != nil }

  /// The same without what was given for one option; names that are not declared are passed over.
  package func without(_ name: String) -> DataSourceOptions {
    var rest = self
    rest.values[name.lowercased()] = nil
    return rest
  }

  /// The text given, or the declared default, or nil.
  public func string(_ name: String) -> String? {
    let entry = entry(name)
    return values[entry.key] ?? entry.spec.defaultValue
  }

  public func bool(_ name: String) -> Bool { string(name).flatMap(OptionValueParser.bool) ?? false }

  public func integer(_ name: String) -> Int? { string(name).flatMap(OptionValueParser.integer) }

  /// Bytes, from `128mb`, `1g`, `4096`.
  public func bytes(_ name: String) -> Int? { string(name).flatMap(OptionValueParser.bytes) }

  /// `10 seconds`, `500ms`, `2 hours` as milliseconds; nil for other texts.
  package static func durationMilliseconds(_ text: String) -> Int? { OptionValueParser.durationMilliseconds(text) }

  /// Milliseconds, from `10 seconds`, `500ms`, `2 hours`.
  package func milliseconds(_ name: String) -> Int? { string(name).flatMap(OptionValueParser.durationMilliseconds) }

  /// For `oneOf`: the declared spelling of the word given.
  public func word(_ name: String) -> String? {
    guard case .oneOf(let words) = entry(name).spec.kind, let given = string(name) else { return string(name) }
    return words.first { $0.lowercased() == given.lowercased() } ?? given
  }

  /// The one byte of a `character` option; `\t` and other escapes are understood.
  public func byte(_ name: String) -> UInt8? { string(name).flatMap { OptionValueParser.character($0).flatMap { $0.utf8.first } } }
}
