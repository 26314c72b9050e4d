// Role: the official client libraries against the server with its own identity provider: MSAL and azure-kusto-data get tokens by key, certificate,
// password and device code over TLS, and are refused where they should be. Skipped with a message where program or packages are missing.

import DataSource
import Synchronization
import Testing

#if canImport(Glibc)
import Glibc
#endif

@Suite struct JudgeTests {
  private static func variable(_ name: String) -> String? {
    // SAFETY: getenv answers nil or a zero-terminated text, which is copied at once.
    unsafe getenv(name).map { unsafe String(cString: $0) }
  }

  /// The server program beside the tests.
  private static var program: String? {
    let path = joinPath(parentPath(resolvedPath("/proc/self/exe")), "kconnect-server")
    return variable("KCONNECT_SERVER") ?? (pathKind(path) == .file ? path : nil)
  }

  @Test func clientLibraries() throws {
    guard let python = Self.variable("KCONNECT_SDK_PYTHON") ?? Self.variable("KCONNECT_PYTHON") else {
      print("skipped: KCONNECT_SDK_PYTHON names no python with msal, azure-kusto-data and cryptography")
      return
    }
    guard let program = Self.program else {
      print("skipped: kconnect-server is not built; KCONNECT_SERVER may name it")
      return
    }
    let directory = "/tmp/kconnect-access-judge-" + randomIdentifier()
    defer { _ = FileSystem.system.removeTree(directory) }
    #expect(FileSystem.system.makeDirectories(directory).code == 0)
    let script = joinPath(parentPath(#filePath), "judge.py")
    // SAFETY: popen answers nil or a stream that pclose ends; fgets writes at most 4,096 bytes into the buffer.
    let pipe = try unsafe #require(unsafe popen("'\(python)' '\(script)' '\(program)' '\(directory)' 2>&1", "r"))
    var text = ""
    var line = [CChar](repeating: 0, count: 4_096)
    while unsafe fgets(&line, 4_096, pipe) != nil { text += unsafe String(cString: line) }
    let status = unsafe pclose(pipe)
    if status >> 8 == 77 {
      print("skipped: \(text)")
      return
    }
    #expect(status == 0, "\(text)")
    #expect(text.contains("ok the server still answers"))
  }
}
