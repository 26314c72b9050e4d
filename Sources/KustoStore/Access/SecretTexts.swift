// Role: what a caller sees of the texts of entities: who does not administer the database sees stars where secrets stand.
// Source: Kusto reference, ".show functions", "Obfuscated string literals".

import Columnar
import KQL

extension CommandRun {
  /// Whether the caller may see what stands in obfuscated strings of a database's entities.
  private func administers(_ database: String) throws -> Bool {
    guard let access = try executor.requestAccess(request.properties) else { return true }
    return try access.rights(on: database).contains(.administer)
  }

  /// Whether what stands in obfuscated strings of a function is shown: where the command asks for it, to those who administer the database or it.
  func showsObfuscated(_ function: StoredFunction, in database: String) throws -> Bool {
    guard command.properties().contains(where: { $0.name.text.lowercased() == "showobfuscatedstrings" && $0.text.lowercased() == "true" }) else { return false }
    if try administers(database) { return true }
    return try executor.requestAccess(request.properties)?.roles(in: .function(database: database, function.name)).contains(.admins) ?? true
  }

  /// The text of a view's query, or another one of the database.
  func visible(_ text: String, in database: String) throws -> String { try administers(database) ? text : LoggedText.hidingSecrets(text) }

  /// A document with texts of queries; nil for the database stands for the cluster.
  func visible(_ document: DynamicValue, in database: String?) throws -> DynamicValue { try administers(database ?? "") ? document : document.hidingSecrets }
}

extension DynamicValue {
  /// The value with stars for the secrets in its texts, which are queries among others.
  var hidingSecrets: DynamicValue {
    switch self {
    case .string(let text): .string(LoggedText.hidingSecrets(text))
    case .array(let items): .array(items.map(\.hidingSecrets))
    case .bag(let entries): .bag(entries.map { DynamicEntry($0.key, $0.value.hidingSecrets) })
    default: self
    }
  }
}
