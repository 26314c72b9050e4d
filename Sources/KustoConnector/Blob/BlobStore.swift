// Role: Azure storage among the stores that paths may name: addresses, options, and which credential a request gets.

package import DataSource
package import FileConnector

/// Azure Blob Storage and Data Lake Storage.
package struct BlobStore: ObjectStore {
  private let makeContext: @Sendable () -> CredentialContext

  /// `context` is asked for at the first use.
  package init(context: @escaping @Sendable () -> CredentialContext) { makeContext = context }

  static let ownOptions: [OptionSpec] = [
    OptionSpec("sas", .string, isSecret: true, "A shared access signature for Azure storage: env:NAME or file:PATH."),
    OptionSpec("storageAccountKey", .string, isSecret: true, "The key of the storage account: env:NAME or file:PATH."),
    OptionSpec("blobEndpoint", .string, "The address of the account's blobs, where it is not the usual one: emulators, private networks."),
  ]

  package var options: [OptionSpec] { Self.ownOptions + AuthenticationOptions.specs }

  package func place(_ url: String, options: DataSourceOptions) throws -> ObjectPlace? {
    let sas = options.string("sas").map { Secret($0.hasPrefix("?") ? String($0.dropFirst()) : $0) }
    let key = options.string("storageAccountKey").map { Secret($0) }
    let asksSignIn = AuthenticationOptions.specs.contains { options.isGiven($0.name) }
    let endpoint = options.string("blobEndpoint")
    guard let address = try BlobAddress(url, endpoint: endpoint, isCertain: sas != nil || key != nil || asksSignIn || endpoint != nil) else { return nil }
    if let endpoint, URLParts(endpoint) == nil { throw KConnectError(.optionInvalid, "option 'blobEndpoint': found '\(endpoint.prefix(200))', expected an http address") }
    let given: [(String, BlobCredential?)] = [
      ("the signature in the address", address.signature.map { .signature($0) }), ("sas", sas.map { .signature($0) }), ("storageAccountKey", key.map { .accountKey($0) }),
    ]
    let credentials = given.filter { $0.1 != nil }
    let names = credentials.map { "'\($0.0)'" } + (asksSignIn ? ["a method of authentication"] : [])
    guard names.count <= 1 || names.count == 2 && asksSignIn && options.isGiven("noAuth") else {
      throw KConnectError(.configuration, "More than one authentication methods were provided for '\(URLText.shown(url))': \(names.joined(separator: ", "))", hint: "keep one of them")
    }
    let context = makeContext()
    let credential: BlobCredential
    if let found = credentials.first?.1 {
      credential = found
    } else {
      let provider = try Authentication.provider(options: options, endpoint: address.endpoint, context: context)
      credential = provider is NoToken ? .anonymous : .tokens(provider)
    }
    return ObjectPlace(container: BlobContainer(client: BlobClient(address: address, credential: credential, context: context)), path: address.path)
  }
}
