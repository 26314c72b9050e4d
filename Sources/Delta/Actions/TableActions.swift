// Role: the actions that concern the table: protocol, metadata, transactions, domains, provenance, and those of V2 checkpoints.

package import Columnar

/// What a reader and a writer must understand.
package struct TableProtocol: Sendable, Hashable {
  package var minReaderVersion: Int
  package var minWriterVersion: Int
  /// Present exactly when the reader version is 3.
  package var readerFeatures: [String]?
  /// Present exactly when the writer version is 7.
  package var writerFeatures: [String]?

  package init(minReaderVersion: Int = 1, minWriterVersion: Int = 2, readerFeatures: [String]? = nil, writerFeatures: [String]? = nil) {
    self.minReaderVersion = minReaderVersion
    self.minWriterVersion = minWriterVersion
    self.readerFeatures = readerFeatures
    self.writerFeatures = writerFeatures
  }

  /// True when the feature is listed for writers (or readers), or implied by the legacy version.
  package func supports(_ feature: String) -> Bool {
    if readerFeatures?.contains(feature) == true || writerFeatures?.contains(feature) == true { return true }
    return minWriterVersion < 7 && (TableFeatures.legacyWriterVersion[feature].map { $0 <= minWriterVersion } ?? false)
  }
}

/// Identity, schema and properties of the table.
package struct TableMetadata: Sendable, Hashable {
  /// A GUID; changes when the table is created anew.
  package var id: String
  package var name: String?
  package var description: String?
  /// The format's name, `parquet` always.
  package var provider: String
  package var formatOptions: [String: String]
  /// The schema as JSON; `DeltaSchema` reads and writes it.
  package var schemaString: String
  package var partitionColumns: [String]
  package var configuration: [String: String]
  /// Milliseconds since 1970.
  package var createdTime: Int64?

  package init(
    id: String, name: String? = nil, description: String? = nil, schemaString: String, partitionColumns: [String] = [],
    configuration: [String: String] = [:], createdTime: Int64? = nil, provider: String = "parquet", formatOptions: [String: String] = [:]
  ) {
    self.id = id
    self.name = name
    self.description = description
    self.schemaString = schemaString
    self.partitionColumns = partitionColumns
    self.configuration = configuration
    self.createdTime = createdTime
    self.provider = provider
    self.formatOptions = formatOptions
  }
}

/// The newest version that an application has written, for idempotent writes.
package struct AppTransaction: Sendable, Hashable {
  package var appId: String
  package var version: Int64
  /// Milliseconds since 1970.
  package var lastUpdated: Int64?

  package init(appId: String, version: Int64, lastUpdated: Int64? = nil) {
    self.appId = appId
    self.version = version
    self.lastUpdated = lastUpdated
  }
}

/// Configuration of a named domain.
package struct DomainMetadata: Sendable, Hashable {
  package var domain: String
  package var configuration: String
  package var removed: Bool

  package init(domain: String, configuration: String, removed: Bool = false) {
    self.domain = domain
    self.configuration = configuration
    self.removed = removed
  }
}

/// Provenance of a commit: free-form members in order.
package struct CommitInfo: Sendable, Hashable {
  package var fields: [DynamicEntry]

  package init(_ fields: [DynamicEntry] = []) { self.fields = fields }

  package subscript(_ name: String) -> DynamicValue? {
    get { fields.first { $0.key == name }?.value }
    set {
      let at = fields.firstIndex { $0.key == name }
      switch (at, newValue) {
      case (let at?, let value?): fields[at].value = value
      case (let at?, nil): fields.remove(at: at)
      case (nil, let value?): fields.append(DynamicEntry(name, value))
      case (nil, nil): break
      }
    }
  }

  private func milliseconds(_ name: String) -> Int64? {
    switch self[name] {
    case .long(let v): v
    case .real(let v): Int64(exactly: v.rounded())
    default: nil
    }
  }

  /// Milliseconds since 1970, where the writer gave it.
  package var timestamp: Int64? { milliseconds("timestamp") }
  /// Milliseconds since 1970; strictly ascending with the version on tables with the feature.
  package var inCommitTimestamp: Int64? { milliseconds("inCommitTimestamp") }
  /// The operation's name, such as `WRITE`.
  package var operation: String? { if case .string(let text)? = self["operation"] { text } else { nil } }
}

/// A file of actions that a V2 checkpoint names.
package struct Sidecar: Sendable, Hashable {
  /// A file name in `_delta_log/_sidecars`, or an absolute path.
  package var path: String
  package var sizeInBytes: Int64
  package var modificationTime: Int64
  package var tags: [String: String]?
}

/// One line of a log file, one row of a checkpoint.
package enum DeltaAction: Sendable, Hashable {
  case add(AddFile)
  case remove(RemoveFile)
  case metadata(TableMetadata)
  case `protocol`(TableProtocol)
  case transaction(AppTransaction)
  case domainMetadata(DomainMetadata)
  case commitInfo(CommitInfo)
  case cdc(CDCFile)
  case sidecar(Sidecar)
  /// The version that a V2 checkpoint stands for.
  case checkpointMetadata(version: Int64)
  /// An action of this name that is not known; readers ignore it.
  case unknown(String)
}
