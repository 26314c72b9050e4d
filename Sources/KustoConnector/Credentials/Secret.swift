// Role: a text that must not be seen: it prints as `****` in every form, and its bytes are overwritten when nobody needs them any more.

#if canImport(Glibc)
import Glibc
#endif

/// A secret text. `reveal` hands out a copy for the moment it is sent; copies made by that are not overwritten.
// SAFETY: owns its memory from init to deinit and never writes to it in between.
@safe package final class Secret: @unchecked Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {  // immutable
  private let bytes: UnsafeMutableRawBufferPointer

  package init(_ text: String) {
    let utf8 = Array(text.utf8)
    unsafe bytes = .allocate(byteCount: utf8.count, alignment: 1)
    unsafe bytes.copyBytes(from: utf8)
  }

  deinit {
    if let base = unsafe bytes.baseAddress { unsafe explicit_bzero(base, bytes.count) }
    unsafe bytes.deallocate()
  }

  package var isEmpty: Bool { unsafe bytes.isEmpty }

  /// The text itself.
  package func reveal() -> String { unsafe String(decoding: bytes, as: UTF8.self) }

  /// The bytes, for the time of `body`.
  package func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R { try unsafe body(UnsafeRawBufferPointer(bytes)) }

  package var description: String { "****" }
  package var debugDescription: String { "****" }
  package var customMirror: Mirror { Mirror(self, children: []) }
}

extension Secret: Equatable {
  /// Takes as long for a first wrong byte as for the last.
  package static func == (a: Secret, b: Secret) -> Bool {
    unsafe a.withBytes { x in
      unsafe b.withBytes { y in
        guard x.count == y.count else { return false }
        var difference: UInt8 = 0
        for i in 0..<x.count { unsafe difference |= x[i] ^ y[i] }
        return difference == 0
      }
    }
  }
}
