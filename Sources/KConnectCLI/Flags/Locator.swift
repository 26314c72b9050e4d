// Role: a LOCATOR as written on the command line: a scheme and a path. What a scheme names is settled here; paths are the sources' business.
//
//     parquet:PATH  csv:PATH  json:PATH    a file, directory, glob, URL or '-' in that format
//     PATH                                 the same, the format is guessed from the extension or the files
//     -  stdin:                            standard input or output; a format is needed: csv:-
//     delta:PATH                           a Delta table
//     kusto:DATABASE.TABLE                 a table of the embedded store; names with points as db.['my.table']
//     kafka:BROKERS/TOPIC                  a Kafka topic; BROKERS is host:port, several separated by commas
//     rate:  console:   in `kconnect stream` alone, which knows them before it asks here; refused by name elsewhere

import Columnar
import Settings
import DataSource
import FileConnector
import KConnect
import KustoConnector

/// A parsed locator.
struct Locator {
  /// The text as given, for messages.
  let text: String
  /// The format the scheme names; nil to guess.
  let format: String?
  let path: String

  /// Throws USAGE for an empty text or an unknown scheme, NOT_SUPPORTED for what is known and not done.
  init(_ text: String, registry: SourceRegistry, isTarget: Bool = false) throws {
    self.text = text
    guard !text.isEmpty else { throw KConnectError(.usage, "the locator is empty", hint: "write parquet:PATH, csv:PATH, json:PATH or PATH") }
    let stream = isTarget ? "standard output" : "standard input"
    if text == "-" || text == "stdin:" || text == "stdout:" {
      throw KConnectError(.usage, "'\(text)': the format of \(stream) is not known", hint: "name it: csv:-, json:- or parquet:-")
    }
    guard let colon = text.firstIndex(of: ":"), let scheme = Self.scheme(text[..<colon]) else {
      format = nil
      path = text
      return
    }
    let rest = String(text[text.index(after: colon)...])
    switch scheme {
    case "rate", "rate-micro-batch":
      throw KConnectError(.notSupported, "'\(text)': not supported: the rate source outside of streams", hint: "kconnect stream --from \(scheme): makes rows; in a query 'range' does")
    case "memory":
      throw KConnectError(.notSupported, "'\(text)': not supported: the memory sink on the command line", hint: "targets: parquet:, csv:, json:, delta:, kusto:, kafka:")
    case "console":
      guard isTarget else { throw KConnectError(.usage, "'\(text)': the console can be written to, not read from", hint: "standard input is csv:- or json:-") }
      throw KConnectError(.notSupported, "'\(text)': not supported: the console sink outside of streams", hint: "kconnect read prints rows: kconnect read LOCATOR")
    default: break
    }
    if rest.hasPrefix("//"), !registry.knows(scheme) {
      format = nil
      path = text
      return
    }
    if !registry.knows(scheme), pathKind(text) != .missing {
      format = nil
      path = text
      return
    }
    let provider = try registry.provider(scheme)
    format = provider.shortName
    path = rest
    guard !rest.isEmpty || !provider.needsPath else { throw KConnectError(.usage, "'\(text)': no path behind '\(scheme):'", hint: "write \(scheme):PATH, or \(scheme):- for \(stream)") }
  }

  /// Letters, digits, `+`, `-`, `_` before the colon: a scheme, else part of a path.
  private static func scheme(_ text: Substring) -> String? {
    guard let first = text.utf8.first, (first | 0x20) >= 0x61, (first | 0x20) <= 0x7A, text.utf8.count > 1 else { return nil }
    for byte in text.utf8 {
      let isWord = (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A || byte >= 0x30 && byte <= 0x39 || byte == 0x5F || byte == 0x2B || byte == 0x2D
      if !isWord { return nil }
    }
    return text.lowercased()
  }

  /// A frame over it; the configuration file's options for its format come first.
  func open(schema: String?, options: [(String, String)], _ context: Context) throws -> DataFrame {
    let format = try resolvedFormat(forWriting: false)
    var reader = context.session.read.format(format)
    for (key, value) in try context.options(of: format, .read, at: path, under: options) + options { reader = reader.option(key, value) }
    if let schema { reader = try reader.schema(schema) }
    return try reader.open([path]) { context.note($0) }
  }

  /// The format: the scheme's, or what path and files say.
  func resolvedFormat(forWriting: Bool) throws -> String {
    if let format { return format }
    return try forWriting ? BuiltInSources.format(ofTarget: path) : BuiltInSources.format(ofPath: path)
  }
}

extension SourceRegistry {
  /// True when a format of that name exists.
  fileprivate func knows(_ name: String) -> Bool {
    providers.contains { $0.shortName == name || $0.aliases.contains { $0.lowercased() == name } }
  }
}

/// `key=value` of `--option`; the key is up to the first `=`.
struct OptionArgument {
  let key: String
  let value: String

