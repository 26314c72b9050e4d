// Role: the usual answer to a lost race: what a blind append, and what a commit that removes files, may be rebased over.

import Columnar
import DataSource

package enum ConflictCheck {
  /// Retries `actions` unless a winner changed protocol or metadata, removed a file we remove or restate (as with other tags), wrote a
  /// transaction of one of our applications, or set a domain we set. A winner's transaction of ours at or above our version is `.done`.
  /// - Parameter allowsAddedColumns: a winner's metadata that only adds nullable columns is no conflict.
  package static func answer(
    _ actions: [DeltaAction], basis: DeltaSnapshot?, winners: [WinningCommit], path: String, allowsAddedColumns: Bool = false
  ) throws -> Rebase {
    var touched: Set<String> = [], apps: [String: Int64] = [:], domains: Set<String> = []
    var changesTable = false
    for action in actions {
      switch action {
      case .remove(let file): touched.insert(DeltaPath.canonical(file.path))
      // A file of our own is in nobody's commit.
      case .add(let file): touched.insert(DeltaPath.canonical(file.path))
      case .transaction(let t): apps[t.appId] = t.version
      case .domainMetadata(let d): domains.insert(d.domain)
      case .metadata, .protocol: changesTable = true
      default: break
      }
    }
    for winner in winners {
      for action in winner.actions {
        func conflict(_ what: String) -> Rebase {
          .conflict(
            KConnectError(
              .locked, "'\(path)': version \(winner.version), committed meanwhile, \(what)", hint: "read the table again and repeat the write", isRetryable: true))
        }
        switch action {
        case .protocol: return conflict("changed the protocol")
        case .metadata(let new):
          if !changesTable, allowsAddedColumns, let basis, try onlyAddsColumns(new, basis) { continue }
          return conflict("changed the schema or properties of the table")
        case .remove(let file) where touched.contains(DeltaPath.canonical(file.path)): return conflict("removed the file '\(file.path)'")
        case .transaction(let t):
          if let version = apps[t.appId] { return t.version >= version ? .done : conflict("wrote the transaction '\(t.appId)'") }
        case .domainMetadata(let d) where domains.contains(d.domain) && d.domain != RowTracking.domain: return conflict("set the domain '\(d.domain)'")
        default: break
        }
      }
    }
    return .retry(actions)
  }

  /// True when the new metadata is the old one with nullable columns added.
  package static func onlyAddsColumns(_ new: TableMetadata, _ basis: DeltaSnapshot) throws -> Bool {
    let old = basis.metadata
    guard new.id == old.id, new.partitionColumns == old.partitionColumns, new.configuration == old.configuration else { return false }
    let fields = try DeltaSchema(json: new.schemaString, place: "'\(basis.path)'").fields
    let known = basis.schema.fields
    return known.allSatisfy { field in fields.contains(field) } && fields.allSatisfy { field in field.nullable || known.contains(field) }
  }
}
