// Role: parse_user_agent: browser, operating system and device of a user-agent text. Source: Kusto "parse_user_agent()".

import Columnar

/// The patterns of one target, compiled.
private struct UserAgentTarget: Sendable {
  let name: String
  let rules: [(rule: UserAgentRule, regex: Regex)]
  /// Names of the version's parts; empty for devices.
  let parts: [String]

  init(_ name: String, _ rules: [UserAgentRule], parts: [String]) throws {
    self.name = name
    self.parts = parts
    self.rules = try rules.map { ($0, try Regex($0.pattern, function: "parse_user_agent")) }
  }

  func entry(_ text: [UInt8]) -> DynamicEntry {
    for (rule, regex) in rules {
      guard let match = unsafe text.withUnsafeBufferPointer({ unsafe regex.firstMatch($0, groups: regex.groupCount + 1) }) else { continue }
      let groups = match.map { $0.map { String(decoding: text[$0], as: UTF8.self) } ?? "" }
      return DynamicEntry(name, bag(rule, groups))
    }
    return DynamicEntry(name, bag(UserAgentRule("", "Other", version: 9), []))
  }

  private func bag(_ rule: UserAgentRule, _ groups: [String]) -> DynamicValue {
    var fields = [DynamicEntry("Family", .string(Self.filled(rule.family, groups)))]
    if parts.isEmpty {
      fields.append(DynamicEntry("Brand", .string(rule.brand)))
      fields.append(DynamicEntry("Model", .string(Self.filled(rule.model, groups))))
    } else {
      for (k, part) in parts.enumerated() {
        let group = rule.version + k
        // Systems with names for versions give them as the model.
        let text = k == 0 && !rule.model.isEmpty ? rule.model : group < groups.count ? groups[group] : ""
        fields.append(DynamicEntry(part, .string(text)))
      }
    }
    return .bag(fields)
  }

  /// A text with `$1` and `$2` replaced.
  private static func filled(_ template: String, _ groups: [String]) -> String {
    var out = ""
    var isGroup = false
    for c in template {
      if isGroup, let k = c.wholeNumberValue {
        out += k < groups.count ? groups[k] : ""
      } else if c != "$" {
        out.append(c)
      }
      isGroup = c == "$"
    }
    return out
  }
}

private func targets(_ call: FunctionCall) throws -> [UserAgentTarget] {
  var wanted: [String] = []
  if case .dynamic(.array(let items)) = call.constants[1] {
    wanted = items.compactMap { if case .string(let text) = $0 { text.lowercased() } else { nil } }
  } else {
    wanted = [try call.constantText(1, "what to look for").lowercased()]
  }
  let known = ["browser", "os", "device"]
  for word in wanted where !known.contains(word) { throw call.invalid("cannot look for '\(word)'; known are browser, os and device") }
  guard !wanted.isEmpty else { throw call.invalid("nothing to look for; known are browser, os and device") }
  let version = ["MajorVersion", "MinorVersion", "Patch"]
  var out: [UserAgentTarget] = []
  if wanted.contains("browser") { out.append(try UserAgentTarget("Browser", browserRules, parts: version)) }
  if wanted.contains("os") { out.append(try UserAgentTarget("OperatingSystem", systemRules, parts: version + ["PatchMinor"])) }
  if wanted.contains("device") { out.append(try UserAgentTarget("Device", deviceRules, parts: [])) }
  return out
}

let userAgentFunctions: [FunctionSpec] = [
  FunctionSpec("parse_user_agent", .parsing, 2...2, parameters: "text, look_for", "Browser, operating system and device of a user-agent text.",
    example: "parse_user_agent('Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36', 'browser')") { call in
    let targets = try targets(call)
    // SAFETY: the row is a window on the argument's memory, which lives for the call, and is copied.
    return unsafe BoundFunction(.dynamic, [.string, call.types[1]], kernel: rows(TextRows.self) { text -> DynamicValue in
      let bytes = unsafe Array(text)
      return .bag(targets.map { $0.entry(bytes) })
    })
  },
]
