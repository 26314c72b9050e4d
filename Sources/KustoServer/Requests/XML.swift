// Role: the little XML of storage requests, and dates as HTTP writes them.

import Columnar
import KustoStore

enum XML {
  enum Form { case posted, peeked, received }

  static func escaped(_ text: String) -> String {
    var out = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": out += "&amp;"
      case "<": out += "&lt;"
      case ">": out += "&gt;"
      case "\"": out += "&quot;"
      default: if scalar.value >= 0x20 || scalar == "\n" || scalar == "\t" { out.unicodeScalars.append(scalar) }
      }
    }
    return out
  }

  private static func unescaped(_ text: Substring) -> String {
    guard text.contains("&") else { return String(text) }
    return String(text).replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&quot;", with: "\"").replacing("&apos;", with: "'").replacing("&amp;", with: "&")
  }

  /// The texts of all elements of those names, in order. For flat documents: elements inside them are not looked at.
  static func elements(_ names: [String], in text: String) -> [String] {
    var found: [String] = []
    var rest = text[...]
    while let open = rest.firstIndex(of: "<") {
      rest = rest[rest.index(after: open)...]
      guard let name = names.first(where: { rest.hasPrefix($0 + ">") }) else { continue }
      rest = rest.dropFirst(name.count + 1)
      guard let end = rest.firstRange(of: "</\(name)>") else { return found }
      found.append(unescaped(rest[..<end.lowerBound]))
      rest = rest[end.upperBound...]
    }
    return found
  }

  /// The answer to posting, peeking at or receiving messages.
  static func messages(_ messages: [QueuedMessage], _ form: Form) -> String {
    let head = "<?xml version=\"1.0\" encoding=\"utf-8\"?>"
    if messages.isEmpty { return head + "<QueueMessagesList />" }
    var out = head + "<QueueMessagesList>"
    for message in messages {
      out += "<QueueMessage><MessageId>\(message.id)</MessageId><InsertionTime>\(HTTPDate.text(message.inserted / 10_000_000))</InsertionTime>"
        + "<ExpirationTime>\(HTTPDate.text(message.expires / 10_000_000))</ExpirationTime>"
      if form != .peeked {
        out += "<PopReceipt>\(message.receipt.isEmpty ? "AAAA" : message.receipt)</PopReceipt><TimeNextVisible>\(HTTPDate.text(message.nextVisible / 10_000_000))</TimeNextVisible>"
      }
      if form != .posted { out += "<DequeueCount>\(message.dequeueCount)</DequeueCount><MessageText>\(escaped(message.text))</MessageText>" }
      out += "</QueueMessage>"
    }
    return out + "</QueueMessagesList>"
  }
}

/// Source: RFC 9110, "IMF-fixdate".
enum HTTPDate {
  private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  /// Of seconds since 1970.
  static func text(_ seconds: Int64) -> String {
    let days = Int(seconds.divided(by: 86_400)), rest = Int(seconds) - days * 86_400
    let (year, month, day) = CivilTime.civil(days: days)
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return "\(Self.days[CivilTime.dayOfWeek(days: days)]), \(two(day)) \(months[month - 1]) \(year) \(two(rest / 3_600)):\(two(rest / 60 % 60)):\(two(rest % 60)) GMT"
  }
}

extension Int64 {
  fileprivate func divided(by divisor: Int64) -> Int64 { self >= 0 ? self / divisor : -((-self + divisor - 1) / divisor) }
}
