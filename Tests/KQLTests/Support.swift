// Shared pieces of the KQL tests: the case files, a reader for their JSON lines, and a repeatable random generator.

import Glibc
import KQL

/// A query of the case files.
struct CorpusCase {
  var id: String
  var query: String
  var expectsError: Bool
}

/// The conformance cases beside the checkout (`../shared/cases`, or `KCONNECT_CASES`); empty when they are absent.
func corpus(_ file: String) -> [CorpusCase] {
  let folder = getenv("KCONNECT_CASES").map { String(cString: $0) } ?? repositoryRoot + "/../shared/cases"
  guard let text = readFile("\(folder)/\(file)") ?? readFile("\(repositoryRoot)/../../shared/cases/\(file)") else { return [] }
  return text.split(separator: "\n").compactMap { line in
    // JSON is a subset of what dynamic(...) holds, so the parser under test reads its own cases.
    guard let parsed = KQLParser.parseExpression("dynamic(" + line + ")").expression,
      case .literal(.dynamic(.object(let members))) = parsed.kind
    else { return nil }
    func member(_ key: String, _ members: [DynamicMember]) -> DynamicNode? { members.last { $0.key == key }?.value }
    guard case .string(let id)? = member("id", members), case .string(let query)? = member("query", members) else { return nil }
    var expectsError = false
    if case .object(let expected)? = member("expected", members) { expectsError = member("error", expected) != nil }
    return CorpusCase(id: id, query: query, expectsError: expectsError)
  }
}

let repositoryRoot: String = {
  var parts = #filePath.split(separator: "/").dropLast(3)
  if parts.isEmpty { parts = ["."] }
  return "/" + parts.joined(separator: "/")
}()

func readFile(_ path: String) -> String? {
  guard let file = fopen(path, "r") else { return nil }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let n = fread(&chunk, 1, chunk.count, file)
    if n == 0 { break }
    bytes += chunk[0..<n]
  }
  return String(decoding: bytes, as: UTF8.self)
}

/// xorshift64*, seeded by the test so that every run sees the same texts.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64
  init(seed: UInt64) { state = seed == 0 ? 1 : seed }
  mutating func next() -> UInt64 {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return state &* 2_685_821_657_736_338_717
  }
}
