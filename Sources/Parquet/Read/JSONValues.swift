// JSON text of a column to the engine's binary form of dynamic values.
package import Columnar

/// Appends the binary form of the JSON text `bytes` to `out`, without ending the row. Text that is not JSON is refused.
func appendJSON(_ bytes: UnsafeRawBufferPointer, row: Int, to out: StringBuilder) throws(ParquetError) {
  throw .notSupported("JSON columns")
}
