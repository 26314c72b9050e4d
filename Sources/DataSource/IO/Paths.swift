// Role: path text: joining, parents, file names, existence, percent-encoding of partition values, and random identifiers of writes.

#if canImport(Glibc)
import Glibc
#endif
import CLinux

/// `directory/name`; an empty directory stands for the working directory.
package func joinPath(_ directory: String, _ name: String) -> String {
  if directory.isEmpty { return name }
  return directory.hasSuffix("/") ? directory + name : directory + "/" + name
}

/// The part behind the last `/`, ignoring trailing slashes.
package func lastPathComponent(_ path: String) -> String {
  let trimmed = trimmingSlashes(path)
  return trimmed.lastIndex(of: "/").map { String(trimmed[trimmed.index(after: $0)...]) } ?? trimmed
}

/// The directory a path lies in: `.` for a bare name, `/` for the root's children.
package func parentPath(_ path: String) -> String {
  let trimmed = trimmingSlashes(path)
  guard let slash = trimmed.lastIndex(of: "/") else { return "." }
  return slash == trimmed.startIndex ? "/" : trimmingSlashes(String(trimmed[..<slash]))
}

/// Without trailing slashes; the root stays `/`.
package func trimmingSlashes(_ path: String) -> String {
  var end = path.utf8.endIndex
  while end > path.utf8.index(path.utf8.startIndex, offsetBy: 1, limitedBy: path.utf8.endIndex) ?? path.utf8.endIndex,
    path.utf8[path.utf8.index(before: end)] == UInt8(ascii: "/")
  {
    end = path.utf8.index(before: end)
  }
  return String(path[..<end])
}

/// What lies at a path; links are followed.
package enum PathKind: Sendable { case missing, file, directory, special }

package func pathKind(_ path: String) -> PathKind {
  var info = stat()
  guard unsafe stat(path, &info) == 0 else { return .missing }
  switch info.st_mode & S_IFMT {
  case S_IFREG: return .file
  case S_IFDIR: return .directory
  default: return .special
  }
}

/// True when a name stands there, even a dangling link.
package func pathExists(_ path: String) -> Bool {
  var info = stat()
  return unsafe lstat(path, &info) == 0
}

/// The path with links resolved; itself when it does not exist.
package func resolvedPath(_ path: String) -> String {
  guard let raw = unsafe realpath(path, nil) else { return path }
  defer { unsafe free(raw) }
  return unsafe String(cString: raw)
}

/// A path through an open directory, `/proc/self/fd/N/…`, by the directory's name; others as they are.
package func shownPath(_ path: String) -> String {
  let prefix = "/proc/self/fd/"
  guard path.hasPrefix(prefix) else { return path }
  let rest = path.dropFirst(prefix.count)
  let number = rest.prefix { $0 != "/" }
  let directory = resolvedPath(prefix + number)
  return directory.hasPrefix("/proc/") ? path : directory + rest.dropFirst(number.count)
}

/// The path from the root that a path in the working directory means. `.` components and doubled slashes go; `..` and links stay, because
/// only the file system knows what they mean. As it is where the working directory is gone.
package func absolutePath(_ path: String) -> String {
  var whole = path
  if !path.hasPrefix("/") {
    // SAFETY: the call allocates the text, which is copied and freed here.
    guard let raw = unsafe getcwd(nil, 0) else { return path }
    defer { unsafe free(raw) }
    whole = unsafe String(cString: raw) + "/" + path
  }
  return "/" + whole.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
}

/// 32 random hexadecimal digits in the form of a GUID, for names of parts and staging places.
package func randomIdentifier() -> String {
  var bytes: (UInt64, UInt64) = (0, 0)
  let n = unsafe withUnsafeMutableBytes(of: &bytes) { unsafe $0.baseAddress.map { unsafe kclinux_random($0, 16) } ?? -1 }
  if n != 16 { bytes = (UInt64.random(in: 0...UInt64.max), UInt64.random(in: 0...UInt64.max)) }
  func hex(_ value: UInt64, _ digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }
  return [
    hex(bytes.0 >> 32, 8), hex(bytes.0 >> 16 & 0xFFFF, 4), hex(bytes.0 & 0xFFFF, 4), hex(bytes.1 >> 48, 4), hex(bytes.1 & 0xFFFF_FFFF_FFFF, 12),
  ].joined(separator: "-")
}

/// Percent-encoding as Hive and Spark do it for partition values: control characters and `"#%'*/:=?\{[]^` and DEL.
package func percentEncoded(_ text: String) -> String {
  let special = Set("\"#%'*/:=?\\{}[]^".utf8)
  var out: [UInt8] = []
  for byte in text.utf8 {
    if byte < 0x20 || byte == 0x7F || special.contains(byte) {
      let digits = Array("0123456789ABCDEF".utf8)
      out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    } else {
      out.append(byte)
    }
  }
  return String(decoding: out, as: UTF8.self)
}

/// Undoes percent-encoding; a `%` without two hexadecimal digits stays as it is.
package func percentDecoded<Text: StringProtocol>(_ text: Text) -> String {
  let bytes = Array(text.utf8)
  var out: [UInt8] = []
  out.reserveCapacity(bytes.count)
  var i = 0
  while i < bytes.count {
    if bytes[i] == UInt8(ascii: "%"), i + 2 < bytes.count, let high = hexDigit(bytes[i + 1]), let low = hexDigit(bytes[i + 2]) {
      out.append(high << 4 | low)
      i += 3
    } else {
      out.append(bytes[i])
      i += 1
    }
  }
  return String(decoding: out, as: UTF8.self)
}

private func hexDigit(_ byte: UInt8) -> UInt8? {
  switch byte {
  case 0x30...0x39: byte - 0x30
  case 0x41...0x46: byte - 0x41 + 10
  case 0x61...0x66: byte - 0x61 + 10
  default: nil
  }
}
