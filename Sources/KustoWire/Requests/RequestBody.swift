// Role: the body of a query or command request: database, text, options, parameters, in all the spellings clients use.

package import Columnar
import DataSource
import KQL

/// A parsed body.
package struct RequestBody: Sendable {
  /// Nil when missing or empty.
  package var database: String?
  package var text: String
  package var options = RequestOptions()
  /// Values of query parameters as texts: literals in KQL, or bare.
  package var parameters: [String: String] = [:]
  package var clientRequestId: String?
  package var application: String?
  package var user: String?

  package init(database: String?, text: String) {
    self.database = database
    self.text = text
  }

  /// Reads `{"db":…,"csl":…,"properties":…}`. Throws USAGE with the place of what is wrong.
  package init(json: String) throws {
    let value: DynamicValue
    do { value = try DynamicValue(parsing: json) } catch { throw KConnectError(.usage, "the request's body is no JSON object: \(error)") }
    guard case .bag(let members) = value else { throw KConnectError(.usage, "the request's body is no JSON object: \(json.prefix(40))") }
    var database: String?
    var text: String?
    var properties = DynamicValue.null
    for member in members {
      switch member.key.lowercased() {
      case "db":
        if member.value != .null { database = try Self.string(member) }
      case "csl": text = try Self.string(member)
      case "properties": properties = member.value
      default: break
      }
    }
    guard let text else { throw KConnectError(.usage, "the request's body has no member 'csl'", hint: #"as in {"db":"D","csl":"T | count"}"#) }
    self.init(database: database.flatMap { $0.isEmpty ? nil : $0 }, text: text)
    try read(properties)
  }

  /// Reads the properties: an object, or a text that holds one. Keys of any case.
  package mutating func read(_ properties: DynamicValue) throws {
    var properties = properties
    if case .string(let text) = properties {
      if text.isEmpty { return }
      do { properties = try DynamicValue(parsing: text) } catch { throw KConnectError(.usage, "the request's properties are no JSON object: \(error)") }
    }
    if properties == .null { return }
    guard case .bag(let members) = properties else { throw KConnectError(.usage, "the request's properties are no JSON object: \(properties.json.prefix(40))") }
    for member in members where member.value != .null {
      switch member.key.lowercased() {
      case "options":
        guard case .bag(let entries) = member.value else { throw KConnectError(.usage, "the request's Options are no JSON object") }
        options = RequestOptions(entries)
      case "parameters":
        guard case .bag(let entries) = member.value else { throw KConnectError(.usage, "the request's Parameters are no JSON object") }
        for entry in entries { parameters[entry.key] = entry.value.stringValue ?? entry.value.json }
      case "clientrequestid": clientRequestId = member.value.stringValue
      case "application": application = member.value.stringValue
      case "user": user = member.value.stringValue
      default: break
      }
    }
  }

  private static func string(_ member: DynamicEntry) throws -> String {
    guard let text = member.value.stringValue else { throw KConnectError(.usage, "the request's body: '\(member.key)' is no string") }
    return text
  }
}

/// Options of a request by lower-case name. Unknown ones are kept and ignored.
package struct RequestOptions: Sendable {
  private var values: [String: DynamicValue] = [:]

  package init() {}

  package init(_ entries: [DynamicEntry]) {
    for entry in entries { values[entry.key.lowercased()] = entry.value }
  }

  package subscript(_ name: String) -> DynamicValue? { values[name.lowercased()] }

  package mutating func set(_ name: String, _ value: DynamicValue) { values[name.lowercased()] = value }

  /// A flag; texts and numbers count too. False when missing or no flag.
  package func flag(_ name: String) -> Bool {
    switch self[name] {
    case .bool(let value)?: value
    case .long(let value)?: value != 0
    case .string(let text)?: text.lowercased() == "true" || text == "1"
    default: false
    }
  }

  /// A whole number, also as text; nil when missing. Throws OPTION_INVALID.
  package func integer(_ name: String) throws -> Int? {
    switch self[name] {
    case nil, .null?: return nil
    case .long(let value)?: return Int(value)
    case .real(let value)? where value == value.rounded() && abs(value) < 9e15: return Int(value)
    case .string(let text)?:
      if let value = Int(text) { return value }
      if text.hasPrefix("long("), let value = Int(text.dropFirst(5).dropLast()) { return value }
    default: break
    }
    throw KConnectError(.optionInvalid, "the request option '\(name)' is \((self[name] ?? .null).json.prefix(60)), expected a whole number")
  }

  package func text(_ name: String) -> String? { self[name]?.stringValue }

  /// `servertimeout` in ticks: `00:04:00`, `1 day, 0:00:00`, `50m`; nil when missing. Throws OPTION_INVALID.
  package func serverTimeout() throws -> Int64? {
    guard let value = self["servertimeout"], value != .null else { return nil }
    if let ticks = Self.timespan(value) { return ticks }
    throw KConnectError(.optionInvalid, "the request option 'servertimeout' is \(value.json.prefix(60)), expected a timespan such as 00:04:00 or 5m")
  }

  private static func timespan(_ value: DynamicValue) -> Int64? {
    switch value {
    case .long(let seconds): return seconds > 0 && seconds < 1 << 30 ? seconds * 10_000_000 : nil
    case .string(let text):
      var text = text[...]
      var days: Int64 = 0
      if text.hasPrefix("time("), text.hasSuffix(")") { text = text.dropFirst(5).dropLast() }
      if text.hasPrefix("timespan("), text.hasSuffix(")") { text = text.dropFirst(9).dropLast() }
      if let comma = text.firstIndex(of: ","), let count = text[..<comma].split(separator: " ").first.flatMap({ Int64($0) }), count >= 0, count < 10_000 {
        days = count * 864_000_000_000
        text = text[text.index(after: comma)...].drop { $0 == " " }
      }
      guard case .timespan(let ticks)? = ScalarText.parse(String(text), as: .timespan), ticks >= 0 else { return nil }
      return min(ticks, Int64.max / 2) + days
    default: return nil
    }
  }

  /// All options as the store takes them, by lower-case name: flags, moments and sizes as such, also where they are written as texts. Throws
  /// OPTION_INVALID.
  package func settings() throws -> [String: Scalar] {
    var settings = scalars
    for name in RequestSettings.flags where self[name] != nil { settings[name] = .bool(flag(name)) }
    let memory = "max_memory_consumption_per_query_per_node"
    if let bytes = try integer(memory) { settings[memory] = .long(Int64(bytes)) }
    for name in ["query_now", "query_datetimescope_from", "query_datetimescope_to"] {
      guard let text = self.text(name) else { continue }
      let bare = text.hasPrefix("datetime(") && text.hasSuffix(")") ? String(text.dropFirst(9).dropLast()) : text
      guard let moment = ScalarText.parse(bare, as: .datetime) else {
        throw KConnectError(.optionInvalid, "the request option '\(name)' is '\(text.prefix(60))', expected a datetime such as 2024-01-31T12:00:00Z")
      }
      settings[name] = moment
    }
    return settings
  }

  /// Numbers, flags and texts as scalars.
  private var scalars: [String: Scalar] {
    values.mapValues { value in
      switch value {
      case .bool(let value): .bool(value)
      case .long(let value): .long(value)
      case .real(let value): .real(value)
      case .string(let text): .string(text)
      default: .dynamic(value)
      }
    }
  }
}

extension DynamicValue {
  /// The text of a string value.
  var stringValue: String? { if case .string(let value) = self { value } else { nil } }
}
