// Role: the JSONPath subset of Kusto: `$`, `.key`, `['key']`, `[0]`, `[-1]`, `[*]`. Used by extract_json, bag_has_key, bag_set_key and bag_remove_keys.
// Source: Kusto "JSONPath".

import Columnar

/// A parsed path.
struct JSONPath: Sendable {
  enum Step: Sendable, Equatable {
    case key(String)
    case index(Int)
    case all
  }

  let steps: [Step]

  /// Whether it leads into arrays, as paths of bags' keys may not.
  var entersArrays: Bool { steps.contains { if case .key = $0 { false } else { true } } }

  /// Nil when the text is no path (it must begin with `$`).
  // SAFETY: the bytes are copied; the caller keeps them alive for the call.
  init?(_ bytes: UnsafeBufferPointer<UInt8>) { unsafe self.init(String(decoding: bytes, as: UTF8.self)) }

  init?(_ text: String) {
    let s = Array(text.utf8)
    guard s.first == UInt8(ascii: "$") else { return nil }
    var steps: [Step] = []
    var i = 1
    while i < s.count {
      if s[i] == UInt8(ascii: ".") {
        var j = i + 1
        while j < s.count, s[j] != UInt8(ascii: "."), s[j] != UInt8(ascii: "[") { j += 1 }
        let name = String(decoding: s[i + 1..<j], as: UTF8.self)
        guard !name.isEmpty else { return nil }
        steps.append(name == "*" ? .all : .key(name))
        i = j
        continue
      }
      guard s[i] == UInt8(ascii: "["), i + 1 < s.count else { return nil }
      i += 1
      if s[i] == UInt8(ascii: "'") || s[i] == UInt8(ascii: "\"") {
        let quote = s[i]
        var name: [UInt8] = []
        i += 1
        while i < s.count, s[i] != quote {
          if s[i] == UInt8(ascii: "\\"), i + 1 < s.count { i += 1 }
          name.append(s[i])
          i += 1
        }
        i += 1
        steps.append(.key(String(decoding: name, as: UTF8.self)))
      } else {
        var j = i
        while j < s.count, s[j] != UInt8(ascii: "]") { j += 1 }
        let inner = String(decoding: s[i..<j], as: UTF8.self)
        if inner == "*" { steps.append(.all) } else if let k = Int(inner) { steps.append(.index(k)) } else { return nil }
        i = j
      }
      guard i < s.count, s[i] == UInt8(ascii: "]") else { return nil }
      i += 1
    }
    self.steps = steps
  }

  /// The value at the path in place; nil when there is none or the path has `[*]`.
  // SAFETY: the key's bytes live for the call; what is found is a window on the value's memory, not on the key's.
  func resolve(_ value: DynamicView) -> DynamicView? {
    var at = value
    for step in steps {
      switch step {
      case .key(var name):
        guard let next = name.withUTF8({ unsafe at.value(forKey: $0) }) else { return nil }
        at = next
      case .index(let k):
        guard let next = at.element(k < 0 ? at.childCount + k : k) else { return nil }
        at = next
      case .all: return nil
      }
    }
    return at
  }

  /// The value at the path in a tree; `[*]` gives the array of all matches.
  func resolve(_ value: DynamicValue) -> DynamicValue? {
    var found = [value]
    for step in steps {
      found = found.flatMap { item -> [DynamicValue] in
        switch (step, item) {
        case (.key(let name), .bag): item[name].map { [$0] } ?? []
        case (.index(let k), .array(let items)):
          items.indices.contains(k < 0 ? items.count + k : k) ? [items[k < 0 ? items.count + k : k]] : []
        case (.all, .array(let items)): items
        case (.all, .bag(let entries)): entries.map(\.value)
        default: []
        }
      }
    }
    if steps.contains(.all) { return found.isEmpty ? nil : .array(found) }
    return found.first
  }

  /// The number at the path of a JSON text as it is written there; nil for other values, bad text and paths with `[*]`.
  // SAFETY: the caller keeps the text alive for the call; an extent lies within it.
  func number(in text: UnsafeBufferPointer<UInt8>) -> String? {
    guard let base = text.baseAddress else { return nil }
    var cursor = unsafe JSONCursor(base, text.count)
    guard var found = try? cursor.skipValue() else { return nil }
    for step in steps {
      cursor.at = found.start
      guard let next = try? Self.step(step, in: found, &cursor) else { return nil }
      found = next
    }
    guard found.kind == .integer || found.kind == .number else { return nil }
    return unsafe String(decoding: UnsafeBufferPointer(start: base + found.start, count: found.end - found.start), as: UTF8.self)
  }

  /// A member or an element of the object or array at the cursor. The last of equal keys counts.
  private static func step(_ step: Step, in container: JSONExtent, _ cursor: inout JSONCursor) throws(JSONTextError) -> JSONExtent? {
    var isFirst = true
    switch (step, container.kind) {
    case (.key(let name), .object):
      var found: JSONExtent?
      let key = BufferBuilder<UInt8>()
      try cursor.openObject()
      while let member = try cursor.nextMember(isFirst: isFirst) {
        isFirst = false
        key.count = 0
        cursor.appendString(member.key, to: key)
        if unsafe name.utf8.elementsEqual(UnsafeBufferPointer(start: UnsafePointer(key.pointer), count: key.count)) { found = member.value }
      }
      return found
    case (.index(let k), .array):
      var elements: [JSONExtent] = []
      try cursor.openArray()
      while let element = try cursor.nextElement(isFirst: isFirst) {
        isFirst = false
        elements.append(element)
      }
      let i = k < 0 ? elements.count + k : k
      return elements.indices.contains(i) ? elements[i] : nil
    default: return nil
    }
  }
}

extension DynamicValue {
  /// The bag with a value set under nested keys; missing levels are made. Nil when a level is no bag.
  func setting(_ keys: ArraySlice<String>, to value: DynamicValue) -> DynamicValue? {
    guard let first = keys.first else { return value }
    guard case .bag(var entries) = self else { return nil }
    let rest = keys.dropFirst()
    if let i = entries.firstIndex(where: { $0.isNamed(first) }) {
      guard let inner = rest.isEmpty ? value : entries[i].value.setting(rest, to: value) else { return nil }
      entries[i].value = inner
    } else {
      guard let inner = DynamicValue.bag([]).setting(rest, to: value) ?? (rest.isEmpty ? value : nil) else { return nil }
      entries.append(DynamicEntry(first, rest.isEmpty ? value : inner))
    }
    return .bag(entries)
  }

  /// The value without what lies at the path.
  func removing(_ path: ArraySlice<JSONPath.Step>) -> DynamicValue {
    guard let first = path.first else { return self }
    let rest = path.dropFirst()
    switch (first, self) {
    case (.key(let name), .bag(let entries)):
      if rest.isEmpty { return .bag(entries.filter { !$0.isNamed(name) }) }
      return .bag(entries.map { $0.isNamed(name) ? DynamicEntry($0.key, $0.value.removing(rest)) : $0 })
    case (.index(let k), .array(var items)):
      let i = k < 0 ? items.count + k : k
      guard items.indices.contains(i) else { return self }
      if rest.isEmpty { items.remove(at: i) } else { items[i] = items[i].removing(rest) }
      return .array(items)
    case (.all, .array(let items)): return .array(rest.isEmpty ? [] : items.map { $0.removing(rest) })
    default: return self
    }
  }
}
