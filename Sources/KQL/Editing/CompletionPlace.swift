// Role: where in a text a word stands: the operator it belongs to, the pipeline before that, and the function whose brackets are open around it.

/// The place behind some tokens.
struct CompletionPlace {
  /// The operator the place belongs to; nil in the source of a pipeline, and in statements that are no query.
  private(set) var operatorName: String?
  /// Directly behind the operator's name and its hints.
  private(set) var isFirst = false
  /// Index of the token behind the operator's name and its hints.
  private(set) var operands = 0
  /// Where a pipeline begins: nothing of it is written yet.
  private(set) var isSource = false
  /// Where a pipeline begins that may also be a scalar: behind `let x =`, in the list of `in`.
  private(set) var isValue = false
  /// Where operators over the rows outside begin: in the brackets of `partition`, `fork`, `facet` and `mv-apply`.
  private(set) var isBranch = false
  /// The function whose brackets are open around the place, innermost; nil where there is none.
  private(set) var call: String?
  /// Index of the token with which the statement or the pipeline begins, behind `let x =`.
  private(set) var first = 0
  /// Byte offset where the pipeline of the operator begins.
  private(set) var begin = 0
  /// Byte offset of the pipe before the operator.
  private(set) var pipe: Int?

  private let tokens: [Token]
  private let bytes: [UInt8]

  init(behind tokens: [Token], of bytes: [UInt8]) {
    self.tokens = tokens
    self.bytes = bytes
    let frames = openFrames()
    var depth = frames.count - 1
    while depth > 0, frames[depth].pipe == nil, frames[depth].kind == .arguments {
      if call == nil { call = frames[depth].call }
      depth -= 1
    }
    let frame = frames[depth]
    isValue = frame.kind == .list
    first = frame.first
    if isDeclaration(first) {
      first += 3
      isValue = true
    }
    begin = offset(first)
    if frame.pipe == nil, frame.kind == .list || frame.kind == .branch {
      // The rows outside are in reach.
      let outer = frames[depth - 1]
      begin = offset(isDeclaration(outer.first) ? outer.first + 3 : outer.first)
      pipe = outer.pipe.map { offset($0) }
    }
    if let pipe = frame.pipe {
      self.pipe = offset(pipe)
      readOperator(at: pipe + 1)
    } else if first >= tokens.count {
      isSource = frame.kind != .branch
      isBranch = !isSource
    } else if frame.kind == .branch || OperatorNames.beginnings.contains(text(first)) && OperatorNames.all.contains(text(first)) {
      readOperator(at: first)
    }
  }

  // MARK: Brackets

  /// What is inside an open bracket, or in the text outside all of them.
  private struct Frame {
    enum Kind { case query, list, branch, arguments }
    var kind: Kind
    /// Index of the first token inside.
    var first: Int
    /// Index of the last pipe inside.
    var pipe: Int?
    /// The function called.
    var call: String?
  }

  /// Functions and operators in whose brackets a query stands.
  private static let queries: Set<String> = ["join", "lookup", "union", "materialize", "toscalar", "totable", "view"]

  private func openFrames() -> [Frame] {
    var frames = [Frame(kind: .query, first: 0)]
    for (i, token) in tokens.enumerated() {
      switch token.kind {
      case .leftParen, .leftBracket, .leftBrace: frames.append(opened(by: i, in: frames[frames.count - 1]))
      case .rightParen, .rightBracket, .rightBrace: if frames.count > 1 { frames.removeLast() }
      case .pipe: frames[frames.count - 1].pipe = i
      case .semicolon: frames[frames.count - 1] = Frame(kind: .query, first: i + 1)
      default: break
      }
    }
    return frames
  }

  private func opened(by i: Int, in outer: Frame) -> Frame {
    func frame(_ kind: Frame.Kind) -> Frame { Frame(kind: kind, first: i + 1) }
    if tokens[i].kind == .leftBrace { return frame(outer.kind == .arguments ? .arguments : .query) }
    guard tokens[i].kind == .leftParen else { return frame(.arguments) }
    guard i > outer.first else { return frame(outer.kind) }
    if i == outer.first + 3, isDeclaration(outer.first) { return frame(.query) }
    let before = text(i - 1)
    if ["in", "!in", "in~", "!in~"].contains(before) { return frame(.list) }
    if Self.queries.contains(before) { return frame(.query) }
    let isWord = tokens[i - 1].kind == .word
    // `strlen(`, but not the bracket behind `kind=inner`.
    let isCall = isWord && tokens[i - 1].end == tokens[i].start && (i < 2 || tokens[i - 2].kind != .assign)
    switch outer.kind == .arguments ? "" : operatorName(at: outer.pipe.map { $0 + 1 } ?? outer.first).name {
    case "join", "lookup", "union": if !isCall, before != "on" { return frame(.query) }
    case "partition", "fork", "facet": if !isCall { return frame(.branch) }
    case "mv-apply", "mvapply": if before == "on" { return frame(.branch) }
    default: break
    }
    return Frame(kind: .arguments, first: i + 1, call: isWord ? before : nil)
  }

  // MARK: Tokens

  private func text(_ i: Int) -> String {
    i < tokens.count ? String(decoding: bytes[Int(tokens[i].start)..<Int(tokens[i].end)], as: UTF8.self) : ""
  }

  private func offset(_ i: Int) -> Int { i < tokens.count ? Int(tokens[i].start) : bytes.count }

  /// Whether `let x =` stands there.
  private func isDeclaration(_ i: Int) -> Bool { i + 2 < tokens.count && tokens[i + 2].kind == .assign && text(i) == "let" }

  private mutating func readOperator(at i: Int) {
    guard i < tokens.count else { return }
    let (name, next) = operatorName(at: i)
    operatorName = name
    operands = next
    // `hint.strategy=shuffle`
    while operands + 4 < tokens.count, text(operands) == "hint", tokens[operands + 1].kind == .dot, tokens[operands + 3].kind == .assign { operands += 5 }
    isFirst = operands >= tokens.count
  }

  /// The name of an operator, whose dashes are tokens of their own, and the index of the token behind it.
  private func operatorName(at i: Int) -> (name: String, next: Int) {
    var name = text(i)
    var next = i + 1
    while next + 1 < tokens.count, tokens[next].kind == .minus, tokens[next].start == tokens[next - 1].end {
      let longer = name + "-" + text(next + 1)
      guard OperatorNames.all.contains(where: { $0 == longer || $0.hasPrefix(longer + "-") }) else { break }
      name = longer
      next += 2
    }
    return (name, next)
  }
}
