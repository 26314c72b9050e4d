// Base64 in its forms, and dates of HTTP.

import Columnar
import Testing

@Suite struct Base64Tests {
  @Test(arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy")])
  func vectors(_ plain: String, _ coded: String) {
    #expect(Base64.text(plain.utf8) == coded)
    #expect(Base64.bytes(coded, .padded) == Array(plain.utf8))
    let bare = String(coded.filter { $0 != "=" })
    #expect(Base64.urlText(plain.utf8) == bare)
    #expect(Base64.bytes(bare, .token) == Array(plain.utf8))
    #expect(Base64.bytes(" " + bare + "\r\n") == Array(plain.utf8))
  }

  @Test func everyLengthAndByte() {
    for n in 0..<300 {
      let bytes = (0..<n).map { UInt8(truncatingIfNeeded: $0 &* 89 &+ n) }
      let out = BufferBuilder<UInt8>()
      bytes.withUnsafeBufferPointer { Base64.append($0, to: out) }
      let text = Base64.text(bytes)
      #expect(String(decoding: out.finish().array, as: UTF8.self) == text)
      #expect(Base64.bytes(text, .padded) == bytes)
      #expect(Base64.bytes(Base64.urlText(bytes), .token) == bytes)
      #expect(Base64.bytes(Base64.urlText(bytes)) == bytes)
    }
  }

  struct Refusal: CustomTestStringConvertible, Sendable {
    var text: String
    var form: Base64.Form
    var testDescription: String { "\(text) \(form)" }
  }

  @Test(arguments: [
    Refusal(text: "Zg", form: .padded), Refusal(text: "Zg=", form: .padded), Refusal(text: "Zg===", form: .padded), Refusal(text: "Z===", form: .padded), Refusal(text: "Z", form: .padded),
    Refusal(text: "Zg==Zg==", form: .padded), Refusal(text: "Zm9v\n", form: .padded), Refusal(text: "Zm9-", form: .padded), Refusal(text: "Zm*v", form: .lenient),
    Refusal(text: "Zg==", form: .token), Refusal(text: "Zh", form: .token), Refusal(text: "Zm9", form: .token), Refusal(text: "Zm9+", form: .token), Refusal(text: "Z", form: .token),
  ]) func refused(_ refusal: Refusal) { #expect(Base64.bytes(refusal.text, refusal.form) == nil) }

  @Test(arguments: [
    (Int64(7_841_117_770_000_000), "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (-10_000_000, "Wed, 31 Dec 1969 23:59:59 GMT"),
    (CivilTime.minTicks, "Mon, 01 Jan 0001 00:00:00 GMT"), (17_091_648_000_000_000, "Thu, 29 Feb 2024 00:00:00 GMT"),
  ]) func dates(_ ticks: Int64, _ text: String) {
    #expect(HTTPDate.text(ticks) == text)
    #expect(HTTPDate.ticks(text) == ticks)
  }

  @Test(arguments: ["yesterday", "Sun, 06 Nov 1994 08:49 GMT", "Sun, 31 Feb 2024 00:00:00 GMT", "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:49:37 CET"])
  func noDates(_ text: String) { #expect(HTTPDate.ticks(text) == nil) }
}
