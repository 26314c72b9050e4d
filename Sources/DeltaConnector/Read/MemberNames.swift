// Role: column mapping inside nested columns: files name members physically, tables logically.

import Delta
import Parquet

enum MemberNames {
  /// The node of a nested column with the names that `type` gives its members; members that the type lacks keep theirs.
  static func logical(_ node: NestedNode, _ type: DeltaType) -> NestedNode {
    switch (node, type) {
    case (.structure(let names, let children, let level, let isOptional), .structure(let fields)):
      var shown: [String] = []
      var inner: [NestedNode] = []
      for (name, child) in zip(names, children) {
        let field = fields.first { $0.physicalName == name }
        shown.append(field?.name ?? name)
        inner.append(field.map { logical(child, $0.type) } ?? child)
      }
      return .structure(names: shown, children: inner, definitionLevel: level, isOptional: isOptional)
    case (.list(let element, let nullBelow, let level, let repetition), .array(let inner, _)):
      return .list(element: logical(element, inner), nullBelow: nullBelow, definitionLevel: level, repetitionLevel: repetition)
    case (.map(let key, let value, let nullBelow, let level, let repetition), .map(_, let inner, _)):
      return .map(key: key, value: logical(value, inner), nullBelow: nullBelow, definitionLevel: level, repetitionLevel: repetition)
    case (.list(.structure(let names, let children, let pairLevel, let isOptional), let nullBelow, let level, let repetition), .map(let key, let value, _))
    where children.count == 2:
      // A map with nested keys is read as a list of pairs.
      let pair = NestedNode.structure(
        names: names, children: [logical(children[0], key), logical(children[1], value)], definitionLevel: pairLevel, isOptional: isOptional)
      return .list(element: pair, nullBelow: nullBelow, definitionLevel: level, repetitionLevel: repetition)
    default: return node
    }
  }
}
