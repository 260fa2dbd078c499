"""The page: one HTML file that needs nothing else, neither files beside it nor a network."""

from html import escape

from style import data_uri

CSS = """
:root { --ink: #1f2933; --muted: #5b6775; --line: #e3e7ec; --paper: #ffffff; --back: #f6f7f9;
        --good: #00664b; --good-back: #e2f3ed; --look: #8a3c00; --look-back: #fdeee2; --blue: #0072b2; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink);
       font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1060px; margin: 0 auto; padding: 40px 24px 80px; }
header .product { color: var(--blue); font-weight: 600; letter-spacing: .02em; }
h1 { font-size: 34px; line-height: 1.15; margin: 4px 0 6px; letter-spacing: -.01em; }
h2 { font-size: 21px; margin: 44px 0 12px; letter-spacing: -.005em; }
p, figcaption { max-width: 76ch; }
.lead { color: var(--muted); margin: 0 0 24px; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(210px, 1fr)); gap: 14px; margin: 0 0 22px; }
.card { background: var(--paper); border: 1px solid var(--line); border-radius: 10px; padding: 16px 18px; }
.card .name { color: var(--muted); font-size: 14px; }
.card .value { font-size: 30px; font-weight: 650; letter-spacing: -.02em; line-height: 1.2;
               font-variant-numeric: tabular-nums; }
.card .context { color: var(--muted); font-size: 14px; }
table { border-collapse: collapse; width: 100%; background: var(--paper); border: 1px solid var(--line);
        border-radius: 10px; overflow: hidden; font-size: 15px; }
th, td { text-align: left; padding: 9px 16px; border-top: 1px solid var(--line); vertical-align: baseline; }
tr:first-child > * { border-top: 0; }
thead th { color: var(--muted); font-weight: 500; font-size: 13px; background: #fbfcfd; }
tbody th { font-weight: 450; width: 38%; }
td.value { font-weight: 600; font-variant-numeric: tabular-nums; white-space: nowrap; }
.good, .look { display: inline-block; padding: 1px 10px; border-radius: 999px; }
.good { color: var(--good); background: var(--good-back); }
.look { color: var(--look); background: var(--look-back); }
.good::before { content: "\\2713\\00a0"; } .look::before { content: "!\\00a0"; font-weight: 700; }
.plain { color: var(--muted); }
.note { background: var(--look-back); color: var(--look); border-radius: 10px; padding: 12px 18px; margin: 0 0 22px; }
figure { margin: 0; background: var(--paper); border: 1px solid var(--line); border-radius: 10px; padding: 18px; }
figure img { width: 100%; height: auto; display: block; }
figcaption { color: var(--muted); font-size: 15px; padding: 12px 4px 0; }
footer { color: var(--muted); font-size: 14px; margin-top: 48px; }
@media print { body { background: white; } figure, .card, table { break-inside: avoid; } main { padding: 0; } }
"""


def _table(rows, heads):
    lines = ["<table>", "<thead><tr>" + "".join(f"<th scope=\"col\">{h}</th>" for h in heads) + "</tr></thead>",
             "<tbody>"]
    for row in rows:
        key = f' data-key="{escape(row.key)}"' if row.key else ""
        verdict = f'<span class="{row.level}">{escape(row.verdict)}</span>' if row.verdict else ""
        lines.append(f'<tr{key}><th scope="row">{escape(row.name)}</th><td class="value">{escape(row.value)}</td>'
                     f"<td>{verdict}</td></tr>")
    return "\n".join(lines + ["</tbody>", "</table>"])


def page(title, lead, notes, cards, activity, machine, figures):
    """figures: list of (name, heading, caption, PNG bytes). Returns the page as text."""
    parts = ["<!DOCTYPE html>", '<html lang="en">', "<head>", '<meta charset="utf-8">',
             '<meta name="viewport" content="width=device-width, initial-scale=1">',
             f"<title>{escape(title)} – Callosum</title>", f"<style>{CSS}</style>", "</head>", "<body>", "<main>",
             f'<header><div class="product">Callosum</div><h1>{escape(title)}</h1><p class="lead">{escape(lead)}</p>'
             "</header>"]
    parts += [f'<p class="note">{escape(note)}</p>' for note in notes]
    if cards:
        parts.append('<div class="cards">')
        parts += [f'<div class="card"><div class="name">{escape(name)}</div><div class="value">{escape(value)}</div>'
                  f'<div class="context">{escape(context)}</div></div>' for value, context, name in cards]
        parts.append("</div>")
    if activity:
        parts.append(_table(activity, ("What the network did", "Value", "In plain words")))
    for name, heading, caption, png_bytes in figures:
        parts += [f"<h2>{escape(heading)}</h2>", f'<figure id="{name}">',
                  f'<img alt="{escape(heading)}" src="{data_uri(png_bytes)}">',
                  f"<figcaption>{escape(caption)}</figcaption>", "</figure>"]
    if machine:
        parts += ["<h2>The run</h2>", _table(machine, ("What it took", "Value", ""))]
    parts += ["<footer>Every figure is also a PNG file in the folder figures beside this page; the numbers are in "
              "summary.json.</footer>", "</main>", "</body>", "</html>", ""]
    return "\n".join(parts)
