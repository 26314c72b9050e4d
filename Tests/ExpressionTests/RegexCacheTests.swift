// Compiled patterns per row: the least recently used give way.

import Expressions
import Testing

@Suite struct RegexCacheTests {
  @Test func theLeastRecentlyUsedGivesWay() throws {
    var cache = RegexCache(function: "matches regex", capacity: 2)
    let a = try cache.regex("a"), b = try cache.regex("b")
    let usedAgain = try cache.regex("a")
    _ = try cache.regex("c")
    let count = cache.count
    let kept = try cache.regex("a"), remade = try cache.regex("b")
    #expect(usedAgain === a)
    #expect(count == 2)
    #expect(kept === a)
    #expect(remade !== b)
  }

  @Test func whatDoesNotCompileTakesNoPlace() throws {
    var cache = RegexCache(function: "matches regex", capacity: 1)
    let a = try cache.regex("a")
    #expect(throws: ExpressionError.self) { _ = try cache.regex("(") }
    let kept = try cache.regex("a")
    #expect(kept === a)
  }
}
