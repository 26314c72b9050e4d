// Role: what goes with a request beside its text: options such as `servertimeout` and values of query parameters.
// Source: "Request properties"; the connector's clientRequestPropertiesJson.

package import Columnar
import DataSource

/// Options and parameters of requests.
package struct ClientRequestProperties: Sendable, Hashable {
  package var options: [DynamicEntry] = []
  package var parameters: [DynamicEntry] = []

  package init() {}

  /// Reads `{"Options": {…}, "Parameters": {…}}`. Throws OPTION_INVALID.
  package init(json text: String) throws {
    guard let value = try? DynamicValue(parsing: text), case .bag(let parts) = value else {
      throw KConnectError(.optionInvalid, "clientRequestPropertiesJson is no JSON object")
    }
    for part in parts {
      guard case .bag(let entries) = part.value else { throw KConnectError(.optionInvalid, "clientRequestPropertiesJson: '\(part.key)' is no object") }
      switch part.key.lowercased() {
      case "parameters": parameters = entries
      case "options": options = entries
      default: throw KConnectError(.optionInvalid, "clientRequestPropertiesJson: unknown part '\(part.key)'", hint: "parts: Options, Parameters")
      }
    }
  }

  /// The value of an option; names are compared without case.
  package func option(_ name: String) -> DynamicValue? { options.last { $0.key.lowercased() == name }?.value }

  /// The properties with an option, unless it is there.
  package func setting(default name: String, _ value: DynamicValue) -> ClientRequestProperties {
    if option(name) != nil { return self }
    var copy = self
    copy.options.append(DynamicEntry(name, value))
    return copy
  }

  /// The text of the member `properties`; nil when there is nothing to say.
  var json: String? {
    var parts: [DynamicEntry] = []
    if !options.isEmpty { parts.append(DynamicEntry("Options", .bag(options))) }
    if !parameters.isEmpty { parts.append(DynamicEntry("Parameters", .bag(parameters))) }
    return parts.isEmpty ? nil : DynamicValue.bag(parts).json
  }

  /// Seconds after which the service gives up: `servertimeout` as `hh:mm:ss`, `50m` or a number; at most an hour.
  func serverTimeoutSeconds(default seconds: Int) -> Int {
    if case .bool(true)? = option("norequesttimeout") { return 3_600 }
    let ticks: Int64?
    switch option("servertimeout") {
    case .string(let text)?:
      if case .timespan(let value)? = ScalarText.parse(text, as: .timespan) { ticks = value } else { ticks = nil }
    case .long(let value)?: ticks = value < 36_000 ? value * 10_000_000 : nil
    default: ticks = nil
    }
    return ticks.map { min(3_600, max(1, Int($0 / 10_000_000))) } ?? seconds
  }
}
