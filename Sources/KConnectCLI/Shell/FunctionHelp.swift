// Role: the functions that can be called, as text, for `\f`.

import Columnar
import DataSource
import Expressions

enum FunctionHelp {
  private static let all: [FunctionSpec] = FunctionRegistry.all.filter { $0.family != .operator && !$0.name.contains(" ") }

  /// All names, sorted.
  static var names: [String] { all.map(\.name).sorted() }

  /// One function in full, several as a list by family. Throws USAGE with the nearest name when there is none.
  static func text(matching name: String) throws -> String {
    let wanted = name.lowercased()
    if let one = all.first(where: { $0.name == wanted || $0.aliases.contains(wanted) }) {
      return "\(one.name)(\(one.parameters))\n    \(one.summary)\n" + (one.example.isEmpty ? "" : "    example: \(one.example)\n")
    }
    let found = all.filter { wanted.isEmpty || $0.name.contains(wanted) }
    guard !found.isEmpty else {
      let near = nearestNames(to: name, among: names, limit: 1).first
      throw KConnectError(.usage, "\\f: there is no function '\(name)'", hint: near.map { "did you mean '\($0)'?" } ?? "\\f lists all functions")
    }
    if found.count <= 12 { return found.sorted { $0.name < $1.name }.map { "\($0.name)(\($0.parameters))  \($0.summary)\n" }.joined() }
    var out = ""
    for family in FunctionFamily.allCases {
      let names = found.filter { $0.family == family }.map(\.name).sorted()
      if names.isEmpty { continue }
      out += "\(family.rawValue)\n"
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
