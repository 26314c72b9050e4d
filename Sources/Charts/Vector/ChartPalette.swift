// Role: the colours of drawings, for light and dark backgrounds, and text put safely into markup.

enum ChartPalette {
  /// Ten colours that differ for colour-blind eyes too. Source: the categorical scheme "Observable 10".
  static let series = ["#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#ff8ab7", "#a463f2", "#97bbf5", "#9c6b4e", "#9498a0"]

  static func colour(_ i: Int) -> String { series[i % series.count] }

  /// Rules for one picture; the reader's preference chooses between light and dark. Plain colours, since few viewers outside of browsers know
  /// custom properties.
  static let style = """
    .kc{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
    .kc text{fill:#667078}.kc .title{fill:#1b1f24;font-size:17px;font-weight:600}.kc .name{fill:#1b1f24}.kc .grid{stroke:#e4e7ea}
    .kc .axis{stroke:#667078}.kc .line{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}.kc .area{fill-opacity:.28}
    .kc .mark{fill:#d1242f;stroke:#fff}.kc .paper{fill:#fff}.kc .value{fill:#1b1f24;font-size:42px;font-weight:600}
    .kc .edge{stroke:#fff;stroke-width:1.5}
    @media (prefers-color-scheme:dark){.kc text{fill:#9aa4ad}.kc .title,.kc .name,.kc .value{fill:#e6e9ec}.kc .grid{stroke:#32383e}
    .kc .axis{stroke:#9aa4ad}.kc .mark{fill:#ff6a69;stroke:#16191d}.kc .paper{fill:#16191d}.kc .edge{stroke:#16191d}}
    """

  /// A coordinate with one digit behind the point.
  static func number(_ value: Double) -> String {
    let tenths = (max(-1e7, min(1e7, value.isFinite ? value : 0)) * 10).rounded()
    let whole = Int(tenths)
    return whole % 10 == 0 ? String(whole / 10) : "\(whole < 0 ? "-" : "")\(abs(whole) / 10).\(abs(whole) % 10)"
  }

  /// Width of a text in pixels, roughly: the font is the reader's.
  static func width(_ text: String) -> Double { Double(text.count) * 6.8 }
}
