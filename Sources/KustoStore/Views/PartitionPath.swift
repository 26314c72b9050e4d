// Role: the path format of an external table: from the directories of a file to the values of its partition columns.
// Source: Kusto reference, "Create and alter Azure Storage external tables", path format.

import Columnar
import DataSource
import Expressions
import FileConnector

/// Where the values of partition columns stand in the directories of a file.
struct PartitionPath: Sendable {
  /// A part as it is written.
  enum Part: Sendable, Hashable {
    case text(String)
    case column(String)
    /// `datetime_pattern("yyyy/MM/dd", column)`
    case datetime(pattern: String, column: String)
  }

  /// A part of a datetime, in the order of its text; raw values are places in it.
  private enum Unit: Int {
    case year, month, day, hour, minute, second

    init?(_ letter: Character) {
      guard let place = Array("yMdHms").firstIndex(of: letter) else { return nil }
      self.init(rawValue: place)
    }
  }

  private enum Piece {
    case text(String)
    case column(String)
    /// A number of so many digits; one digit stands for one or two.
    case number(Unit, width: Int, column: String)

    /// What it is in the path, a digit for a value.
    var sample: String {
      switch self {
      case .text(let text): text
      case .column, .number: "0"
      }
    }
  }

  let parts: [Part]
  private var pieces: [Piece] = []

  /// Throws NOT_SUPPORTED for parts of datetimes that are no plain numbers.
  init(_ parts: [Part]) throws {
    self.parts = parts
    for part in parts {
      switch part {
      case .text(let text): append(text)
      case .column(let name): pieces.append(.column(name))
      case .datetime(let pattern, let column): try append(pattern, column)
      }
    }
    if case .text(let first)? = pieces.first, first.hasPrefix("/") { pieces[0] = .text(String(first.dropFirst())) }
  }

  /// What stands in a database's document.
  init(_ document: DynamicValue) throws {
    try self.init(
      (document.elements ?? []).map { part -> Part in
        guard let column = part["Column"]?.stringValue else { return Part.text(part["Text"]?.stringValue ?? "") }
        guard let pattern = part["Pattern"]?.stringValue else { return Part.column(column) }
        return Part.datetime(pattern: pattern, column: column)
      })
  }

  var document: DynamicValue {
    .array(
      parts.map { part -> DynamicValue in
        switch part {
        case .text(let text): .bag([DynamicEntry("Text", .string(text))])
        case .column(let name): .bag([DynamicEntry("Column", .string(name))])
        case .datetime(let pattern, let column): .bag([DynamicEntry("Column", .string(column)), DynamicEntry("Pattern", .string(pattern))])
        }
      })
  }

  /// The path without the values of one datetime: where it is null.
  private func withoutDatetime(_ place: Int) throws -> PartitionPath {
    var parts = parts
    parts[place] = .text(FileListing.defaultPartition)
    return try PartitionPath(parts)
  }

  /// The text of a datetime under a pattern; '' for null. Throws as `init` does.
  static func text(of moment: Expr, by pattern: String) throws -> Expr {
    var form = try PartitionPath([Part]())
    try form.append(pattern, "")
    let texts = form.pieces.map { piece -> Expr in
      switch piece {
      case .text(let text): return .literal(.string(text))
      case .column: return .literal(.string(""))
      case .number(let unit, let width, _):
        let letter = Array("yMdHms")[unit.rawValue]
        return .call("format_datetime", [moment, .literal(.string(String(repeating: letter, count: width)))])
      }
    }
    if texts.isEmpty { return .literal(.string("")) }
    return .call("iff", [.call("isnull", [moment]), .literal(.string("")), .call("strcat", texts)])
  }

  /// How directories are made of the values of its parts, in their order; texts are left out there.
  func template() throws -> DirectoryTemplate {
    var text = ""
    var made: [DirectoryTemplate.Part] = []
    for part in parts {
      switch part {
      case .text(let next): text += next
      case .column, .datetime:
        if made.isEmpty { text = String(text.drop { $0 == "/" }) }
        let isPath = if case .datetime = part { true } else { false }
        made.append(DirectoryTemplate.Part(prefix: text, isPath: isPath))
        text = ""
      }
    }
    while text.hasSuffix("/") { text.removeLast() }
    if pieces.reduce("", { $0 + $1.sample }).split(separator: "/").contains(where: { $0 == "." || $0 == ".." }) {
      throw KConnectError(.notSupported, "not supported: writing to the pathformat \(shown), which leads out of the table's directory")
    }
    return DirectoryTemplate(parts: made, suffix: text, null: FileListing.defaultPartition)
  }

  /// As it was written.
  var shown: String {
    parts.map { part -> String in
      switch part {
      case .text(let text): SchemaText.quoted(text)
      case .column(let name): quotedName(name)
      case .datetime(let pattern, let column): "datetime_pattern(\(SchemaText.quoted(pattern)), \(quotedName(column)))"
      }
    }.joined(separator: " ")
  }

