// Role: the colours of drawings, for light and dark backgrounds, and text put safely into markup.

enum ChartPalette {
  /// Ten colours that differ for colour-blind eyes too. Source: the categorical scheme "Observable 10".
  static let series = ["#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#ff8ab7", "#a463f2", "#97bbf5", "#9c6b4e", "#9498a0"]

  static func colour(_ i: Int) -> String { series[i % series.count] }

  /// Rules for one picture; the browser's preference chooses between light and dark.
  static let style = """
    .kc{--ink:#1b1f24;--soft:#667078;--grid:#e4e7ea;--paper:#fff;--alert:#d1242f;font:12px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
    @media (prefers-color-scheme:dark){.kc{--ink:#e6e9ec;--soft:#9aa4ad;--grid:#32383e;--paper:#16191d;--alert:#ff6a69}}
    .kc text{fill:var(--soft)}.kc .title{fill:var(--ink);font-size:17px;font-weight:600}.kc .name{fill:var(--ink)}.kc .grid{stroke:var(--grid)}
    .kc .axis{stroke:var(--soft)}.kc .line{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}.kc .area{fill-opacity:.28}
    .kc .mark{fill:var(--alert);stroke:var(--paper)}.kc .paper{fill:var(--paper)}.kc .value{fill:var(--ink);font-size:42px;font-weight:600}
    .kc .edge{stroke:var(--paper);stroke-width:1.5}
    """

  /// Text between tags or in an attribute.
  static func escaped(_ text: String) -> String {
    var out = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": out += "&amp;"
      case "<": out += "&lt;"
      case ">": out += "&gt;"
      case "\"": out += "&quot;"
      case "'": out += "&#39;"
      // Markup has no form for control characters.
      case _ where scalar.value < 0x20 && scalar != "\n" && scalar != "\t": out += "\u{FFFD}"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out
  }

  /// A coordinate with one digit behind the point.
  static func number(_ value: Double) -> String {
    let tenths = (max(-1e7, min(1e7, value.isFinite ? value : 0)) * 10).rounded()
    let whole = Int(tenths)
    return whole % 10 == 0 ? String(whole / 10) : "\(whole < 0 ? "-" : "")\(abs(whole) / 10).\(abs(whole) % 10)"
  }

  /// Width of a text in pixels, roughly: the font is the reader's.
  static func width(_ text: String) -> Double { Double(text.count) * 6.8 }
}
