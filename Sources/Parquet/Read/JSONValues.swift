// JSON text of a column to the engine's binary form of dynamic values.
import Columnar

/// Dynamic values for the JSON texts of a column. Rows that `validity` calls null keep empty slots; text that is not JSON is refused.
// SAFETY: offsets ascend within `data`, one more than the rows; both buffers are kept alive to the end.
func dynamicValues(
  _ offsets: Buffer<Int32>, _ data: Buffer<UInt8>, count: Int, validity: Bitmap?
) throws(ParquetError) -> ColumnVector {
  let result = StringBuilder(rows: count, bytes: data.count + count * 4)
  let parser = DynamicParser(.json)
  for i in 0..<count {
    if validity.map({ $0[i] }) ?? true {
      let text = unsafe UnsafeBufferPointer(start: data.pointer + Int(offsets[i]), count: Int(offsets[i + 1] - offsets[i]))
      do throws(JSONTextError) {
        try unsafe parser.parse(text, into: result.data)
      } catch {
        throw .corrupt(unsafe "value \(i) of the batch is not JSON (\(error)): '\(excerpt(UnsafeRawBufferPointer(text)))'")
      }
      try result.checkRoom(0)
    }
    result.endRow()
  }
  withExtendedLifetime((offsets, data)) {}
  return result.finish(.dynamic)
}
