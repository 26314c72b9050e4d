// Role: errno → `KConnectError`, in one place.

#if canImport(Glibc)
import Glibc
#endif

package enum SystemError {
  /// Throws the error of an errno other than 0.
  package static func check(_ code: Int32, _ what: String, _ path: String) throws {
    if code != 0 { throw make(what, path, code) }
  }

  /// `what` is a verb phrase that the path follows: "cannot open".
  // SAFETY: strerror's text is static or the thread's own, and copied at once.
  package static func make(_ what: String, _ path: String, _ code: Int32) -> KConnectError {
    let text = unsafe String(cString: strerror(code)), path = shownPath(path)
    switch code {
    case ENOENT, ENOTDIR: return KConnectError(.pathNotFound, "\(what) '\(path)': \(text)", hint: "check the path; relative paths start at the working directory")
    case EACCES, EPERM, EROFS: return KConnectError(.permission, "\(what) '\(path)': \(text)", hint: "check the owner and mode of the path and its directory")
    case ENOSPC, EDQUOT: return KConnectError(.diskFull, "\(what) '\(path)': \(text)", hint: "free space or choose another directory; nothing partial is left visible")
    default: return KConnectError(.io, "\(what) '\(path)': \(text)")
    }
  }
}
