// Vectors: take, filter, slice and concat keep values, nulls and invariants in every form.

import Columnar
import Testing

@Suite struct VectorTests {
  static let samples: [ColumnVector] = [
    .of(.bool, [.bool(true), .null(.bool), .bool(false), .bool(true)]),
    .of(.int, [.int(1), .null(.int), .int(-3), .int(4)]),
    .of(.long, [.long(1), .long(2), .long(.min), .long(.max)]),
    .of(.real, [.real(.nan), .null(.real), .real(-0.0), .real(2.5)]),
    .of(.decimal, [.decimal(DecimalValue(12345, scale: 2)), .null(.decimal), .decimal(DecimalValue(1, scale: 0)), .decimal(DecimalValue(.max, scale: 5))]),
    .of(.string, [.string("a"), .string(""), .null(.string), .string("a longer text than sixteen bytes")]),
    .of(.guid, [.guid(GUID(high: 1, low: 2)), .null(.guid), .guid(GUID(high: 3, low: 4)), .guid(GUID(high: 0, low: 0))]),
    .of(.dynamic, [.dynamic(.array([.long(1), .string("x")])), .null(.dynamic), .dynamic(.bag([DynamicEntry("k", .real(1.5))])), .dynamic(.null)]),
    .constant(.string("same"), count: 4),
    .nulls(.long, count: 4),
    .dictionary(codes: Buffer([1, 0, 1, 1]), values: .of(.string, [.string("x"), .string("yy")]), validity: Bitmap([true, true, false, true])),
  ]

  @Test(arguments: samples.indices) func takeGathersRowsAndMissingOnes(_ k: Int) throws {
    let vector = Self.samples[k]
    let before = vector.scalars
    let taken = vector.take(Buffer([3, 3, 0, 1]))
    #expect(taken.brokenInvariant() == nil)
    #expect(same(taken.scalars, [before[3], before[3], before[0], before[1]]))
    let missing = vector.take(Buffer([-1, 2]), allowsMissing: true)
    #expect(missing.brokenInvariant() == nil)
    #expect(same(missing.scalars, [.null(vector.type), before[2]]))
  }

  @Test(arguments: samples.indices) func filterSliceConcatFlatten(_ k: Int) throws {
    let vector = Self.samples[k]
    let before = vector.scalars
    #expect(same(vector.filter(Bitmap([true, false, false, true])).scalars, [before[0], before[3]]))
    for low in 0...4 {
      for high in low...4 {
        let part = vector.slice(low..<high)
        #expect(part.brokenInvariant() == nil)
        #expect(same(part.scalars, Array(before[low..<high])))
      }
    }
    let twice = ColumnVector.concat([vector, vector.slice(1..<3), vector], type: vector.type)
    #expect(twice.brokenInvariant() == nil)
    #expect(same(twice.scalars, before + before[1..<3] + before))
    #expect(same(vector.flattened.scalars, before))
    #expect(vector.flattened.brokenInvariant() == nil)
  }

  @Test func bitmapSlicesAtEveryOffset() {
    let bits = (0..<300).map { $0 % 3 == 0 || $0 % 7 == 0 }
    let bitmap = Bitmap(bits)
    for low in stride(from: 0, through: 300, by: 13) {
      for high in stride(from: low, through: 300, by: 17) {
        let part = bitmap.slice(low..<high)
        #expect((0..<part.count).map { part[$0] } == Array(bits[low..<high]))
        #expect(part.popcount == bits[low..<high].filter { $0 }.count)
        #expect(part.indices().array.map(Int.init) == bits[low..<high].indices.filter { bits[$0] }.map { $0 - low })
      }
    }
  }

  @Test(arguments: [
    ("a:long, b:string", true), ("a long, b string", true), ("['my b']:real", true), ("(x:int)", true),
    ("a:wrong", false), ("a:long,", false), ("a:long, a:int", false), ("", false), ("a:long b", false),
  ]) func schemaText(_ text: String, _ isValid: Bool) {
    #expect(((try? StructType(ddl: text)) != nil) == isValid)
  }

  @Test func decimalsCompareAcrossScales() {
    #expect(DecimalValue(100, scale: 2) == DecimalValue(1, scale: 0))
    #expect(DecimalValue(101, scale: 2) > DecimalValue(1, scale: 0))
    #expect(DecimalValue(-5, scale: -30) < DecimalValue(1, scale: 30))
    #expect(DecimalValue(1, scale: 3).hashValue == DecimalValue(1000, scale: 6).hashValue)
    #expect(DecimalValue(12345, scale: 2).doubleValue == 123.45)
  }

