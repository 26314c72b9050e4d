// Role: reads the names in one directory, sorted by bytes, so that listings are the same everywhere.

#if canImport(Glibc)
import Glibc
#endif

package enum DirectoryReader {
  /// All names but `.` and `..`, sorted by their bytes. Throws PATH_NOT_FOUND, PERMISSION or IO.
  package static func names(in directory: String) throws -> [String] {
    guard let stream = unsafe opendir(directory) else { throw SystemError.make("cannot list", directory, errno) }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = unsafe readdir(stream) else {
        if errno != 0 { throw SystemError.make("cannot list", directory, errno) }
        break
      }
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
        unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }
}
