// Role: puts the batches of morsels that are read at the same time back in row order, holding what runs ahead.

import Columnar

/// The batches that wait for earlier morsels. Guarded by its owner's lock.
struct OrderedMerge {
  /// The oldest morsel that is not complete; its batches pass at once.
  private(set) var head = 0
  private(set) var bufferedBytes = 0
  private var waiting: [Int: Waiting] = [:]

  private struct Waiting {
    var batches: [RecordBatch] = []
    var isComplete = false
  }

  /// Takes a batch of morsel `number`: true when it is next in order and the caller passes it on, false when it was kept.
  mutating func add(_ batch: RecordBatch, from number: Int) -> Bool {
    if number == head { return true }
    waiting[number, default: Waiting()].batches.append(batch)
    bufferedBytes += batch.byteSize
    return false
  }

  /// Morsel `number` is complete; passes on what has become next in order.
  mutating func complete(_ number: Int, _ pass: (RecordBatch) -> Void) {
    guard number == head else {
      waiting[number, default: Waiting()].isComplete = true
      return
    }
    head += 1
    while let next = waiting.removeValue(forKey: head) {
      for batch in next.batches {
        bufferedBytes -= batch.byteSize
        pass(batch)
      }
      if !next.isComplete { break }
      head += 1
    }
  }
}
