// Role: secrets and passwords as the provider's file keeps them: salted and slow to guess, `pbkdf2-sha256:ROUNDS:SALT:HASH`.

import Columnar
import DataSource

package struct SecretHash: Sendable {
  private let rounds: Int
  private let salt: [UInt8]
  private let hash: [UInt8]
  private static let name = "pbkdf2-sha256"
  private static let bounds = 10_000...10_000_000

  /// Throws CONFIGURATION for texts of another form; the text itself is not shown.
  init(_ text: String) throws {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 4, parts[0] == Self.name, let rounds = Int(parts[1]), Self.bounds.contains(rounds), let salt = Base64.bytes(parts[2].utf8, .token), salt.count >= 8,
      let hash = Base64.bytes(parts[3].utf8, .token), hash.count == 32
    else {
      throw KConnectError(.configuration, "a secret is not hashed: expected '\(Self.name):ROUNDS:SALT:HASH' with \(Self.bounds.lowerBound) rounds at least", hint: "kconnect serve --hash-secret makes one of the text on its standard input")
    }
    self.rounds = rounds
    self.salt = salt
    self.hash = hash
  }

  /// The text for a secret, with a salt of its own.
  package static func text(of secret: String, rounds: Int = 100_000) throws -> String {
    let salt = Random.bytes(16)
    guard let hash = Digest.pbkdf2(Array(secret.utf8), salt: salt, rounds: rounds) else { throw KConnectError(.internalError, "libcrypto could not hash") }
    return "\(name):\(rounds):\(Base64.urlText(salt)):\(Base64.urlText(hash))"
  }

  func matches(_ secret: String) -> Bool { Digest.pbkdf2(Array(secret.utf8), salt: salt, rounds: rounds).map { Digest.equal($0, hash) } ?? false }
}

/// Numbers nobody can guess: the system's generator is getrandom.
enum Random {
  static func bytes(_ count: Int) -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
  }

  static func text(_ bytes: Int) -> String { Base64.urlText(Self.bytes(bytes)) }

  /// A code that people type: no vowels, so no words; no letters that look like digits.
  static func userCode() -> String {
    let letters = Array("BCDFGHJKLMNPQRSTVWXZ")
    var generator = SystemRandomNumberGenerator()
    return String((0..<9).map { _ in letters[Int.random(in: 0..<letters.count, using: &generator)] })
  }
}
