// Role: what queued ingestion clients ask for first: where to put blobs and messages, and who they are.

import Columnar
import DataSource
import KQL

/// The part of a server that takes blobs and messages of queued ingestion.
package protocol IngestionService: Sendable {
  /// Resource types and their addresses, with the key to them; `endpoint` is the address under which the client reached the server.
  func resources(endpoint: String?) throws -> [(type: String, root: String)]
  /// An opaque text that comes back with every message.
  func identityToken(principal: Principal) throws -> String
  /// The file behind an address of the service's own, signed by it; nil for other addresses. Throws PATH_NOT_FOUND.
  func ownFile(of address: String) throws -> ServedFile?
  /// Addresses of containers for exports of a principal, with the key to them.
  func exportContainers(endpoint: String?, principal: Principal) throws -> [String]
  /// Where an export to an address of the service's own goes; nil for other addresses.
  func exportPlace(of address: String) throws -> ExportPlace?
}

/// A container for exported files.
package struct ExportPlace: Sendable {
  /// Where files are made.
  package let directory: String
  /// The path of a file, in that directory, and its address without a key, by its name, which may hold slashes; nil for names that are not possible.
  package let file: @Sendable (String) throws -> (path: String, address: String)?

  package init(directory: String, file: @escaping @Sendable (String) throws -> (path: String, address: String)?) {
    self.directory = directory
    self.file = file
  }
}

/// A file that a service has received. Its name tells its compression while `holder` is alive.
package struct ServedFile: Sendable {
  package let path: String
  package let holder: (any Sendable)?

  package init(path: String, holder: (any Sendable)?) {
    self.path = path
    self.holder = holder
  }
}

extension CommandRun {
  private static let resourceShape = Shape("ResourceTypeName StorageRoot")
  private static let containerShape = Shape("StorageRoot")
  private static let tokenShape = Shape("AuthorizationContext")

  private func service() throws -> any IngestionService {
    guard let service = executor.ingestionService else {
      throw KConnectError(.notSupported, "not supported: queued ingestion without a server", hint: "start one with kconnect serve")
    }
    return service
  }

  func ingestionResourcesGet() throws -> CommandOutput {
    let resources = try service().resources(endpoint: request.properties.endpoint)
    return CommandOutput(Self.resourceShape, resources.map { [.string($0.type), .string($0.root)] })
  }

  func exportContainersShow() throws -> CommandOutput {
    CommandOutput(Self.containerShape, try service().exportContainers(endpoint: request.properties.endpoint, principal: request.caller).map { [.string($0)] })
  }

  func identityTokenGet() throws -> CommandOutput {
    CommandOutput(Self.tokenShape, [[.string(try service().identityToken(principal: request.caller))]])
  }
}