  /// Narrow decimals have scales that 64-bit powers of ten serve; others are kept wide, and print their value.
  @Test(arguments: [-3, 0, 18, 19, 25, 31, 32, 300]) func narrowDecimalsOfAnyScale(_ scale: Int) throws {
    let vector = ColumnVector.decimal(Buffer([12, -5, 0]), scale: scale)
    #expect(vector.brokenInvariant() == nil)
    #expect(vector.scalars == [12, -5, 0].map { .decimal(DecimalValue($0, scale: scale)) })
    #expect(vector.cast(to: .string).scalars == vector.scalars.map { .string(ScalarText.text($0) ?? "") })
  }

  @Test func textsAreEqualByBytes() {
    let one = "\u{E4}", two = "a\u{308}"
    #expect(one == two)
    #expect(Scalar.string(one) != .string(two) && Scalar.string(one) == .string("\u{E4}"))
    #expect(DynamicValue.bag([DynamicEntry(one, .long(1))]) != .bag([DynamicEntry(two, .long(1))]))
    #expect(DynamicValue.bag([DynamicEntry(one, .long(1)), DynamicEntry(two, .long(2))])[two] == .long(2))
    #expect(Set([TextKey(one), TextKey(two), TextKey(one)]).count == 2)
    #expect(Set([Scalar.string(one), .string(two)]).count == 2)
  }

  @Test func identityIsFinerThanEquality() {
    let pairs: [(Scalar, Scalar)] = [(.real(0.0), .real(-0.0)), (.decimal(DecimalValue(10, scale: 1)), .decimal(DecimalValue(100, scale: 2)))]
    for (a, b) in pairs { #expect(a == b && !a.isIdentical(to: b) && a.isIdentical(to: a)) }
    #expect(Scalar.real(.nan).isIdentical(to: .real(.nan)))
  }

  /// What does not fit one vector is left out, and whoever asks is told once.
  @Test func moreThanTwoGigabytes() {
    _ = ColumnSize.takeExcess()
    let text = ColumnVector.of(.string, [.string(String(repeating: "x", count: 1 << 20))])
    let many = ColumnVector(type: .string, count: 3_000, storage: .constant(value: text))
    #expect(many.flattened.count == 3_000)
    #expect(ColumnSize.takeExcess() && !ColumnSize.takeExcess())
    #expect(ColumnVector(type: .string, count: 3, storage: .constant(value: text)).flattened.scalars == [Scalar](repeating: text.scalar(0), count: 3))
    #expect(!ColumnSize.takeExcess())
  }

  /// Appends of a kind make the columns that scalars make.
  @Test func appendsOfAKind() {
    func column(_ type: DataType, _ fill: (ColumnBuilder) -> Void) -> [Scalar] {
      let builder = ColumnBuilder(type)
      fill(builder)
      builder.appendNull()
      let vector = builder.finish()
      #expect(vector.brokenInvariant() == nil && builder.count == 0)
      return vector.scalars
    }
    #expect(column(.bool) { $0.append(bool: true) } == [.bool(true), .null(.bool)])
    #expect(column(.int) { $0.append(int: -3) } == [.int(-3), .null(.int)])
    #expect(column(.long) { $0.append(long: .max) } == [.long(.max), .null(.long)])
    #expect(column(.datetime) { $0.append(long: 5) } == [.datetime(5), .null(.datetime)])
    #expect(column(.timespan) { $0.append(long: -5) } == [.timespan(-5), .null(.timespan)])
    #expect(column(.real) { $0.append(real: 0.5) } == [.real(0.5), .null(.real)])
    #expect(column(.decimal) { $0.append(decimal: DecimalValue(15, scale: 1)) } == [.decimal(DecimalValue(15, scale: 1)), .null(.decimal)])
    #expect(column(.guid) { $0.append(guid: GUID(high: 1, low: 2)) } == [.guid(GUID(high: 1, low: 2)), .null(.guid)])
    #expect(column(.dynamic) { $0.append(dynamic: .array([.long(1)])) } == [.dynamic(.array([.long(1)])), .null(.dynamic)])
    let bytes = Array("aü".utf8) + [0xFF]
    let texts = column(.string) { builder in
      builder.append(text: "ö")
      #expect(builder.append(utf8: bytes, 0..<3) && builder.append(utf8: bytes, 1..<1))
      // Half a letter, and what is none: nothing is appended.
      #expect(!builder.append(utf8: bytes, 2..<3) && !builder.append(utf8: bytes, 0..<4))
      #expect(builder.textBytes == 5 && builder.count == 3)
    }
    #expect(texts == [.string("ö"), .string("aü"), .string(""), .null(.string)])
  }

  /// Equality under which NaN equals NaN.
  func same(_ a: [Scalar], _ b: [Scalar]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { x, y in
      if case .real(let u) = x, case .real(let v) = y { return u.bitPattern == v.bitPattern }
      return x == y
    }
  }
}
