"""The page: one HTML file that needs nothing else, neither files beside it nor a network."""

import base64
import os
import struct
from dataclasses import dataclass, field
from html import escape
from urllib.parse import quote


@dataclass
class Figure:
    """name: of the PNG file and the anchor. sources: list of (file beside the page, path in it)."""
    name: str
    heading: str
    alt: str
    caption: str
    sources: list
    picture: bytes


@dataclass
class Section:
    """A part of the page: notes say what is not drawn and why; html follows the figures."""
    name: str
    heading: str
    figures: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    html: list = field(default_factory=list)


def table(rows, heads, caption=""):
    """Rows of verdicts.Row."""
    lines = [f"<table>{_caption(caption)}",
             "<thead><tr>" + "".join(f'<th scope="col">{escape(h)}</th>' for h in heads) + "</tr></thead>", "<tbody>"]
    for row in rows:
        key = f' data-key="{escape(row.key)}"' if row.key else ""
        verdict = f'<span class="{row.level}">{escape(row.verdict)}</span>' if row.verdict else ""
        lines.append(f'<tr{key}><th scope="row">{escape(row.name)}</th><td class="value">{escape(row.value)}</td>'
                     f"<td>{verdict}</td></tr>")
    return _wide("\n".join(lines + ["</tbody>", "</table>"]), caption or heads[0])


def grid(rows, heads, caption):
    """Rows of texts: the first names the row, the others are numbers."""
    lines = [f"<table>{_caption(caption)}", f'<thead><tr><th scope="col">{escape(heads[0])}</th>'
             + "".join(f'<th scope="col" class="number">{escape(h)}</th>' for h in heads[1:]) + "</tr></thead>",
             "<tbody>"]
    for first, *others in rows:
        lines.append(f'<tr><th scope="row">{escape(first)}</th>'
                     + "".join(f'<td class="number">{escape(cell)}</td>' for cell in others) + "</tr>")
    return _wide("\n".join(lines + ["</tbody>", "</table>"]), caption)


def _caption(text):
    return f"<caption>{escape(text)}</caption>" if text else ""


def _wide(html, label):
    """A table that scrolls where it is wider than the page, with the keyboard too."""
    return f'<div class="wide" tabindex="0" role="region" aria-label="{escape(label)}">\n{html}\n</div>'


def bullets(items):
    return '<ul class="advice">' + "".join(f"<li>{_with_code(item)}</li>" for item in items) + "</ul>"


def _with_code(text):
    """`commands` in a face of their own."""
    parts = escape(text).split("`")
    return "".join(part if i % 2 == 0 else f"<code>{part}</code>" for i, part in enumerate(parts))


def folded(title, text, is_open):
    return (f"<details{' open' if is_open else ''}><summary>{escape(title)}</summary>"
            f'<pre tabindex="0">{escape(text)}</pre></details>')


def folded_html(title, html):
    return f"<details><summary>{escape(title)}</summary>\n{html}\n</details>"


def _tile(tile):
    verdict = f'<div class="verdict"><span class="{tile.level}">{escape(tile.verdict)}</span></div>'
    verdict = verdict if tile.verdict else ""
    return (f'<li class="tile"><div class="name">{escape(tile.name)}</div><div class="value">{escape(tile.value)}</div>'
            f'<div class="context">{escape(tile.context)}</div>{verdict}</li>')


def _figure(figure):
    width, height = struct.unpack(">II", figure.picture[16:24])
    picture = "figures/" + quote(figure.name) + ".png"
    data = "data:image/png;base64," + base64.b64encode(figure.picture).decode("ascii")
    sources = ", ".join(f'<a href="{quote(file)}">{escape(file)}</a> <code>{escape(path)}</code>'
                        for file, path in figure.sources)
    return [f"<h3>{escape(figure.heading)}</h3>", f'<figure id="{escape(figure.name)}">',
            f'<a class="picture" href="{picture}"><img alt="{escape(figure.alt)}" width="{width}" height="{height}" '
            f'src="{data}"></a>',
            f'<figcaption><p>{_with_code(figure.caption)}</p><p class="files">Data: {sources} · Picture: '
            f'<a href="{picture}">{escape(picture)}</a></p></figcaption>', "</figure>"]


def _contents(sections):
    lines = ['<nav aria-label="Contents"><h2>Contents</h2><ul>']
    for section in sections:
        inner = "".join(f'<li><a href="#{escape(f.name)}">{escape(f.heading)}</a></li>' for f in section.figures)
        inner = f"<ul>{inner}</ul>" if inner else ""
        lines.append(f'<li><a href="#{section.name}">{escape(section.heading)}</a>{inner}</li>')
    return lines + ["</ul></nav>"]


def page(title, lead, notes, tiles, sections, footer):
    """Returns the page as text. tiles: list of verdicts.Tile, in the first section."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "page.css"), encoding="utf-8") as file:
        css = file.read()
    parts = ["<!DOCTYPE html>", '<html lang="en">', "<head>", '<meta charset="utf-8">',
             '<meta name="viewport" content="width=device-width, initial-scale=1">',
             f"<title>{escape(title)} – Callosum</title>", f"<style>\n{css}</style>", "</head>", "<body>",
             '<a class="skip" href="#main">Skip to the report</a>', '<div class="frame">', *_contents(sections),
             '<main id="main">', f'<header><div class="product">Callosum</div><h1>{escape(title)}</h1>'
             f'<p class="lead">{escape(lead)}</p></header>']
    parts += [f'<p class="note">{escape(note)}</p>' for note in notes]
    for number, section in enumerate(sections):
        heading = f'<h2>{escape(section.heading)}</h2>' if number else ""
        parts.append(f'<section id="{section.name}" aria-label="{escape(section.heading)}">{heading}')
        if number == 0 and tiles:
            parts += ['<ul class="tiles">', *(_tile(tile) for tile in tiles), "</ul>"]
        parts += [f'<p class="note">{escape(note)}</p>' for note in section.notes]
        for figure in section.figures:
            parts += _figure(figure)
        parts += section.html + ["</section>"]
    parts += [f"<footer>{escape(footer)}</footer>", "</main>", "</div>", "</body>", "</html>", ""]
    return "\n".join(parts)
