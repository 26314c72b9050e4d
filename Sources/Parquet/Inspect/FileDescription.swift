// What a file contains, as values: the model behind `kconnect inspect`. Nothing but the footer and the indexes is read.
package import Columnar

/// The layout of a file.
package struct FileDescription: Sendable {
  package struct Column: Sendable {
    /// Dotted path of the leaf.
    package var path: String
    package var physicalType: String
    /// Annotation, empty where there is none.
    package var logicalType: String
    package var repetition: String
    package var maxDefinitionLevel: Int
    package var maxRepetitionLevel: Int
    /// The column of the table the leaf belongs to, and its type.
    package var field: String
    package var fieldType: String
  }

  /// A group with an annotation: LIST, MAP, VARIANT.
  package struct Group: Sendable {
    /// Dotted path of the group.
    package var path: String
    package var logicalType: String
    package var repetition: String
  }

  package struct Chunk: Sendable {
    package var path: String
    package var encodings: [String]
    package var codec: String
    package var valueCount: Int
    package var compressedByteCount: Int
    package var uncompressedByteCount: Int
    package var dataPageOffset: Int
    package var dictionaryPageOffset: Int?
    package var nullCount: Int?
    package var distinctCount: Int?
    /// Bounds as text, in the field's type.
    package var min: String?
    package var max: String?
    package var hasOffsetIndex: Bool
    package var hasColumnIndex: Bool
    /// Data pages, where an offset index tells.
    package var pageCount: Int?
    package var bloomFilterByteCount: Int?
    package var isEncrypted: Bool
  }

  package struct RowGroup: Sendable {
    package var rowCount: Int
    package var compressedByteCount: Int
    package var uncompressedByteCount: Int
    /// `name`, `name desc`, with `nulls first` where that is so.
    package var sortedBy: [String]
    package var chunks: [Chunk]
  }

  package var name: String
  package var byteCount: Int
  package var footerByteCount: Int
  package var formatVersion: Int
  package var createdBy: String?
  package var rowCount: Int
  package var schema: StructType
  package var columns: [Column]
  package var groups: [Group]
  package var keyValues: [(key: String, value: String)]
  package var rowGroups: [RowGroup]
}

extension ParquetFile {
  /// Describes the file. Damaged indexes are described as absent.
  package func describe() -> FileDescription {
    var fieldOf: [Int: ParquetField] = [:]
    for field in schema.fields { for leaf in field.leaves { fieldOf[leaf] = field } }
    let columns = schema.tree.leaves.map { leaf in
      FileDescription.Column(
        path: leaf.dottedPath,
        physicalType: leaf.type == .fixedLenByteArray ? "\(leaf.type)(\(leaf.element.typeLength ?? 0))" : "\(leaf.type)",
        logicalType: leaf.element.annotation.map { "\($0)" } ?? "", repetition: "\(leaf.element.repetition ?? .required)",
        maxDefinitionLevel: leaf.maxDefinitionLevel, maxRepetitionLevel: leaf.maxRepetitionLevel,
        field: fieldOf[leaf.index]?.name ?? "", fieldType: fieldOf[leaf.index].map { "\($0.type)" } ?? "")
    }
    return FileDescription(
      name: name, byteCount: source.byteCount, footerByteCount: footerByteCount, formatVersion: Int(metadata.version),
      createdBy: metadata.createdBy, rowCount: rowCount, schema: structType, columns: columns,
      groups: Self.annotatedGroups(schema.tree.fields, []),
      keyValues: (metadata.keyValues ?? []).map { ($0.key, $0.value ?? "") },
      rowGroups: metadata.rowGroups.indices.map { describe(rowGroup: $0) })
  }

  private static func annotatedGroups(_ nodes: [SchemaNode], _ parents: [String]) -> [FileDescription.Group] {
    nodes.flatMap { node -> [FileDescription.Group] in
      let path = parents + [node.name]
      let below = annotatedGroups(node.children, path)
      guard !node.isLeaf, let annotation = node.element.annotation else { return below }
      return [FileDescription.Group(path: path.joined(separator: "."), logicalType: "\(annotation)", repetition: "\(node.repetition)")] + below
    }
  }

  private func describe(rowGroup: Int) -> FileDescription.RowGroup {
    let group = metadata.rowGroups[rowGroup]
    var bounds: [Int: ColumnBounds] = [:]
    for (i, field) in schema.fields.enumerated() {
      if case .flat(let leaf, _) = field.decoding { bounds[leaf] = self.bounds(rowGroup: rowGroup, field: i) }
    }
    let chunks = group.columns.indices.map { leaf in
      describe(group.columns[leaf], schema.tree.leaves[leaf], bounds[leaf], rowGroup: rowGroup)
    }
    let sortedBy = (group.sortingColumns ?? []).map { column in
      let name = column.columnIndex < schema.tree.leaves.count ? schema.tree.leaves[column.columnIndex].dottedPath : "?"
      return name + (column.isDescending ? " desc" : "") + (column.areNullsFirst ? " nulls first" : "")
    }
    return FileDescription.RowGroup(
      rowCount: group.rowCount, compressedByteCount: chunks.reduce(0) { $0 + $1.compressedByteCount },
      uncompressedByteCount: chunks.reduce(0) { $0 + $1.uncompressedByteCount }, sortedBy: sortedBy, chunks: chunks)
  }

  private func describe(
    _ chunk: ColumnChunk, _ leaf: LeafColumn, _ bounds: ColumnBounds?, rowGroup: Int
  ) -> FileDescription.Chunk {
    let pages = (try? offsetIndex(rowGroup: rowGroup, leaf: leaf.index)).flatMap { $0 }?.pages.count
    let metadata = chunk.metadata
    let dictionaryOffset = metadata?.dictionaryPageOffset.flatMap { $0 > 0 ? $0 : nil }
    return FileDescription.Chunk(
      path: leaf.dottedPath, encodings: metadata?.encodings.map { "\($0)" } ?? [], codec: metadata.map { "\($0.codec)" } ?? "?",
      valueCount: metadata?.valueCount ?? 0, compressedByteCount: metadata?.totalCompressedSize ?? 0,
      uncompressedByteCount: metadata?.totalUncompressedSize ?? 0, dataPageOffset: metadata?.dataPageOffset ?? 0,
      dictionaryPageOffset: dictionaryOffset, nullCount: metadata?.statistics?.nullCount,
      distinctCount: metadata?.statistics?.distinctCount, min: bounds?.min.flatMap { ScalarText.text($0) }, max: bounds?.max.flatMap { ScalarText.text($0) },
      hasOffsetIndex: chunk.offsetIndexOffset != nil, hasColumnIndex: chunk.columnIndexOffset != nil, pageCount: pages,
      bloomFilterByteCount: metadata?.bloomFilterOffset == nil ? nil : metadata?.bloomFilterLength ?? 0,
      isEncrypted: chunk.isEncrypted)
  }
}
