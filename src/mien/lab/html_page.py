"""A page that holds everything itself and needs no script: style, tables, pictures.

It reads on a phone too: tables become blocks there, in which each number stands below its title,
and pictures take the width that there is.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence

__all__ = ["details", "facts", "grid", "image", "page", "table", "text"]

_STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --soft: #656d76; --line: #d1d9e0; --back: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --soft: #9198a1; --line: #3d444d; --back: #0d1117; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 76rem; color: var(--ink);
  background: var(--back); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
p, figcaption { color: var(--soft); max-width: 48rem; }
figure { margin: 1rem 0; }
figcaption { font-size: .85rem; overflow-wrap: anywhere; }
img { display: block; width: 100%; max-width: 40rem; height: auto; }
.face { max-width: 26rem; }
.plots, .tiles, .squares { display: grid; gap: 0 2rem; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
.tiles { gap: .6rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 11rem), 1fr)); }
.tiles figure { margin: 0; }
.squares { gap: .6rem; grid-template-columns: repeat(auto-fill, minmax(7rem, 1fr)); }
.squares figure { margin: 0; }
.squares img { border: 1px solid var(--line); }
.squares figcaption { font-size: .68rem; line-height: 1.3; white-space: pre-line; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--line); text-align: right;
  white-space: nowrap; }
th:first-child, td:first-child, .facts td { text-align: left; }
.facts td + td { white-space: normal; overflow-wrap: anywhere; }
summary { cursor: pointer; }
pre { overflow-x: auto; font-size: .8rem; padding: .8rem; border: 1px solid var(--line);
  border-radius: 6px; }
@media (max-width: 60rem) {
  .rows, .rows tbody { display: block; }
  .rows thead { display: none; }
  .rows tr { display: grid; gap: .1rem .6rem; padding: .5rem 0;
    grid-template-columns: repeat(auto-fill, minmax(5.5rem, 1fr));
    border-bottom: 1px solid var(--line); }
  .rows td { padding: 0; border: 0; text-align: left; font-size: .78rem; white-space: normal;
    overflow-wrap: anywhere; }
  .rows td::before { content: attr(data-title); display: block; font-size: .72rem;
    color: var(--soft); }
  .rows td:first-child { grid-column: 1 / -1; font-size: .9rem; font-weight: 600; }
  .rows td:first-child::before { content: none; }
}
"""


def page(title: str, body: str) -> str:
    """The whole page; ``body`` is HTML."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{text(title)}</h1>\n{body}\n</body>\n</html>\n"
    )


def text(value: str) -> str:
    """Any text as HTML."""
    return html.escape(value, quote=True)


def facts(lines: Mapping[str, str]) -> str:
    """Two columns."""
    rows = [f"<tr><td>{text(k)}</td><td>{text(v)}</td></tr>" for k, v in lines.items()]
    return f'<table class="facts">{"".join(rows)}</table>'


def table(rows: Sequence[Sequence[str]]) -> str:
    """A table; the first row are the titles, the first column says what a row is about."""
    titles = [text(title) for title in rows[0]]

    def line(cells: Sequence[str]) -> str:
        pairs = zip(titles, cells, strict=True)
        inner = "".join(f'<td data-title="{title}">{text(cell)}</td>' for title, cell in pairs)
        return f"<tr>{inner}</tr>"

    head = "".join(f"<th>{title}</th>" for title in titles)
    body = "\n".join(map(line, rows[1:]))
    return (
        f'<div class="wide"><table class="rows"><thead><tr>{head}</tr></thead>\n'
        f"<tbody>{body}</tbody></table></div>"
    )


def image(png: bytes, caption: str, kind: str = "") -> str:
    """A picture with its caption, which is also what is read aloud.

    Args:
        png: the file.
        caption: below it.
        kind: class of the style sheet.
    """
    source = "data:image/png;base64," + base64.b64encode(png).decode()
    told, styled = text(caption), f' class="{kind}"' if kind else ""
    shown = f'<img{styled} src="{source}" alt="{told}">'
    return f"<figure>{shown}<figcaption>{told}</figcaption></figure>"


def grid(parts: Sequence[str], kind: str) -> str:
    """Figures beside each other, as many as fit: ``plots``, ``tiles`` or small ``squares``."""
    return f'<div class="{kind}">' + "\n".join(parts) + "</div>"


def details(title: str, body: str) -> str:
    """What is shown when it is asked for; ``body`` is HTML."""
    return f"<details><summary>{text(title)}</summary>\n{body}\n</details>"
