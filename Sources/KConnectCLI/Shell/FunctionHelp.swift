// Role: the functions that can be called, as text, for `\f`.

import Columnar
import DataSource
import KQL

enum FunctionHelp {
  /// All names, sorted.
  static var names: [String] { Set(FunctionCatalog.all.map(\.name)).sorted() }

  /// One function in full, several as a list by family. Throws USAGE with the nearest name when there is none.
  static func text(matching name: String) throws -> String {
    let wanted = name.lowercased()
    let named = FunctionCatalog.find(wanted)
    if !named.isEmpty {
      return named.map { "\($0.signature)\n    \($0.summary)\n" + ($0.example.isEmpty ? "" : "    example: \($0.example)\n") }.joined()
    }
    let found = FunctionCatalog.all.filter { wanted.isEmpty || $0.name.contains(wanted) }
    guard !found.isEmpty else {
      let near = nearestNames(to: name, among: names, limit: 1).first
      throw KConnectError(.usage, "\\f: there is no function '\(name)'", hint: near.map { "did you mean '\($0)'?" } ?? "\\f lists all functions")
    }
    if found.count <= 12 { return found.map { "\($0.signature)  \($0.summary)\n" }.joined() }
    var out = ""
    for family in FunctionCatalog.families {
      let names = found.filter { $0.family == family }.map(\.name)
      if names.isEmpty { continue }
      out += "\(family)\n"
      var line = "  "
      for name in names {
        if line.count + name.count > (StandardStreams.outputWidth ?? 100) - 2 {
          out += line + "\n"
          line = "  "
        }
        line += name + " "
      }
      out += line + "\n"
    }
    return out
  }
}
