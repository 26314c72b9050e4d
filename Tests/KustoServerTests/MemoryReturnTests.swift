// Role: when a server gives memory back: after large requests, not often.

import KustoServer
import Testing

@Suite struct MemoryReturnTests {
  @Test func smallRequests() {
    let memory = MemoryReturn()
    for now in stride(from: 0, to: 60_000, by: 100) { memory.note(bytes: 1 << 20, now: now) }
    #expect(!memory.takeDue(now: 1_000_000))
  }

  /// Soon after the request, and again when rows that it brought are committed.
  @Test func oneLargeRequest() {
    let memory = MemoryReturn()
    memory.note(bytes: 1 << 30, now: 5_000)
    #expect(!memory.takeDue(now: 5_000))
    #expect(!memory.takeDue(now: 5_999))
    #expect(memory.takeDue(now: 6_000))
    #expect(!memory.takeDue(now: 6_000))
    #expect(memory.takeDue(now: 60_000))
    #expect(!memory.takeDue(now: 1_000_000))
  }

  /// One large request after the other: about once a second, and once at the end.
  @Test func manyLargeRequests() {
    let memory = MemoryReturn()
    var times = 0
    for now in stride(from: 0, to: 60_000, by: 50) {
      memory.note(bytes: 100 << 20, now: now)
      if now % 250 == 0, memory.takeDue(now: now) { times += 1 }
    }
    #expect((45...60).contains(times))
    #expect(memory.takeDue(now: 61_000) && memory.takeDue(now: 80_000) && !memory.takeDue(now: 1_000_000))
  }
}
