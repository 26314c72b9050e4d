// Role: tells whether bytes are well-formed UTF-8 (Unicode 15, table 3-7), eight ASCII bytes at a time.

/// True when all bytes form UTF-8. Reads up to 7 bytes beyond the end, which must be readable.
func isUTF8(_ p: UnsafePointer<UInt8>, _ n: Int) -> Bool {
  var i = 0
  while i < n {
    if n &- i >= 8, loadWord(p + i) & 0x8080_8080_8080_8080 == 0 {
      i &+= 8
      continue
    }
    let c = p[i]
    if c < 0x80 {
      i &+= 1
      continue
    }
    @inline(__always) func continues(_ k: Int, _ low: UInt8 = 0x80, _ high: UInt8 = 0xBF) -> Bool {
      i &+ k < n && p[i &+ k] >= low && p[i &+ k] <= high
    }
    switch c {
    case 0xC2...0xDF:
      guard continues(1) else { return false }
      i &+= 2
    case 0xE0...0xEF:
      guard continues(1, c == 0xE0 ? 0xA0 : 0x80, c == 0xED ? 0x9F : 0xBF), continues(2) else { return false }
      i &+= 3
    case 0xF0...0xF4:
      guard continues(1, c == 0xF0 ? 0x90 : 0x80, c == 0xF4 ? 0x8F : 0xBF), continues(2), continues(3) else { return false }
      i &+= 4
    default: return false
    }
  }
  return true
}
