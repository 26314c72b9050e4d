// Role: the actions that concern files: add, remove, cdc, and the descriptor of a deletion vector. Field names are the protocol's.

/// Where the rows of a data file that are deleted are written down.
package struct DeletionVectorDescriptor: Sendable, Hashable {
  /// `u` (file beside the data, named by a UUID), `p` (absolute path) or `i` (inline).
  package var storageType: String
  package var pathOrInlineDv: String
  /// Byte in the file where the vector starts; nil for inline vectors.
  package var offset: Int64?
  package var sizeInBytes: Int64
  /// Rows deleted.
  package var cardinality: Int64

  package init(storageType: String, pathOrInlineDv: String, offset: Int64? = nil, sizeInBytes: Int64, cardinality: Int64) {
    self.storageType = storageType
    self.pathOrInlineDv = pathOrInlineDv
    self.offset = offset
    self.sizeInBytes = sizeInBytes
    self.cardinality = cardinality
  }

  /// The identity of the vector within a table.
  package var uniqueID: String { storageType + pathOrInlineDv + (offset.map { "@\($0)" } ?? "") }
}

/// What a logical file is known by: the decoded path and the deletion vector.
package struct FileKey: Sendable, Hashable {
  package let path: String
  package let deletionVector: String?

  /// `path` as it stands in the log, URI-encoded.
  package init(path: String, deletionVector: DeletionVectorDescriptor?) {
    self.path = DeltaPath.canonical(path)
    self.deletionVector = deletionVector?.uniqueID
  }
}

/// A file of the table.
package struct AddFile: Sendable, Hashable {
  /// As in the log: URI-encoded, relative to the table or absolute.
  package var path: String
  /// Partition column (physical name) → serialised value, nil for null.
  package var partitionValues: [String: String?]
  package var size: Int64
  /// Milliseconds since 1970.
  package var modificationTime: Int64
  package var dataChange: Bool
  /// Statistics as JSON text; `FileStatistics` reads it.
  package var stats: String?
  package var tags: [String: String]?
  package var deletionVector: DeletionVectorDescriptor?
  package var baseRowId: Int64?
  package var defaultRowCommitVersion: Int64?
  package var clusteringProvider: String?

  package init(
    path: String, partitionValues: [String: String?] = [:], size: Int64, modificationTime: Int64, dataChange: Bool = true, stats: String? = nil,
    tags: [String: String]? = nil, deletionVector: DeletionVectorDescriptor? = nil, baseRowId: Int64? = nil, defaultRowCommitVersion: Int64? = nil,
    clusteringProvider: String? = nil
  ) {
    self.path = path
    self.partitionValues = partitionValues
    self.size = size
    self.modificationTime = modificationTime
    self.dataChange = dataChange
    self.stats = stats
    self.tags = tags
    self.deletionVector = deletionVector
    self.baseRowId = baseRowId
    self.defaultRowCommitVersion = defaultRowCommitVersion
    self.clusteringProvider = clusteringProvider
  }

  package var key: FileKey { FileKey(path: path, deletionVector: deletionVector) }

  /// The action that takes this file out of the table; `timestamp` in milliseconds since 1970.
  package func removal(at timestamp: Int64, dataChange: Bool = true) -> RemoveFile {
    RemoveFile(
      path: path, deletionTimestamp: timestamp, dataChange: dataChange, extendedFileMetadata: true, partitionValues: partitionValues, size: size,
      stats: stats, tags: tags, deletionVector: deletionVector, baseRowId: baseRowId, defaultRowCommitVersion: defaultRowCommitVersion)
  }
}

/// A file that left the table: a tombstone until the file may be deleted.
package struct RemoveFile: Sendable, Hashable {
  package var path: String
  /// Milliseconds since 1970.
  package var deletionTimestamp: Int64?
  package var dataChange: Bool
  package var extendedFileMetadata: Bool?
  package var partitionValues: [String: String?]?
  package var size: Int64?
  package var stats: String?
  package var tags: [String: String]?
  package var deletionVector: DeletionVectorDescriptor?
  package var baseRowId: Int64?
  package var defaultRowCommitVersion: Int64?

  package init(
    path: String, deletionTimestamp: Int64?, dataChange: Bool = true, extendedFileMetadata: Bool? = nil, partitionValues: [String: String?]? = nil,
    size: Int64? = nil, stats: String? = nil, tags: [String: String]? = nil, deletionVector: DeletionVectorDescriptor? = nil, baseRowId: Int64? = nil,
    defaultRowCommitVersion: Int64? = nil
  ) {
    self.path = path
    self.deletionTimestamp = deletionTimestamp
    self.dataChange = dataChange
    self.extendedFileMetadata = extendedFileMetadata
    self.partitionValues = partitionValues
    self.size = size
    self.stats = stats
    self.tags = tags
    self.deletionVector = deletionVector
    self.baseRowId = baseRowId
    self.defaultRowCommitVersion = defaultRowCommitVersion
  }

  package var key: FileKey { FileKey(path: path, deletionVector: deletionVector) }
}

/// A change data file; read past, never written.
package struct CDCFile: Sendable, Hashable {
  package var path: String
  package var partitionValues: [String: String?]
  package var size: Int64
  package var tags: [String: String]?
}
