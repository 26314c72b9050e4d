// Role: the table of token forgeries and the reason each is refused with; and the tokens that must pass.

import Columnar
import DataSource
import KustoAccess
import KustoStore
import Synchronization
import Testing

@Suite struct TokenAttackTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let reason: TokenError.Reason
    let token: @Sendable () throws -> String

    init(_ name: String, _ reason: TokenError.Reason, _ token: @escaping @Sendable () throws -> String) {
      testDescription = name
      self.reason = reason
      self.token = token
    }
  }

  private static func changed(_ name: String, _ value: DynamicValue?) throws -> String { try TokenBench.token(TokenBench.claims([name: value])) }

  static let cases: [Case] = [
    Case("alg none, no signature", .algorithm) { TokenBench.forged(header: #"{"alg":"none","typ":"JWT"}"#) },
    Case("alg None in another case", .algorithm) { TokenBench.forged(header: #"{"alg":"NONE","kid":"key-1"}"#) },
    Case("no alg", .algorithm) { TokenBench.forged(header: #"{"kid":"key-1"}"#) },
    Case("HS256 with the public key as secret", .algorithm) {
      let (modulus, _) = try #require(TokenBench.key?.rsaNumbers)
      return TokenBench.forged(header: #"{"alg":"HS256","kid":"key-1"}"#, signature: Digest.sha256(modulus))
    },
    Case("RS384 is not among the algorithms", .algorithm) { TokenBench.forged(header: #"{"alg":"RS384","kid":"key-1"}"#, signature: [1]) },
    Case("ES256 named for an RSA key", .unknownKey) { TokenBench.forged(header: #"{"alg":"ES256","kid":"key-1"}"#, signature: [UInt8](repeating: 1, count: 64)) },
    Case("extensions that must be understood", .algorithm) { TokenBench.forged(header: #"{"alg":"RS256","kid":"key-1","crit":["exp"],"exp":1}"#, signature: [1]) },
    Case("a key of the token's own (jwk)", .signature) {
      let other = try #require(TokenBench.otherKey)
      let (n, e) = try #require(other.rsaNumbers)
      let header = DynamicValue.bag([
        DynamicEntry("alg", .string("RS256")), DynamicEntry("kid", .string("key-1")),
        DynamicEntry("jwk", .bag([DynamicEntry("kty", .string("RSA")), DynamicEntry("n", .string(Base64.urlText(n))), DynamicEntry("e", .string(Base64.urlText(e)))])),
      ])
      let signed = Base64.urlText(header.json.utf8) + "." + Base64.urlText(TokenBench.claims().json.utf8)
      return signed + "." + Base64.urlText(try #require(other.sign(Array(signed.utf8), .rs256)))
    },
    Case("signed with another key", .signature) { try TokenBench.token(key: TokenBench.otherKey) },
    Case("claims changed after signing", .signature) {
      let parts = try TokenBench.token().split(separator: ".")
      return "\(parts[0]).\(Base64.urlText(TokenBench.claims(["oid": .string("admin")]).json.utf8)).\(parts[2])"
    },
    Case("empty signature", .signature) { TokenBench.forged(header: #"{"alg":"RS256","kid":"key-1"}"#) },
    Case("signature cut short", .signature) {
      let parts = try TokenBench.token().split(separator: ".")
      return "\(parts[0]).\(parts[1]).\(parts[2].prefix(300))"
    },
    Case("kid climbs to a file", .unknownKey) { try TokenBench.token(kid: "../../../../dev/null") },
    Case("kid is an address", .unknownKey) { try TokenBench.token(kid: "https://evil.test/jwks.json") },
    Case("kid is SQL", .unknownKey) { try TokenBench.token(kid: "' OR 1=1 --") },
    Case("kid is an object", .malformed) { TokenBench.forged(header: #"{"alg":"RS256","kid":{"$ne":null}}"#, signature: [1]) },
    Case("another issuer", .issuer) { try changed("iss", .string("https://evil.test/tenant-a")) },
    Case("the issuer with a slash more", .issuer) { try changed("iss", .string(TokenBench.issuer + "/")) },
    Case("no issuer", .issuer) { try changed("iss", nil) },
    Case("another tenant of the issuer", .tenant) { try changed("tid", .string("tenant-b")) },
    Case("no tenant", .tenant) { try changed("tid", nil) },
    Case("another audience", .audience) { try changed("aud", .string("https://storage.test")) },
    Case("audience with ours as its beginning", .audience) { try changed("aud", .string(TokenBench.audience + ".evil.test")) },
    Case("audiences without ours", .audience) { try changed("aud", .array([.string("a"), .string("b")])) },
    Case("no audience", .audience) { try changed("aud", nil) },
    Case("expired", .expired) { try changed("exp", .long(TokenBench.now - 301)) },
    Case("no expiry", .expired) { try changed("exp", nil) },
    Case("expiry as text", .expired) { try changed("exp", .string("9999999999")) },
    Case("expiry beyond all numbers", .expired) { try changed("exp", .long(.max)) },
    Case("not valid yet", .notYetValid) { try changed("nbf", .long(TokenBench.now + 301)) },
    Case("issued in the future", .notYetValid) { try changed("iat", .long(TokenBench.now + 301)) },
    Case("nbf as text", .notYetValid) { try changed("nbf", .string("soon")) },
    Case("nbf below all numbers", .notYetValid) { try changed("nbf", .long(.min)) },
    Case("nobody", .claims) { try TokenBench.token(TokenBench.claims(["oid": nil, "appid": nil])) },
    Case("line ends in the name", .claims) { try changed("oid", .string("a\r\nX-Admin: 1")) },
    Case("a name that ends the tenant", .claims) { try changed("oid", .string("object-2;tenant-b")) },
    Case("too large", .tooLarge) { try changed("x", .string(String(repeating: "a", count: 20_000))) },
    Case("two parts", .malformed) { "a.b" },
    Case("four parts", .malformed) { try TokenBench.token() + ".x" },
    Case("empty", .malformed) { "" },
    Case("padding", .malformed) { try TokenBench.token() + "=" },
    Case("a line end within", .malformed) { try TokenBench.token() + "\r\nSet-Cookie: a=b" },
    Case("an algorithm twice, the second one is none", .algorithm) { TokenBench.forged(header: #"{"alg":"RS256","alg":"none","kid":"key-1"}"#) },
    Case("an algorithm twice, the first one is none", .signature) { TokenBench.forged(header: #"{"alg":"none","alg":"RS256","kid":"key-1"}"#) },
    Case("claims that are no object", .malformed) { Base64.urlText(#"{"alg":"RS256"}"#.utf8) + "." + Base64.urlText("[]".utf8) + ".AA" },
    Case("deep JSON", .malformed) {
      Base64.urlText(#"{"alg":"RS256"}"#.utf8) + "." + Base64.urlText((String(repeating: "[", count: 5_000) + String(repeating: "]", count: 5_000)).utf8) + ".AA"
    },
    Case("another type of token", .malformed) { TokenBench.forged(header: #"{"alg":"RS256","kid":"key-1","typ":"logout+jwt"}"#, signature: [1]) },
  ]

  @Test(arguments: cases) func refused(_ attack: Case) throws {
    let token = try attack.token()
    let error = #expect(throws: TokenError.self) { try TokenBench.validator().principal(of: token) }
    #expect(error?.reason == attack.reason)
    // The challenge quotes the reason in a header.
    let challenge = BearerAuthentication(try TokenBench.validator()).challenge(error)
    #expect(challenge.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F })
  }

  @Test func acceptsWhatIsRight() throws {
    let validator = try TokenBench.validator()
    for algorithm in [TokenAlgorithm.rs256, .ps256] {
      let principal = try validator.principal(of: try TokenBench.token(TokenBench.claims(), algorithm))
      #expect(principal.fullyQualifiedName == "aadapp=app-1;tenant-a")
      #expect(principal.objectId == "object-1")
    }
    // Within the leeway, with a slash at the audience's end, without kid where there is one key.
    _ = try validator.principal(of: try TokenBench.token(TokenBench.claims(["exp": .long(TokenBench.now - 299), "nbf": .long(TokenBench.now + 299)])))
    _ = try validator.principal(of: try TokenBench.token(TokenBench.claims(["aud": .string(TokenBench.audience + "/")])))
    _ = try validator.principal(of: try TokenBench.token(kid: nil))
    let user = try validator.principal(
      of: try TokenBench.token(TokenBench.claims(["scp": .string("user_impersonation"), "upn": .string("ann@contoso.com"), "groups": .array([.string("g1")]), "amr": .array([.string("mfa")])])))
    #expect(user.fullyQualifiedName == "aaduser=object-1;tenant-a")
    #expect(user.userPrincipalName == "ann@contoso.com" && user.groups == ["g1"] && user.usedMultipleFactors)
  }

  @Test func headers() throws {
    let authentication = BearerAuthentication(try TokenBench.validator())
    let token = try TokenBench.token()
    _ = try authentication.principal(authorization: ["bearer " + token])
    for values in [[], ["Bearer"], ["Bearer "], ["Basic " + token], [token], ["Bearer " + token, "Bearer " + token], ["Bearer  " + token]] {
      #expect(throws: TokenError.self) { try authentication.principal(authorization: values) }
    }
  }

  @Test func templatesOfIssuersNeedTenants() throws {
    let keys = KeyCache(KeySet(try #require(TokenBench.key), id: "key-1"))
    func validator(_ tenants: Set<String>) -> TokenValidator {
      TokenValidator(issuers: [TrustedIssuer("https://issuer.test/{tenantid}", tenants: tenants, keys: keys)], audiences: [TokenBench.audience]) { TokenBench.now }
    }
    _ = try validator(["TENANT-A"]).principal(of: try TokenBench.token())
    #expect(throws: TokenError.self) { try validator([]).principal(of: try TokenBench.token()) }
    #expect(throws: TokenError.self) { try validator(["tenant-b"]).principal(of: try TokenBench.token()) }
    // The issuer's tenant and the claim must agree.
    #expect(throws: TokenError.self) { try validator(["tenant-b"]).principal(of: try TokenBench.token(TokenBench.claims(["tid": .string("tenant-b")]))) }
  }

  @Test func keySetsAreReadAndBounded() throws {
    let (n, e) = try #require(TokenBench.key?.rsaNumbers)
    func jwks(_ more: String) -> [UInt8] { Array(#"{"keys":[{"kty":"RSA","kid":"key-1","n":"\#(Base64.urlText(n))","e":"\#(Base64.urlText(e))"\#(more)}]}"#.utf8) }
    func accepts(_ keys: [UInt8]) -> Bool {
      guard let set = try? KeySet(keys, name: "test") else { return false }
      let validator = TokenValidator(issuers: [TrustedIssuer(TokenBench.issuer, keys: KeyCache(set))], audiences: [TokenBench.audience]) { TokenBench.now }
      return (try? validator.principal(of: try TokenBench.token())) != nil
    }
    #expect(accepts(jwks("")))
    #expect(accepts(jwks(#","use":"sig","alg":"RS256""#)))
    #expect(!accepts(jwks(#","use":"enc""#)))
    #expect(!accepts(jwks(#","alg":"PS256""#)))
    #expect(!accepts(jwks(#","alg":"HS256""#)))
    #expect(!accepts(Array(#"{"keys":[{"kty":"oct","kid":"key-1","k":"AAAA"}]}"#.utf8)))
    #expect(!accepts(Array(#"{"keys":[{"kty":"RSA","kid":"key-1","n":"AQAB","e":"AQAB"}]}"#.utf8)))
    #expect(!accepts(Array("not json".utf8)))
  }

  /// Unknown key ids make the keys be loaded again, but not at each request.
  @Test func inventedKeyIdsCauseNoStorm() throws {
    let counter = Counter()
    let key = try #require(TokenBench.key)
    let cache = KeyCache {
      counter.add()
      return KeySet(key, id: "key-1")
    }
    let validator = TokenValidator(issuers: [TrustedIssuer(TokenBench.issuer, keys: cache)], audiences: [TokenBench.audience]) { TokenBench.now }
    _ = try validator.principal(of: try TokenBench.token())
    for i in 0..<50 {
      #expect(throws: TokenError.self) { try validator.principal(of: try TokenBench.token(kid: "invented-\(i)")) }
    }
    #expect(counter.value == 1)
  }

  /// Tokens whose keys are known are judged while others make the keys be fetched.
  @Test func fetchesKeepNobodyWaiting() throws {
    let key = try #require(TokenBench.key), known = try TokenBench.token()
    let time = ProviderBench.Clock()
    let box = ValidatorBox()
    let judged = Counter()
    let cache = KeyCache {
      // A request that comes during the fetch.
      if let other = box.validator.withLock({ $0 }) {
        _ = try other.principal(of: known)
        judged.add()
      }
      return KeySet(key, id: "key-1")
    }
    let made = TokenValidator(issuers: [TrustedIssuer(TokenBench.issuer, keys: cache)], audiences: [TokenBench.audience]) { time.now }
    _ = try made.principal(of: known)
    box.validator.withLock { $0 = made }
    time.pass(61)
    #expect(throws: TokenError.self) { try made.principal(of: try TokenBench.token(kid: "invented")) }
    #expect(judged.value == 1)
    // Old keys will do until new ones are there.
    time.pass(1)
    _ = try made.principal(of: known)
  }
}

private final class ValidatorBox: Sendable {
  let validator = Mutex<TokenValidator?>(nil)
}
