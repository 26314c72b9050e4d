// Moving runs of bits between byte-packed pages and the 64-bit words of a bitmap.
import CSIMD

/// Sets `count` bits from bit `position` on.
// SAFETY: the caller's words hold bits up to `position + count`; `at` stays below that.
func setBits(_ words: UnsafeMutablePointer<UInt64>, at position: Int, _ count: Int) {
  var at = position
  var left = count
  while left > 0 {
    let offset = at & 63
    let n = min(64 - offset, left)
    let mask: UInt64 = n == 64 ? ~0 : ((1 << UInt64(n)) &- 1) << UInt64(offset)
    unsafe words[at >> 6] |= mask
    at += n
    left -= n
  }
}

/// Copies `count` bits of `source` (from bit `start`, low bits first) to `words` (from bit `position`, zero before); returns the set ones.
/// Reads up to 8 bytes behind the last bit.
// SAFETY: the caller checked that `source` has bits up to `start + count`, with 64 readable bytes behind, and that `words` has
// bits up to `position + count`. A piece never crosses a word of the target.
func copyBits(
  _ source: UnsafePointer<UInt8>, from start: Int, _ words: UnsafeMutablePointer<UInt64>, at position: Int, _ count: Int
) -> Int {
  var done = 0
  var set = 0
  while done < count {
    let offset = (position &+ done) & 63
    let n = min(min(64 &- offset, count &- done), 56)
    let bits = unsafe pq_extract(source, start &+ done, Int32(truncatingIfNeeded: n))
    set &+= bits.nonzeroBitCount
    unsafe words[(position &+ done) >> 6] |= bits << UInt64(offset)
    done &+= n
  }
  return set
}

/// How many of `count` bits of `source` from bit `start` on are set.
// SAFETY: the caller checked that `source` has bits up to `start + count`; 64 readable bytes follow them.
func countBits(_ source: UnsafePointer<UInt8>, from start: Int, _ count: Int) -> Int {
  var done = 0
  var set = 0
  while done < count {
    let n = min(count &- done, 56)
    unsafe set &+= pq_extract(source, start &+ done, Int32(truncatingIfNeeded: n)).nonzeroBitCount
    done &+= n
  }
  return set
}

/// How many bits of `words` in `position ..< position + count` are set.
// SAFETY: the caller's words hold bits up to `position + count`; `at` stays below that.
func popcount(_ words: UnsafePointer<UInt64>, at position: Int, _ count: Int) -> Int {
  var at = position
  var left = count
  var set = 0
  while left > 0 {
    let offset = at & 63
    let n = min(64 - offset, left)
    let mask: UInt64 = n == 64 ? ~0 : ((1 << UInt64(n)) &- 1) << UInt64(offset)
    unsafe set &+= (words[at >> 6] & mask).nonzeroBitCount
    at += n
    left -= n
  }
  return set
}

/// Moves `valueCount` dense values at the front of `run` to the slots whose bit is set, back to front; empty slots become `filler`.
// SAFETY: `run` has room for `rows` elements and `words` a bit for each. As many of these bits are set as there are values, so
// that `from` ends at 0 and never exceeds `row`.
func spread<T: BitwiseCopyable>(
  _ run: UnsafeMutablePointer<T>, rows: Int, values valueCount: Int, _ words: UnsafePointer<UInt64>, at position: Int, filler: T
) {
  var from = valueCount
  var row = rows
  while row > 0 {
    row &-= 1
    if from == row &+ 1 { return }  // everything in front is dense already
    let bit = position &+ row
    if unsafe words[bit >> 6] >> UInt64(bit & 63) & 1 != 0 {
      from &-= 1
      unsafe run[row] = unsafe run[from]
    } else {
      unsafe run[row] = filler
    }
  }
}
