// Role: GroupTable against a dictionary of key texts, over random columns of every type and form; and its lookups.

import Columnar
import Testing

struct GroupCase: Sendable, CustomTestStringConvertible {
  var types: [DataType]
  var cardinality: Int
  var seed: UInt64
  var testDescription: String { "\(types.map(\.rawValue).joined(separator: ",")) cardinality \(cardinality) seed \(seed)" }

  static let all: [GroupCase] = {
    var out: [GroupCase] = []
    var seed: UInt64 = 1
    for cardinality in [3, 60, 5_000] {
      for type in DataType.allCases { out.append(GroupCase(types: [type], cardinality: cardinality, seed: seed)); seed += 1 }
      for types: [DataType] in [[.string, .bool], [.int, .long], [.string, .real, .guid], [.decimal, .datetime], [.bool, .bool, .int]] {
        out.append(GroupCase(types: types, cardinality: cardinality, seed: seed))
        seed += 1
      }
    }
    return out
  }()
}

@Test(arguments: GroupCase.all) func groupIdsAgreeWithReference(_ c: GroupCase) {
  var g = SeededGenerator(c.seed)
  let table = GroupTable(types: c.types)
  var reference: [String: Int32] = [:]
  for round in 0..<8 {
    let n = [1, 700, 64, 3_000][round % 4]
    let columns = c.types.map {
      randomColumn($0, count: n, cardinality: c.cardinality, nullShare: round % 3 == 0 ? 0 : 0.1, form: VectorForm.allCases.randomElement(using: &g)!, &g)
    }
    let found = table.find(keys: columns, rowCount: n)
    let strict = table.find(keys: columns, rowCount: n, nullsMatch: false)
    let texts = (0..<n).map { i in columns.map { keyText($0.scalar(i)) }.joined(separator: "|") }
    for i in 0..<n {
      #expect(found[i] == reference[texts[i]] ?? -1)
      let hasNull = columns.contains { !$0.isValid(i) }
      #expect(strict[i] == (hasNull ? -1 : found[i]))
    }
    let groups = table.assign(keys: columns, rowCount: n)
    // Null groups may be numbered before other groups of their batch, so new ids are learnt; dense and consistent is what counts.
    for i in 0..<n {
      if let known = reference[texts[i]] { #expect(groups[i] == known) } else { reference[texts[i]] = groups[i] }
    }
    #expect(table.groupCount == reference.count)
  }
  #expect(Set(reference.values).count == reference.count)
  let keys = table.keyColumns()
  for (text, group) in reference {
    #expect(keys.map { keyText($0.scalar(Int(group))) }.joined(separator: "|") == text)
  }
  for key in keys { #expect(key.brokenInvariant() == nil) }
  let hashes = table.hash(keys: keys, rowCount: table.groupCount)
  let again = table.find(keys: keys, rowCount: table.groupCount)
  #expect(again.array == (0..<Int32(table.groupCount)).map { $0 })
  #expect(Set(hashes.array).count >= table.groupCount - 1)
}

@Test func hashesDoNotDependOnForm() {
  var g = SeededGenerator(77)
  for type in DataType.allCases {
    for form in VectorForm.allCases {
      let column = randomColumn(type, count: 200, cardinality: 20, nullShare: 0.2, form: form, &g)
      let flat = column.flattened
      #expect(hashRows([column, column], rowCount: 200).array == hashRows([flat, flat], rowCount: 200).array)
    }
  }
}

@Test func noKeysAreOneGroup() {
  let table = GroupTable(types: [])
  #expect(table.assign(keys: [], rowCount: 3).array == [0, 0, 0])
  #expect(table.groupCount == 1)
}
