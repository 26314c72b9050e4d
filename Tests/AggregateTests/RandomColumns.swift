// Role: seeded random columns of every type in every vector form, and a generator whose seed the test names.

import Columnar

/// SplitMix64: small, seeded, the same everywhere.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64
  init(_ seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

enum VectorForm: CaseIterable { case flat, dictionary, constant }

/// A value out of about `cardinality` different ones.
func randomScalar(_ type: DataType, cardinality: Int, _ g: inout SeededGenerator) -> Scalar {
  let k = Int.random(in: 0..<max(1, cardinality), using: &g)
  switch type {
  case .bool: return .bool(k & 1 == 1)
  case .int: return .int(Int32(k * 7 - 20))
  case .long: return .long(Int64(k) &* (cardinality > 50 ? 1_000_003_000_007 : 3) - 11)
  case .real: return .real(k == 0 ? (Bool.random(using: &g) ? 0.0 : -0.0) : k == 1 ? .nan : Double(k) / 4 - 3)
  case .decimal:
    // Equal numbers at different scales.
    return Bool.random(using: &g) ? .decimal(DecimalValue(Int128(k) * 5, scale: 1)) : .decimal(DecimalValue(Int128(k) * 500, scale: 3))
  case .string: return .string(k == 0 ? "" : String(repeating: "ab\(k)", count: 1 + k % 9))
  case .datetime: return .datetime(Int64(k) * 864_000_000_000)
  case .timespan: return .timespan(Int64(k) * 600_000_000)
  case .guid: return .guid(GUID(high: UInt64(k), low: UInt64(k * 31)))
  case .dynamic: return .dynamic(.array([.long(Int64(k))]))
  }
}

/// `count` rows in the given form; about a `nullShare` of them null.
func randomColumn(_ type: DataType, count: Int, cardinality: Int, nullShare: Double, form: VectorForm, _ g: inout SeededGenerator) -> ColumnVector {
  func value(_ g: inout SeededGenerator) -> Scalar {
    Double.random(in: 0..<1, using: &g) < nullShare ? .null(type) : randomScalar(type, cardinality: cardinality, &g)
  }
  switch form {
  case .flat: return .of(type, (0..<count).map { _ in value(&g) })
  case .constant: return .constant(value(&g), count: count)
  case .dictionary:
    let n = max(1, min(cardinality, 40))
    let values = ColumnVector.of(type, (0..<n).map { _ in randomScalar(type, cardinality: cardinality, &g) })
    let codes = Buffer<Int32>((0..<count).map { _ in Int32.random(in: 0..<Int32(n), using: &g) })
    let bits = (0..<count).map { _ in Double.random(in: 0..<1, using: &g) >= nullShare }
    return .dictionary(codes: codes, values: values, validity: Bitmap(bits))
  }
}

/// A scalar as a key: equal keys give equal texts.
func keyText(_ scalar: Scalar) -> String {
  switch scalar {
  case .null: "null"
  case .real(let v): v == 0 ? "0" : v.isNaN ? "nan" : "\(v)"
  case .decimal(let v): "\(v.normalized.coefficient)e\(v.normalized.scale)"
  default: "\(scalar)"
  }
}