  init(_ text: String) throws {
    guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
      throw KConnectError(.usage, "--option '\(text)': found no '=', expected key=value", hint: "for instance --option header=true")
    }
    key = String(text[..<equals])
    value = try Secrets.resolved(argument: String(text[text.index(after: equals)...]), option: key)
  }

  /// `to.key=value`: an option of what is written, where a source is read too.
  var isOfOutput: Bool { key.hasPrefix("to.") }

  /// Options of the source and, without `to.`, of the output.
  static func split(_ texts: [String]) throws -> (source: [(String, String)], output: [(String, String)]) {
    let all = try texts.map { try OptionArgument($0) }
    return (all.filter { !$0.isOfOutput }.map { ($0.key, $0.value) }, all.filter(\.isOfOutput).map { (String($0.key.dropFirst(3)), $0.value) })
  }
}

/// Values that stand elsewhere: `env:NAME` and `file:PATH`.
enum Secrets {
  /// Names of options that sources declare as secrets, in lower case.
  private static let declared: Set<String> = {
    let specs = BuiltInSources.registry.providers.flatMap(\.options).filter(\.isSecret)
    return Set(specs.flatMap { [$0.name] + $0.aliases }.map { $0.lowercased() })
  }()

  /// `option` may have the name of a table in front: `orders.accessToken`.
  private static func isDeclared(_ option: String) -> Bool {
    let lower = option.lowercased()
    return declared.contains(lower) || lower.firstIndex(of: ".").map { declared.contains(String(lower[lower.index(after: $0)...])) } ?? false
  }

  /// True for options that hold secrets, by name or declaration.
  static func isSecret(_ option: String) -> Bool { SecretNames.isSecret(option) || isDeclared(option) }

  /// The value behind `env:NAME` or `file:PATH` for options that hold secrets; other values as they are.
  static func resolved(_ value: String, option: String) throws -> String {
    isSecret(option) ? try Settings.Secret(value).reveal() : value
  }

  /// The same for a value on the command line, where other users of the machine can read it: secrets in clear are refused with USAGE.
  static func resolved(argument value: String, option: String) throws -> String {
    if isDeclared(option), !value.isEmpty, !value.hasPrefix("env:"), !value.hasPrefix("file:") {
      throw KConnectError(
        .usage, "--option '\(option)': a secret stands in clear on the command line, where other users can see it",
        hint: "write \(option)=env:NAME or \(option)=file:PATH, or put it into the configuration file")
    }
    return try resolved(value, option: option)
  }

  /// Refuses addresses with a signature on the command line.
  static func refuseSignatures(_ locators: String...) throws {
    guard let locator = locators.first(where: { URLText.shown($0) != $0 }) else { return }
    throw KConnectError(
      .usage, "'\(URLText.shown(locator))': the address holds a signature, which other users can see on the command line",
      hint: "leave the query out and give it as --option sas=env:NAME or sas=file:PATH; other web addresses go into [tables] of the configuration file")
  }

  /// Refuses a connection string with secrets on the command line.
  static func refuseSecrets(inConnectionString text: String) throws {
    guard KustoConnectionString.isMeant(text), try KustoConnectionString(text).hasSecrets else { return }
    throw KConnectError(
      .usage, "--cluster: the connection string holds a secret, which other users can see on the command line",
      hint: "give credentials as options: --option kustoAadAppSecret=env:NAME")
  }
}
