// Role: the containers of an export as places of files, each opened by what belongs to it: its signature, its account's key, or the caller's token.

import DataSource
import FileConnector

/// The storage of one export.
struct ExportStore: ObjectStore {
  let storage: TransientStorage
  /// Who reads back what the cluster wrote for the caller.
  let tokens: any TokenProvider
  let transport: any HTTPTransport

  var options: [OptionSpec] { [] }

  func place(_ url: String, options: DataSourceOptions) throws -> ObjectPlace? {
    let container = storage.container(of: String(url.prefix { $0 != "?" }))
    guard let address = try BlobAddress(url, endpoint: nil, isCertain: true) else { return nil }
    let credential: BlobCredential = switch container.readBack {
    case .signature(let text): .signature(Secret(String(text.dropFirst())))
    case .accountKey(let key): .accountKey(Secret(key))
    case .identity: .tokens(tokens)
    }
    return ObjectPlace(container: BlobContainer(client: BlobClient(address: address, credential: credential, context: CredentialContext(transport: transport))), path: address.path)
  }
}
