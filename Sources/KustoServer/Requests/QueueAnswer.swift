// Role: answers of queues: their messages as XML.

import Columnar
import KustoStore

enum QueueAnswer {
  enum Form { case posted, peeked, received }

  /// The answer to posting, peeking at or receiving messages.
  static func messages(_ messages: [QueuedMessage], _ form: Form) -> String {
    let head = "<?xml version=\"1.0\" encoding=\"utf-8\"?>"
    if messages.isEmpty { return head + "<QueueMessagesList />" }
    var out = head + "<QueueMessagesList>"
    for message in messages {
      out += "<QueueMessage><MessageId>\(message.id)</MessageId><InsertionTime>\(HTTPDate.text(message.inserted))</InsertionTime>"
        + "<ExpirationTime>\(HTTPDate.text(message.expires))</ExpirationTime>"
      if form != .peeked {
        out += "<PopReceipt>\(message.receipt.isEmpty ? "AAAA" : message.receipt)</PopReceipt><TimeNextVisible>\(HTTPDate.text(message.nextVisible))</TimeNextVisible>"
      }
      if form != .posted { out += "<DequeueCount>\(message.dequeueCount)</DequeueCount><MessageText>\(MarkupText.escaped(message.text))</MessageText>" }
      out += "</QueueMessage>"
    }
    return out + "</QueueMessagesList>"
  }
}
