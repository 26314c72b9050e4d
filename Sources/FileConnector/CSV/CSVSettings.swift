// Role: checked option values to the engine's settings; the only place that reads CSV options.

import CSV
import Codecs
import Columnar
import DataSource

/// The settings of reading one file.
struct CSVReadSettings {
  var dialect = CSVDialect()
  var words = CSVWords()
  var formats = CSVDateFormats()
  var formatText: String?
  var mode: CSVMode
  var isModeGiven: Bool
  var inference = InferenceOptions()
  var encoding: TextEncoding?
  var compression: StreamFormat?
  var corruptColumn: String?
  var badRecordsPath: String?
  var sampleBytes: Int
  var samplingRatio: Double?
  var enforcesSchema: Bool
  var maxFieldBytes: Int?

  init(_ options: DataSourceOptions, path: String) throws {
    dialect.separator = try CSVOptionValues.separator(options, path: path)
    dialect.quote = try CSVOptionValues.byte("quote", options)
    dialect.escape = try CSVOptionValues.byte("escape", options) ?? dialect.quote ?? 0x22
    dialect.comment = try CSVOptionValues.byte("comment", options)
    if let lineSep = options.string("lineSep"), !lineSep.isEmpty {
      switch CSVOptionValues.unescaped(lineSep) {
      case "\n", "\r\n", "\r": break
      case let text where text.utf8.count == 1: dialect.lineEnd = text.utf8.first
      default: throw KConnectError(.notSupported, "option 'lineSep': not supported yet: a line end of several bytes other than CR LF")
      }
    }
    dialect.trimsLeading = options.bool("ignoreLeadingWhiteSpace")
    dialect.trimsTrailing = options.bool("ignoreTrailingWhiteSpace")
    let special = [dialect.separator, dialect.quote, dialect.comment, dialect.lineEnd ?? 0x0A].compactMap { $0 }
    if Set(special).count != special.count {
      throw KConnectError(.optionInvalid, "options 'sep', 'quote', 'comment' and 'lineSep' of 'csv' must be different bytes")
    }
    func bytes(_ name: String) -> [UInt8] { Array((options.string(name) ?? "").utf8) }
    words.null = bytes("nullValue")
    words.empty = bytes("emptyValue")
    words.nan = bytes("nanValue")
    words.positiveInfinity = bytes("positiveInf")
    words.negativeInfinity = bytes("negativeInf")
    let given = ["timestampFormat", "dateFormat"].filter { options.isGiven($0) }
    formats = CSVDateFormats(try given.compactMap { try CSVOptionValues.pattern($0, options) })
    if !formats.patterns.isEmpty { formatText = formats.patterns.map { "'\($0.text)'" }.joined(separator: " or ") }
    mode = CSVMode(rawValue: options.word("mode") ?? "PERMISSIVE") ?? .permissive
    isModeGiven = options.isGiven("mode")
    inference.hasHeader = options.bool("header")
    inference.infersTypes = options.bool("inferSchema")
    inference.infersDates = options.bool("preferDate")
    inference.indexColumn = options.string("indexColumn").flatMap { $0.isEmpty ? nil : $0 }
    inference.maxColumns = options.integer("maxColumns") ?? 20_480
    if inference.indexColumn != nil, !inference.hasHeader {
      throw KConnectError(.optionInvalid, "option 'indexColumn' of 'csv' needs a header", hint: "without a header every field gets a name already")
    }
    if let name = options.string("encoding"), !name.isEmpty {
      guard let known = TextEncoding(name: name) else {
        throw KConnectError(
          .notSupported, "option 'encoding': not supported yet: '\(name)'", hint: "known: \(TextEncoding.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      encoding = known
    }
    compression = CSVOptionValues.compression(options, path: path)
    corruptColumn = options.string("columnNameOfCorruptRecord").flatMap { $0.isEmpty ? nil : $0 }
    badRecordsPath = options.string("badRecordsPath").flatMap { $0.isEmpty ? nil : $0 }
    sampleBytes = max(4_096, options.bytes("sampleBytes") ?? 2 << 20)
    if let text = options.string("samplingRatio") {
      guard let ratio = Double(text), ratio > 0, ratio <= 1 else {
        throw KConnectError(.optionInvalid, "option 'samplingRatio' of 'csv': found '\(text.prefix(80))', expected a number above 0 and up to 1")
      }
      samplingRatio = ratio
    }
    enforcesSchema = options.bool("enforceSchema")
    maxFieldBytes = options.integer("maxCharsPerColumn").flatMap { $0 > 0 ? $0 : nil }
  }
}

/// Option values that reading and writing share.
enum CSVOptionValues {
  /// `\t`, `\n`, `\r`, `\\`, `\0`, `\u0001` in texts of any length.
  static func unescaped(_ text: String) -> String {
    guard text.contains("\\") else { return text }
    var out = ""
    var rest = text[...]
    while let c = rest.first {
      rest = rest.dropFirst()
      guard c == "\\", let next = rest.first else {
        out.append(c)
        continue
      }
      rest = rest.dropFirst()
      switch next {
      case "t": out.append("\t")
      case "n": out.append("\n")
      case "r": out.append("\r")
      case "0": out.append("\0")
      case "u":
        if let code = UInt32(rest.prefix(4), radix: 16), rest.count >= 4, let scalar = UnicodeScalar(code) {
          out.unicodeScalars.append(scalar)
          rest = rest.dropFirst(4)
        } else {
          out.append("\\u")
        }
      default: out.append(next)
      }
    }
    return out
  }

  static func separator(_ options: DataSourceOptions, path: String) throws -> UInt8 {
    guard let given = options.string("sep"), !given.isEmpty else {
      switch FileNames.formatExtension(path) {
      case ".tsv", ".tab": return 0x09
      case ".psv": return 0x7C
      default: return 0x2C
      }
    }
    let text = given.lowercased() == "tab" ? "\t" : unescaped(given)
    guard text.utf8.count == 1, let byte = text.utf8.first else {
      throw KConnectError(.notSupported, "option 'sep': not supported yet: the separator '\(given.prefix(80))' of more than one byte")
    }
    guard byte != 0x0A, byte != 0x0D else { throw KConnectError(.optionInvalid, "option 'sep' of 'csv': a line end cannot separate fields") }
    return byte
  }

  /// A one-byte option; nil when it is empty or absent.
  static func byte(_ name: String, _ options: DataSourceOptions) throws -> UInt8? {
    guard let text = options.string(name), !text.isEmpty else { return nil }
    guard let byte = options.byte(name), byte < 0x80 else {
      throw KConnectError(.notSupported, "option '\(name)': not supported yet: a character beyond ASCII, '\(text.prefix(80))'")
    }
    return byte
  }

  static func pattern(_ name: String, _ options: DataSourceOptions) throws -> DateTimePattern? {
    guard let text = options.string(name), !text.isEmpty else { return nil }
    do {
      return try DateTimePattern(text)
    } catch let error as DateTimePatternError {
      throw KConnectError(.optionInvalid, "option '\(name)' of 'csv': \(error)", hint: "patterns are Spark's: yyyy MM dd HH mm ss SSS a XXX, text in '…'")
    }
  }

  static func compression(_ options: DataSourceOptions, path: String) -> StreamFormat? {
    switch options.word("compression") {
    case "gzip", "gz": .gzip
    case "zstd", "zst": .zstd
    case "none": nil
    default: StreamFormat.forPath(path)
    }
  }
}

extension CSVWriteOptions {
  init(_ options: DataSourceOptions, path: String) throws {
    self.init()
    separator = try CSVOptionValues.separator(options, path: path)
    quote = try CSVOptionValues.byte("quote", options)
    escape = try CSVOptionValues.byte("escape", options) ?? quote ?? 0x22
    quotesAll = options.bool("quoteAll")
    hasHeader = options.bool("header")
    if let text = options.string("lineSep"), !text.isEmpty {
      lineEnd = Array(CSVOptionValues.unescaped(text).utf8)
      guard lineEnd.count <= 2 else { throw KConnectError(.notSupported, "option 'lineSep': not supported yet: a line end of more than two bytes") }
    }
    func bytes(_ name: String) -> [UInt8] { Array((options.string(name) ?? "").utf8) }
    null = bytes("nullValue")
    if options.isGiven("emptyValue") { empty = bytes("emptyValue") }
    nan = bytes("nanValue")
    positiveInfinity = bytes("positiveInf")
    negativeInfinity = bytes("negativeInf")
    trimsLeading = options.bool("ignoreLeadingWhiteSpace")
    trimsTrailing = options.bool("ignoreTrailingWhiteSpace")
    timestampFormat = try CSVOptionValues.pattern("timestampFormat", options)
    dateFormat = try CSVOptionValues.pattern("dateFormat", options)
    if let name = options.string("encoding"), !name.isEmpty, TextEncoding(name: name)?.isTransparent != true {
      throw KConnectError(.notSupported, "option 'encoding': not supported yet: writing '\(name)'", hint: "files are written as UTF-8")
    }
    if quote == separator { throw KConnectError(.optionInvalid, "options 'sep' and 'quote' of 'csv' must be different bytes") }
  }
}
