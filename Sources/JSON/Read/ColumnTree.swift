// Role: the wanted paths of all columns as one tree, so that a record is walked once: each node says which column its value is and where to go
// on. Keys are found by guessing that they come in the order of last time, else by a small hash table.

#if canImport(Glibc)
import Glibc
#endif
import Columnar

/// A node of the tree: immutable once built.
final class ColumnNode: Sendable {
  /// The column that this value fills, -1 for none.
  let column: Int
  /// Further columns of the same path.
  let others: [Int]
  /// Whether there are such.
  let isShared: Bool
  /// Position of this node's guess in the parser's state.
  let index: Int
  let children: [ColumnNode]
  let elements: [(position: Int, node: ColumnNode)]
  private let keys: Buffer<UInt8>
  private let starts: [Int]
  private let table: [Int32]

  var isLeaf: Bool { children.isEmpty && elements.isEmpty }

  init(columns: [Int], index: Int, members: [(key: String, node: ColumnNode)], elements: [(position: Int, node: ColumnNode)]) {
    column = columns.first ?? -1
    others = Array(columns.dropFirst())
    isShared = columns.count > 1
    self.index = index
    self.elements = elements
    children = members.map(\.node)
    var bytes: [UInt8] = []
    var starts = [0]
    for (key, _) in members {
      bytes += Array(key.utf8)
      starts.append(bytes.count)
    }
    keys = Buffer(bytes)
    self.starts = starts
    var size = 4
    while size < 2 * members.count { size *= 2 }
    var table = [Int32](repeating: -1, count: size)
    for i in members.indices {
      // SAFETY: key `i` lies at `starts[i] ..< starts[i + 1]` of `keys`.
      var slot = unsafe Self.hash(keys.pointer + starts[i], starts[i + 1] - starts[i]) & (size - 1)
      while table[slot] >= 0 { slot = (slot + 1) & (size - 1) }
      table[slot] = Int32(i)
    }
    self.table = table
  }

  // SAFETY: `i` stays below `n`.
  @inline(__always) private static func hash(_ key: UnsafePointer<UInt8>, _ n: Int) -> Int {
    var h = UInt64(truncatingIfNeeded: n) &* 0x9E37_79B9_7F4A_7C15
    var i = 0
    while i < n {
      h = unsafe (h ^ UInt64(key[i])) &* 0x0000_0100_0000_01B3
      i &+= 1
    }
    return Int(truncatingIfNeeded: (h ^ (h >> 29)) & 0x7FFF_FFFF)
  }

  // SAFETY: the caller's `i` is a member; lengths are compared before bytes. `keys` lives as long as the node.
  @inline(__always) func isKey(_ i: Int, _ key: UnsafePointer<UInt8>, _ n: Int) -> Bool {
    unsafe starts[i &+ 1] &- starts[i] == n && memcmp(keys.pointer + starts[i], key, n) == 0
  }

  /// The child of that key, -1 for none.
  // SAFETY: the caller's key has `n` bytes, and what the table holds are members.
  func child(_ key: UnsafePointer<UInt8>, _ n: Int) -> Int {
    let mask = table.count - 1
    var slot = unsafe Self.hash(key, n) & mask
    while table[slot] >= 0 {
      let i = Int(table[slot])
      if unsafe isKey(i, key, n) { return i }
      slot = (slot + 1) & mask
    }
    return -1
  }
}

/// The tree of a list of paths.
struct ColumnTree: Sendable {
  let root: ColumnNode
  let nodeCount: Int

  init(_ paths: [JSONPath]) {
    var count = 0
    root = Self.build(paths.enumerated().map { ($0.offset, $0.element.steps[...]) }, &count)
    nodeCount = count
  }

  private static func build(_ paths: [(column: Int, steps: ArraySlice<JSONPath.Step>)], _ count: inout Int) -> ColumnNode {
    let index = count
    count += 1
    var members: [(String, [(Int, ArraySlice<JSONPath.Step>)])] = []
    var elements: [(Int, [(Int, ArraySlice<JSONPath.Step>)])] = []
    var columns: [Int] = []
    for (c, steps) in paths {
      switch steps.first {
      case nil: columns.append(c)
      case .member(let key)?:
        if let i = members.firstIndex(where: { $0.0 == key }) { members[i].1.append((c, steps.dropFirst())) } else { members.append((key, [(c, steps.dropFirst())])) }
      case .element(let n)?:
        if let i = elements.firstIndex(where: { $0.0 == n }) { elements[i].1.append((c, steps.dropFirst())) } else { elements.append((n, [(c, steps.dropFirst())])) }
      }
    }
    return ColumnNode(
      columns: columns, index: index, members: members.map { ($0.0, build($0.1.map { ($0.0, $0.1) }, &count)) },
      elements: elements.map { ($0.0, build($0.1.map { ($0.0, $0.1) }, &count)) })
  }
}
