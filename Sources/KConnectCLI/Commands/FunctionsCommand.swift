// Role: `kconnect functions`: what can be called in KQL, one function in full or all of them by family.

import ArgumentParser
import Columnar
import DataSource
import KConnect
import KQL

struct FunctionsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "functions", abstract: "Explains a KQL function, or lists the functions.",
    discussion: """
      EXAMPLES
        kconnect functions geo_point_in_polygon
        kconnect functions --family time
      """)

  @Argument(help: "The function; without it all are listed by family.", completion: .list(FunctionCatalog.all.map(\.name)))
  var name: String?
  @Option(name: .long, help: ArgumentHelp("Only one family, such as text, time, geospatial, aggregate or window.", valueName: "family"), completion: .list(FunctionCatalog.families))
  var family: String?
  @Option(name: .shortAndLong, help: ArgumentHelp("text, json or markdown.", valueName: "form"), completion: .list(["text", "json", "markdown"]))
  var format = "text"

  func run() throws {
    guard let form = FunctionList.Form(rawValue: format.lowercased()) else {
      throw Self.unknown("--format: unknown form", format, among: FunctionList.Form.allCases.map(\.rawValue), "forms")
    }
    var entries = FunctionCatalog.all
    if let family {
      guard FunctionCatalog.families.contains(family.lowercased()) else {
        throw Self.unknown("--family: unknown family", family, among: FunctionCatalog.families, "families")
      }
      entries = entries.filter { $0.family == family.lowercased() }
    }
    if let name {
      let found = FunctionCatalog.find(name).filter { entry in family.map { $0.lowercased() == entry.family } ?? true }
      guard !found.isEmpty else {
        let near = nearestNames(to: name, among: entries.flatMap { [$0.name] + $0.aliases })
        throw KConnectError(
          .usage, "there is no function '\(name)'",
          hint: near.isEmpty ? "kconnect functions lists all" : "did you mean \(near.map { "'\($0)'" }.joined(separator: ", "))?")
      }
      entries = found
    }
    let output = try ByteOutput(standardOutput: ())
    try output.write(FunctionList(entries, isFull: name != nil).text(form))
    try output.finish()
  }

  private static func unknown(_ what: String, _ word: String, among words: [String], _ kind: String) -> KConnectError {
    let near = nearestNames(to: word, among: words, limit: 1).first
    return KConnectError(.usage, "\(what) '\(word)'", hint: (near.map { "did you mean '\($0)'? " } ?? "") + "\(kind): \(words.joined(separator: ", "))")
  }
}

/// Functions in their text forms.
struct FunctionList {
  enum Form: String, CaseIterable { case text, json, markdown }

  private let entries: [FunctionEntry]
  private let isFull: Bool

  init(_ entries: [FunctionEntry], isFull: Bool) {
    self.entries = entries
    self.isFull = isFull
  }

  func text(_ form: Form) -> String {
    switch form {
    case .text: isFull ? entries.map(full).joined(separator: "\n") : byFamily
    case .json: json
    case .markdown: markdown
    }
  }

  private func full(_ entry: FunctionEntry) -> String {
    var out = "\(entry.signature)\n\n  \(entry.summary)\n\n  family:  \(entry.family)\n"
    if !entry.aliases.isEmpty { out += "  also:    \(entry.aliases.joined(separator: ", "))\n" }
    if !entry.example.isEmpty { out += "  example: \(entry.example)\n" }
    return out
  }

  private var byFamily: String {
    var out = ""
    for family in FunctionCatalog.families {
      let members = entries.filter { $0.family == family }
      guard !members.isEmpty else { continue }
      out += "\(out.isEmpty ? "" : "\n")\(family)\n"
      let width = min(40, members.map { $0.signature.count }.max() ?? 0)
      for entry in members {
        let gap = String(repeating: " ", count: max(0, width - entry.signature.count))
        out += "  \(entry.signature)\(gap)  \(entry.summary)\n"
      }
    }
    return out
  }

  private var json: String {
    let items = entries.map { entry in
      let aliases = entry.aliases.map(ValueText.quoted).joined(separator: ",")
      return "{\"name\":\(ValueText.quoted(entry.name)),\"aliases\":[\(aliases)],\"family\":\(ValueText.quoted(entry.family)),\"signature\":"
        + "\(ValueText.quoted(entry.signature)),\"summary\":\(ValueText.quoted(entry.summary)),\"example\":\(ValueText.quoted(entry.example))}"
    }
    return "[\n\(items.joined(separator: ",\n"))\n]\n"
  }

  private var markdown: String {
    func cell(_ text: String) -> String { text.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|") }
    let rows = entries.map { "| `\(cell($0.signature))` | \($0.family) | \(cell($0.summary)) |\n" }
    return "| function | family | meaning |\n| --- | --- | --- |\n" + rows.joined()
  }
}
