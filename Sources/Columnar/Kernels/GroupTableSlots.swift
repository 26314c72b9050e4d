// Role: the open-addressing part of `GroupTable`: 64-bit identities → group ids. An identity is either the key itself (exact)
// or a row hash, in which case several slots may carry the same identity and the caller verifies keys.

/// One slot; `group` is -1 when it is empty.
struct GroupSlot: BitwiseCopyable, Sendable {
  var identity: UInt64
  var group: Int32
}

/// Slots of a power-of-two table with linear probing, at most half full.
// SAFETY: owns or keeps alive the memory behind its pointers for as long as it lives; every access stays within the counts it holds.
@safe final class GroupSlots {
  private(set) var slots: UnsafeMutablePointer<GroupSlot>
  private(set) var mask: Int
  private(set) var used = 0

  init(capacity: Int) {
    var size = 1_024
    while size < capacity * 2 { size *= 2 }
    mask = size - 1
    unsafe slots = .allocate(capacity: size)
    unsafe slots.initialize(repeating: GroupSlot(identity: 0, group: -1), count: size)
  }

  deinit { unsafe slots.deallocate() }

  var byteSize: Int { (mask + 1) * MemoryLayout<GroupSlot>.stride }

  /// Makes room so that `additional` insertions keep the table at most half full.
  func reserve(_ additional: Int) {
    let needed = (used + additional) * 2
    guard needed > mask + 1 else { return }
    var size = (mask + 1) * 2
    while size < needed { size *= 2 }
    let fresh = UnsafeMutablePointer<GroupSlot>.allocate(capacity: size)
    unsafe fresh.initialize(repeating: GroupSlot(identity: 0, group: -1), count: size)
    let newMask = size - 1
    for i in 0...mask where unsafe slots[i].group >= 0 {
      var at = unsafe Int(truncatingIfNeeded: mixHash(slots[i].identity)) & newMask
      while unsafe fresh[at].group >= 0 { at = (at &+ 1) & newMask }
      unsafe fresh[at] = unsafe slots[i]
    }
    unsafe slots.deallocate()
    unsafe slots = unsafe fresh
    mask = newMask
  }

  /// Adds an identity that is not looked for; used when groups are known to be distinct.
  func insert(_ identity: UInt64, group: Int32) {
    reserve(1)
    var at = Int(truncatingIfNeeded: mixHash(identity)) & mask
    while unsafe slots[at].group >= 0 { at = (at &+ 1) & mask }
    unsafe slots[at] = GroupSlot(identity: identity, group: group)
    used += 1
  }

  /// Writes the group of each identity to `out`, creating groups from `nextGroup` on; rows that created one are appended to `newRows`.
  /// Rows whose `valid` bit is clear are left alone (the caller knows the null group). Returns the next free group.
  func assign(
    _ identities: UnsafePointer<UInt64>, count: Int, valid: Bitmap?, out: UnsafeMutablePointer<Int32>, nextGroup: Int32,
    newRows: BufferBuilder<Int32>
  ) -> Int32 {
    var next = nextGroup
    var i = 0
    while i < count {
      // Growth is checked once per chunk, so that the chunk's loop works on fixed pointers.
      let end = min(count, i &+ 2_048)
      reserve(end &- i)
      newRows.reserve(end &- i)
      let slots = unsafe slots, mask = mask
      let before = next
      var lastIdentity: UInt64 = 0
      var lastGroup: Int32 = -1
      while i < end {
        let row = i
        i &+= 1
        if let valid, !valid[row] { continue }
        let identity = unsafe identities[row]
        if identity == lastIdentity, lastGroup >= 0 {
          unsafe out[row] = lastGroup
          continue
        }
        var at = Int(truncatingIfNeeded: mixHash(identity)) & mask
        var group: Int32
        while true {
          group = unsafe slots[at].group
          if group < 0 {
            group = next
            unsafe slots[at] = GroupSlot(identity: identity, group: group)
            next &+= 1
            newRows.appendUnchecked(Int32(truncatingIfNeeded: row))
            break
          }
          if unsafe slots[at].identity == identity { break }
          at = (at &+ 1) & mask
        }
        unsafe out[row] = group
        lastIdentity = identity
        lastGroup = group
      }
      used &+= Int(next &- before)
    }
    return next
  }

  /// Writes the first group of each identity to `out`, -1 where there is none. Does not change the table.
  func find(_ identities: UnsafePointer<UInt64>, count: Int, out: UnsafeMutablePointer<Int32>) {
    let slots = unsafe slots, mask = mask
    for i in 0..<count {
      let identity = unsafe identities[i]
      var at = Int(truncatingIfNeeded: mixHash(identity)) & mask
      while unsafe slots[at].group >= 0, unsafe slots[at].identity != identity { at = (at &+ 1) & mask }
      unsafe out[i] = unsafe slots[at].group
    }
  }

  /// The first group under that identity for which `matches` holds; nil when there is none. For rows whose hash collides.
  func find(_ identity: UInt64, where matches: (Int32) -> Bool) -> Int32? {
    var at = Int(truncatingIfNeeded: mixHash(identity)) & mask
    while unsafe slots[at].group >= 0 {
      if unsafe slots[at].identity == identity, unsafe matches(slots[at].group) { return unsafe slots[at].group }
      at = (at &+ 1) & mask
    }
    return nil
  }
}
