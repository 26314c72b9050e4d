// "Did you mean": which names are near, and which texts are no names.

import Columnar
import Testing

@Suite struct NearestNameTests {
  @Test(arguments: [
    ("tolng", ["tolong", "toint", "today"], ["tolong", "toint"]), ("smu", ["sum", "max", "summarize"], ["sum"]), ("Stat", ["STATE", "state_code"], ["STATE"]),
    ("abcd", ["bacd", "abdc", "badc", "dcba"], ["abdc", "bacd", "badc"]), ("", ["a", ""], [""]), ("ab", ["abcdef"], []),
    ("kittens", ["sitting"], []), ("über", ["uber"], ["uber"]),
  ] as [(String, [String], [String])]) func near(_ name: String, _ candidates: [String], _ expected: [String]) { #expect(nearestNames(to: name, among: candidates) == expected) }

  @Test func longTextsAreNoNames() {
    let name = String(repeating: "a", count: 256)
    #expect(nearestNames(to: name, among: [name + "b"]) == [name + "b"])
    #expect(nearestNames(to: name + "b", among: [name]).isEmpty)
    #expect(nearestNames(to: "name", among: [String(repeating: "a", count: 2_000_000), "names"]) == ["names"])
    #expect(nearestNames(to: String(repeating: "a", count: 2_000_000), among: [String(repeating: "a", count: 1_999_999)]).isEmpty)
  }
}
