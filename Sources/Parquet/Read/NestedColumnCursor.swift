// A nested top-level column as a cursor over rows: its leaves are read window by window and assembled into dynamic values.
import Columnar

final class NestedColumnCursor: ColumnCursor {
  private let nodes: [AssemblyNode]
  private let root: Int
  private let leaves: [NestedLeafCursor]
  /// Rows of the file before the row group.
  private let firstRow: Int
  private let policy: InexactPolicy

  /// `leaves` are the leaves of the column in order; `firstLeaf` is the index of the first among all leaves of the file.
  init(_ shape: NestedNode, leaves: [NestedLeafCursor], firstLeaf: Int, firstRow: Int, policy: InexactPolicy) {
    var nodes: [AssemblyNode] = []
    root = AssemblyNode.flatten(shape, firstLeaf: firstLeaf, into: &nodes)
    self.nodes = nodes
    self.leaves = leaves
    self.firstRow = firstRow
    self.policy = policy
  }

  // SAFETY: all states are initialised before they are used and destroyed at the end, while the leaves they point into live. `ends`
  // has `rows + 1` elements and does not move until `finish`; `root` is a node of `nodes`.
  func read(_ window: Range<Int>, _ selection: Bitmap?) throws(ParquetError) -> ColumnVector {
    if let selection, selection.isAllClear { return ColumnBuilder(.dynamic).finish() }
    for leaf in leaves { try leaf.read(window) }
    let states = UnsafeMutableBufferPointer<LeafState>.allocate(capacity: leaves.count)
    for (i, leaf) in leaves.enumerated() { unsafe states.initializeElement(at: i, to: leaf.state) }
    defer {
      unsafe states.deinitialize()
      unsafe states.deallocate()
      withExtendedLifetime(leaves) {}
    }
    let rows = window.count
    let offsets = BufferBuilder<Int32>(capacity: rows + 1)
    let ends = unsafe offsets.appendUninitialized(rows + 1)
    unsafe ends[0] = 0
    let validity = BitmapBuilder(capacity: rows)
    var assembler = try unsafe DynamicAssembler(leaves: states, builder: BufferBuilder<UInt8>(capacity: rows * 16), policy: policy)
    var done = 0
    var failure: ParquetError?
    unsafe nodes.withUnsafeBufferPointer { nodes in
      guard let base = nodes.baseAddress else { return }
      do throws(ParquetError) {
        for row in 0..<rows {
          let isNull = try unsafe assembler.skipNull(base[root])
          validity.append(!isNull)
          if !isNull { try unsafe assembler.write(root, base) }
          guard assembler.writer.count <= maxVectorBytes else {
            throw .notSupported("more than 2 GiB of dynamic values in one batch of a column")
          }
          unsafe ends[row + 1] = Int32(truncatingIfNeeded: assembler.writer.count)
          try assembler.checkRowEnd()
          done += 1
        }
      } catch {
        failure = error
      }
    }
    if let failure { throw failure.located(row: firstRow + window.lowerBound + done + 1) }
    let vector = ColumnVector.bytes(
      .dynamic, offsets: offsets.finish(), data: assembler.writer.finished().finish(), validity: validity.finishValidity())
    guard let selection, !selection.isAllSet else { return vector }
    return vector.filter(selection)
  }
}
