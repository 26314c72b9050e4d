// Role: what becomes of a text column that does not fit one vector. Kernels cannot throw row by row: they leave out what does not fit, and mark
// the thread; whoever runs them asks for the mark before the result is used.

import CSIMD

package enum ColumnSize {
  /// Bytes of text, or of dynamic values, that a vector holds at most.
  static let maxBytes = Int(Int32.max)

  /// The vector that is being made lacks rows' values.
  static func markExcess() { csimd_set_mark() }

  /// True when a vector made on this thread since the last call lacks values: the result is to be thrown away.
  package static func takeExcess() -> Bool { csimd_take_mark() }

  /// What is said then.
  package static let excess = "a column of one batch has more than 2 GiB of text or dynamic values"
}
