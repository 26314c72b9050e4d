// Role: standard output and error as descriptors: what is a terminal, how wide it is, and writing to stderr without buffering.

#if canImport(Glibc)
import Glibc
#endif

enum StandardStreams {
  static let isOutputTerminal = isatty(1) == 1
  static let isErrorTerminal = isatty(2) == 1
  static let isInputTerminal = isatty(0) == 1

  /// Columns of the terminal behind standard output (`COLUMNS` wins); nil when it is none.
  static var outputWidth: Int? {
    guard isOutputTerminal else { return nil }
    return width(of: 1)
  }

  /// Columns of the terminal behind standard error.
  static var errorWidth: Int { width(of: 2) ?? 80 }

  private static func width(of descriptor: Int32) -> Int? {
    if let text = unsafe getenv("COLUMNS"), let columns = unsafe Int(String(cString: text)), columns > 9 { return columns }
    var size = winsize()
    guard unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 9 else { return nil }
    return Int(size.ws_col)
  }

  /// Lines of the terminal behind standard output (`LINES` wins); 24 when it does not say.
  static var outputHeight: Int {
    if let text = Environment.value("LINES"), let lines = Int(text), lines > 4 { return lines }
    var size = winsize()
    // SAFETY: ioctl fills `size` during the call.
    guard unsafe ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 4 else { return 24 }
    return Int(size.ws_row)
  }

  /// Neither `NO_COLOR` nor a dumb terminal forbids colours.
  private static let allowsColours = (Environment.value("NO_COLOR") ?? "").isEmpty && (Environment.value("TERM") ?? "dumb") != "dumb"

  /// True when colours and dimmed text are welcome on stdout or stderr.
  static let isOutputColourful = isOutputTerminal && allowsColours
  static let isErrorColourful = isErrorTerminal && allowsColours

  /// Writes text to standard error; a closed stderr is ignored.
  static func error(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      guard let start = bytes.baseAddress else { return }
      var done = 0
      while done < bytes.count {
        let n = unsafe write(2, start + done, bytes.count - done)
        if n < 0, errno == EINTR { continue }
        if n <= 0 { return }
        done += n
      }
    }
  }

  /// True when the reader of standard output has gone away.
  static var isOutputClosed: Bool {
    var poll = pollfd(fd: 1, events: Int16(POLLOUT), revents: 0)
    return unsafe Glibc.poll(&poll, 1, 0) == 1 && Int32(poll.revents) & (POLLERR | POLLHUP) != 0
  }

  /// All of standard input.
  static func readInput() -> String {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let n = unsafe read(0, &buffer, buffer.count)
      if n < 0, errno == EINTR { continue }
      if n <= 0 { break }
      bytes.append(contentsOf: buffer[..<n])
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
