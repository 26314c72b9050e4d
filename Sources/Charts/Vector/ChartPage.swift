// Role: charts as files: SVG, or one HTML page with the SVG, its tooltips and nothing from elsewhere.

package import Columnar

package enum ChartPage {
  /// A page with the drawing. Moving over it shows the values of the nearest place of every series.
  package static func html(_ models: [ChartModel]) -> String {
    let title = MarkupText.escaped(models.first?.spec.title ?? "Chart")
    return """
      <!doctype html>
      <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>\(title)</title>
      <style>
      :root{color-scheme:light dark}body{margin:0;padding:16px;background:#fff;font:13px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
      @media (prefers-color-scheme:dark){body{background:#16191d}}
      svg{max-width:100%;height:auto;display:block}
      #tip{position:fixed;display:none;pointer-events:none;padding:6px 9px;border-radius:6px;background:#1b1f24ee;color:#fff;white-space:pre;line-height:1.45}
      @media (prefers-color-scheme:dark){#tip{background:#e6e9ecee;color:#16191d}}
      </style></head><body>
      \(SVGChart.document(models))<div id="tip"></div>
      <script>
      (()=>{const tip=document.getElementById('tip'),svg=document.querySelector('svg'),data=\(data(models));
      svg.querySelectorAll('title').forEach(t=>{t.parentNode.dataset.tip=t.textContent;t.remove()});
      const show=(e,s)=>{tip.textContent=s;tip.style.display='block';const w=tip.offsetWidth,h=tip.offsetHeight;
      tip.style.left=Math.min(e.clientX+14,innerWidth-w-8)+'px';tip.style.top=Math.max(8,Math.min(e.clientY+14,innerHeight-h-8))+'px'};
      svg.addEventListener('mousemove',e=>{const own=e.target.dataset&&e.target.dataset.tip;if(own)return show(e,own);
      const p=new DOMPoint(e.clientX,e.clientY).matrixTransform(svg.getScreenCTM().inverse());
      const panel=data[Math.floor(p.y/(svg.viewBox.baseVal.height/data.length))];let best=null,d=24;
      if(panel)for(const [x] of panel)if(Math.abs(x-p.x)<d){d=Math.abs(x-p.x);best=x}
      if(best===null){tip.style.display='none';return}
      const near=panel.filter(q=>q[0]===best);show(e,near[0][1]+'\\n'+near.map(q=>q[2]).join('\\n'))});
      svg.addEventListener('mouseleave',()=>tip.style.display='none')})()
      </script></body></html>

      """
  }

  /// A card as a drawing.
  package static func svg(card row: [(name: String, value: Scalar)], title: String?) -> String {
    let height = 90 * max(1, row.count) + (title == nil ? 10 : 50)
    var out = "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"kc\" width=\"480\" height=\"\(height)\" viewBox=\"0 0 480 \(height)\">\n<style>\(ChartPalette.style)</style>\n<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n"
    var y = 20
    if let title {
      out += "<text class=\"title\" x=\"24\" y=\"\(y + 16)\">\(MarkupText.escaped(title))</text>\n"
      y += 40
    }
    for item in row {
      out += "<text class=\"value\" x=\"24\" y=\"\(y + 40)\">\(MarkupText.escaped(ChartValue.name(item.value)))</text>\n<text x=\"24\" y=\"\(y + 62)\">\(MarkupText.escaped(item.name))</text>\n"
      y += 90
    }
    return out + "</svg>\n"
  }

  /// For each panel the places of its points: pixel column, text of the place, text of the value.
  private static func data(_ models: [ChartModel]) -> String {
    let panels = models.map { model -> String in
      guard model.spec.kind.hasContinuousAxis, model.spec.kind != .scatterchart else { return "[]" }
      var chart = SVGChart(model, height: models.count > 1 ? 300 : 460)
      chart.measure()
      var items: [String] = []
      for series in model.series {
        for mark in chart.runs(series).joined() {
          let value = "\(series.name): \(model.yMeasure.text(mark.point.y ?? 0))"
          items.append("[\(Int(mark.x.rounded())),\(script(chart.placeText(mark.point.x))),\(script(value))]")
        }
      }
      return "[\(items.joined(separator: ","))]"
    }
    return "[\(panels.joined(separator: ","))]"
  }

  /// A text as a literal of a script inside a page: nothing in it can end the script.
  private static func script(_ text: String) -> String {
    DynamicValue.string(text).json.split(separator: "<", omittingEmptySubsequences: false).joined(separator: "\\u003c")
  }
}
