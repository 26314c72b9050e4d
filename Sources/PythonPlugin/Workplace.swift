// Role: the files of one run of a script: a private directory with its input and result, and below it the one that the script sees.

import CSandbox
import Columnar
import DataSource
import Engine
import FileConnector

#if canImport(Glibc)
import Glibc
#endif

/// A private directory; it goes with the last reference.
final class Workplace {
  private let path: String
  /// The script's working directory.
  let directory: String
  /// Descriptors of the job, the rows for the script and the rows from it.
  let job: Int32
  let table: Int32
  let result: Int32
  var resultPath: String { joinPath(path, "result") }

  /// `usesDisk` false: the rows go to the script through memory.
  init(in parent: String?, usesDisk: Bool) throws {
    // SAFETY: getenv answers nil or a text that ends with 0, which is copied at once.
    let parent = unsafe parent ?? getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
    var name = Array(joinPath(resolvedPath(parent), "kconnect-python-XXXXXX").utf8CString)
    // SAFETY: the text ends with 0; mkdtemp changes its last letters only.
    guard unsafe name.withUnsafeMutableBufferPointer({ unsafe $0.baseAddress.map { unsafe mkdtemp($0) } ?? nil }) != nil else {
      throw SystemError.make("cannot make a directory in", parent, errno)
    }
    let path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    self.path = path
    directory = joinPath(path, "work")
    func file(_ name: String) -> Int32 {
      // SAFETY: the text lives for the call.
      unsafe open(joinPath(path, name), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    }
    job = file("job")
    table = usesDisk ? file("input") : kcsandbox_memory_file()
    result = file("result")
    guard job >= 0, table >= 0, result >= 0, unsafe mkdir(directory, 0o700) == 0, unsafe mkdir(joinPath(directory, "Temp"), 0o700) == 0 else {
      throw SystemError.make("cannot make the files of a script in", path, errno)
    }
  }

  deinit {
    for descriptor in [job, table, result] where descriptor >= 0 { close(descriptor) }
    _ = FileSystem.system.removeTree(path)
  }

  /// Writes the job and goes back to the start of what the script reads.
  func ready(_ job: DynamicValue) throws {
    let text = Array(job.json.utf8)
    // SAFETY: the bytes live for the call.
    let (_, code) = unsafe text.withUnsafeBytes { unsafe FileSystem.system.write(self.job, "the job of a script", $0) }
    try SystemError.check(code, "cannot write", "the job of a script")
    guard lseek(self.job, 0, SEEK_SET) == 0, lseek(table, 0, SEEK_SET) == 0 else { throw SystemError.make("cannot rewind", "the input of a script", errno) }
  }

  /// Bytes of the rows for the script.
  var tableBytes: Int {
    var info = stat()
    // SAFETY: the call fills the structure.
    return unsafe fstat(table, &info) == 0 ? Int(info.st_size) : 0
  }

  /// Copies a file that the script is to have; throws VALUE_INVALID above `limit` bytes.
  func add(_ artifact: ScriptCall.Artifact, limit: Int) throws {
    // Credentials behind a semicolon are not for files that are open to everyone.
    let address = artifact.address.contains("://") ? String(artifact.address.prefix { $0 != ";" }) : artifact.address
    let source: InputFile
    switch try SourcePath(address) {
    case .url(let url):
      // Only the address that was checked is asked.
      var http = HTTPOptions()
      http.followsRedirects = false
      http.limitBytes = limit
      source = try HTTPDownload.spool(url, http)
    case .local(let path): source = try InputFile(path: path).spooled()
    case .standardStream: throw KConnectError(.usage, "an artifact of a script cannot come from standard input")
    }
    let size = source.size ?? 0
    guard size <= limit else { throw KConnectError(.valueInvalid, "the artifact '\(artifact.name)' has \(size) bytes, more than a script may have", hint: "--python-memory sets the limit") }
    let target = try OutputFile(creating: joinPath(joinPath(directory, "Temp"), artifact.name))
    var block = [UInt8](repeating: 0, count: 1 << 20)
    var offset = 0
    while offset < size {
      // SAFETY: the block lives for both calls.
      let n = try unsafe block.withUnsafeMutableBytes { block in
        let n = try unsafe source.pread(into: block, at: offset)
        try unsafe target.write(UnsafeRawBufferPointer(rebasing: block[..<n]))
        return n
      }
      if n == 0 { break }
      offset += n
    }
    try target.close()
  }
}