  /// The partition columns in it.
  var columns: Set<String> {
    Set(
      parts.compactMap { part -> String? in
        switch part {
        case .text: nil
        case .column(let name), .datetime(_, let name): name
        }
      })
  }

  // MARK: Patterns

  private mutating func append(_ text: String) {
    if case .text(let before)? = pieces.last {
      pieces[pieces.count - 1] = .text(before + text)
    } else if !text.isEmpty {
      pieces.append(.text(text))
    }
  }

  /// A .NET format: letters are numbers, texts stand in quotes or behind a backslash. Where braces stand round the letters, all else is text.
  private mutating func append(_ pattern: String, _ column: String) throws {
    var rest = pattern[...]
    var isFormat = !pattern.contains("{")
    while let letter = rest.first {
      switch letter {
      case "'", "\"":
        let text = rest.dropFirst().prefix { $0 != letter }
        append(String(text))
        rest = rest.dropFirst(text.count + 2)
      case "\\":
        append(String(rest.dropFirst().prefix(1)))
        rest = rest.dropFirst(2)
      case "{", "}":
        isFormat = letter == "{"
        rest = rest.dropFirst()
      case _ where isFormat && letter.isASCII && letter.isLetter:
        let width = rest.prefix { $0 == letter }.count
        guard let unit = Unit(letter), width <= 2 || unit == .year && width == 4 else {
          throw KConnectError(
            .notSupported, "not supported: '\(rest.prefix(width))' in datetime_pattern(\"\(pattern)\", …)", hint: "yyyy, yy, MM, dd, HH, mm and ss are read; texts stand in quotes")
        }
        pieces.append(.number(unit, width: width, column: column))
        rest = rest.dropFirst(width)
      default:
        append(String(letter))
        rest = rest.dropFirst()
      }
    }
  }

  // MARK: Paths

  /// The directories of a file as `column=value`; nil for a file whose path has another form.
  func hive(_ directories: [String]) -> [String]? {
    if let found = values(directories) { return found }
    guard directories.contains(where: { $0.contains(FileListing.defaultPartition) }) else { return nil }
    // Datetimes without a value stand in no pattern.
    for (place, part) in parts.enumerated() {
      guard case .datetime(_, let column) = part, let found = (try? withoutDatetime(place))?.hive(directories) else { continue }
      return found + ["\(Self.escaped(column))=\(PartitionText.null)"]
    }
    return nil
  }

  private func values(_ directories: [String]) -> [String]? {
    let path = directories.joined(separator: "/") + "/"
    var rest = path[...]
    var names: [String] = []
    var texts: [String: String] = [:]
    var moments: [String: [Int]] = [:]
    for (i, piece) in pieces.enumerated() {
      switch piece {
      case .text(let text):
        guard rest.hasPrefix(text) else { return nil }
        rest = rest.dropFirst(text.count)
      case .column(let name):
        var end = rest.firstIndex(of: "/") ?? rest.endIndex
        if i + 1 < pieces.count, case .text(let next) = pieces[i + 1] {
          guard let found = rest.firstRange(of: next)?.lowerBound, found <= end else { return nil }
          end = found
        }
        if !names.contains(name) { names.append(name) }
        texts[name] = rest[..<end] == FileListing.defaultPartition ? PartitionText.null : String(rest[..<end])
        rest = rest[end...]
      case .number(let unit, let width, let column):
        let digits = rest.prefix(width == 1 ? 2 : width).prefix { $0.isASCII && $0.isNumber }
        guard digits.count >= width, let number = Int(digits) else { return nil }
        rest = rest.dropFirst(digits.count)
        if !names.contains(column) { names.append(column) }
        var moment = moments[column] ?? [1, 1, 1, 0, 0, 0]
        moment[unit.rawValue] = unit == .year && width < 4 ? number + (number < 50 ? 2_000 : 1_900) : number
        moments[column] = moment
      }
    }
    // What was read ends where a directory does.
    guard rest.hasPrefix("/") || path[..<rest.startIndex].hasSuffix("/") else { return nil }
    for (column, moment) in moments {
      let text = Self.text(of: moment)
      guard ScalarText.parse(text, as: .datetime) != nil else { return nil }
      texts[column] = text
    }
    return names.map { "\(Self.escaped($0))=\(texts[$0] ?? "")" }
  }

  private static func text(of moment: [Int]) -> String {
    func padded(_ i: Int, _ width: Int) -> String {
      let digits = String(moment[i])
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    return "\(padded(0, 4))-\(padded(1, 2))-\(padded(2, 2))T\(padded(3, 2)):\(padded(4, 2)):\(padded(5, 2))Z"
  }

  private static func escaped(_ name: String) -> String { name.map { $0 == "%" ? "%25" : $0 == "=" ? "%3D" : String($0) }.joined() }
}
