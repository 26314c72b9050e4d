// Role: builds string and dynamic columns: offsets and bytes.

/// Growing offsets and bytes. A vector holds at most 2 GiB of text; a row beyond that is left empty, and the thread is marked (`ColumnSize`).
// SAFETY: `count` of the builders is read without overlap checks: they belong to one thread. The bytes appended are the caller's, alive for the call
// and not the builder's own, which may move.
@usableFromInline package final class StringBuilder {
  @usableFromInline package let offsets: BufferBuilder<Int32>
  @usableFromInline package let data: BufferBuilder<UInt8>

  package init(rows: Int = 0, bytes: Int = 0) {
    offsets = BufferBuilder<Int32>(capacity: rows + 1)
    data = BufferBuilder<UInt8>(capacity: bytes)
    offsets.append(0)
  }

  @inlinable package var count: Int { unsafe offsets.count - 1 }

  /// Ends a row after the bytes appended to `data`.
  @inlinable package func endRow() {
    if unsafe data.count > Int(Int32.max) { return endTooLargeRow() }
    unsafe offsets.append(Int32(truncatingIfNeeded: data.count))
  }

  @usableFromInline func endTooLargeRow() {
    ColumnSize.markExcess()
    // SAFETY: the builder begins with an offset, so that there is a last one; it is within the data.
    let end = unsafe offsets.pointer[offsets.count - 1]
    unsafe data.count = Int(end)
    offsets.append(end)
  }

  @inlinable package func append(_ bytes: UnsafeBufferPointer<UInt8>) {
    unsafe data.append(contentsOf: bytes)
    endRow()
  }

  @inlinable package func append(_ start: UnsafePointer<UInt8>, _ count: Int) {
    unsafe append(UnsafeBufferPointer(start: start, count: count))
  }

  package func append(_ text: String) {
    var text = text
    text.withUTF8 { unsafe append($0) }
  }

  /// A row without bytes: the slot of a null, or an empty text.
  @inlinable package func appendEmpty() { endRow() }

  /// The column; the builder is empty afterwards.
  package func finish(_ type: DataType = .string, validity: Bitmap? = nil) -> ColumnVector {
    let vector = ColumnVector.bytes(type, offsets: offsets.finish(), data: data.finish(), validity: validity)
    offsets.append(0)
    return vector
  }
}
