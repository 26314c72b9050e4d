// Role: everything that decides how a server behaves.

package import DataSource
package import PythonPlugin

/// Settings of a server. Sizes in bytes, times in seconds.
package struct ServerConfiguration: Sendable {
  package var storePath: String
  /// What writes the store's files.
  package var fileSystem = FileSystem.system
  /// Directories and URL prefixes that requests may read and write.
  package var allowedPaths: [String] = []
  package var allowedURLs: [String] = []
  /// Origins (`https://host`) of pages that may use a server without authentication, beside those of this machine.
  package var allowedOrigins: [String] = []
  /// The server listens on this machine's own addresses only.
  package var isLoopbackOnly = true
  /// Requests at a time, in all and for one principal.
  package var maxRequests = 128
  package var maxRequestsPerPrincipal = 128
  /// Bytes of a query or command, also inflated.
  package var maxTextBytes = 32 << 20
  /// Bytes of a streaming ingestion as sent, and inflated.
  package var maxStreamingBytes = 10 << 20
  package var maxStreamingInflatedBytes = 512 << 20
  /// Bytes of rows that are held in memory on their way: more go into a file, and into a commit of their own.
  package var heldStreamingBytes = 32 << 20
  /// Bytes of one blob or block as sent, and of an ingested blob inflated.
  package var maxBlobBytes = 4 << 30
  package var maxBlobInflatedBytes = 6 << 30
  package var queryTimeout = 240
  package var commandTimeout = 600
  /// How long an address that a request names may be silent.
  package var addressTimeout = 60
  /// Memory of one query; nil: the process's share.
  package var requestMemory: Int?
  package var threads: Int?
  package var spillDirectory: String?
  /// What runs Python scripts of queries; nil: they are refused.
  package var python: PythonSettings?
  /// How long blobs of queued ingestion stay.
  package var blobLifetime = 86_400
  /// Opens containers of the user's own beside those of ingestion and exports.
  package var storageAccount: StorageAccount?
  /// Between rounds of upkeep; 0: none.
  package var upkeepInterval = 30

  package init(storePath: String) { self.storePath = storePath }
}
