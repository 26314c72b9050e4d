// From the schema tree to the table a user sees: one field per top-level column; nested ones become dynamic.
package import Columnar

/// A top-level column of the file as it is read.
package struct ParquetField: Sendable {
  /// How the column is decoded.
  package enum Decoding: Sendable {
    /// One leaf without repetition.
    case flat(leaf: Int, ValueMapping)
    /// A group or repeated field, assembled into dynamic values.
    case nested(NestedNode)
    /// Present in the file, but not readable; the reason is thrown when the column is read.
    case unsupported(ParquetError)
  }

  /// The name; a second column of the same name gets `_1`, `_2`, ….
  package var name: String
  package var type: DataType
  package var isNullable: Bool
  package var hint: StorageHint?
  package var decoding: Decoding
  /// Chunks the column is made of.
  package var leaves: Range<Int>
}

/// The columns of a file.
package struct FileSchema: Sendable {
  package let tree: SchemaTree
  package let fields: [ParquetField]

  init(_ metadata: FileMetadata, options: ParquetReadOptions) throws(ParquetError) {
    tree = try SchemaTree(metadata.schema)
    var recorded: [String: DataType] = [:]
    if let text = metadata.keyValues?.last(where: { $0.key == kustoSchemaKey })?.value,
      let schema = try? StructType(ddl: text)
    {
      for field in schema.fields { recorded[field.name] = field.type }
    }
    var names: Set<String> = []
    var suffixes: [String: Int] = [:]
    var fields: [ParquetField] = []
    for node in tree.fields {
      var name = node.name
      while !names.insert(name).inserted {
        suffixes[node.name, default: 0] += 1
        name = "\(node.name)_\(suffixes[node.name] ?? 0)"
      }
      fields.append(Self.field(node, name: name, tree: tree, recorded: recorded[node.name]))
    }
    self.fields = fields
  }

  private init(tree: SchemaTree, fields: [ParquetField]) {
    self.tree = tree
    self.fields = fields
  }

  /// The schema with nested columns assembled by other nodes, which have the same leaves: another name for a member, say.
  func mappingNested(_ map: (String, NestedNode) -> NestedNode) -> FileSchema {
    FileSchema(
      tree: tree,
      fields: fields.map { field in
        guard case .nested(let node) = field.decoding else { return field }
        var field = field
        field.decoding = .nested(map(field.name, node))
        return field
      })
  }

  /// The table schema.
  package var structType: StructType {
    StructType(fields.map { StructField($0.name, $0.type, nullable: $0.isNullable, hint: $0.hint) })
  }

  /// Position of the field of that name.
  package func index(of name: String) -> Int? { fields.firstIndex { $0.name == name } }

  private static func field(_ node: SchemaNode, name: String, tree: SchemaTree, recorded: DataType?) -> ParquetField {
    let isNullable = node.repetition == .optional
    do throws(ParquetError) {
      if node.isLeaf, node.repetition != .repeated {
        let leaf = tree.leaves[node.leaves.lowerBound]
        let mapping = try ValueMapping.make(leaf, recorded: recorded)
        return ParquetField(
          name: name, type: mapping.type, isNullable: isNullable, hint: mapping.hint(node.element),
          decoding: .flat(leaf: leaf.index, mapping), leaves: node.leaves)
      }
      let nested = try NestedNode.make(node, leaves: tree.leaves)
      return ParquetField(
        name: name, type: .dynamic, isNullable: isNullable, decoding: .nested(nested), leaves: node.leaves)
    } catch {
      return ParquetField(
        name: name, type: .dynamic, isNullable: true, decoding: .unsupported(error.located(column: name)), leaves: node.leaves)
    }
  }
}
