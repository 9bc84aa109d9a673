"""report.md as one HTML file that needs nothing else: the pictures are inside, only the sounds lie beside it."""

import base64
import re
from html import escape, unescape
from pathlib import Path
from urllib.parse import unquote

from markdown_it import MarkdownIt

STYLE = """
:root { color-scheme: light dark; --ink: #22303a; --quiet: #5b6770; --line: #d5dde2; --paper: #ffffff; --tint: #f3f6f8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf1; --quiet: #9fb0ba; --line: #33424c; --paper: #12191e; --tint: #1a242b; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper) }
body { margin: 2rem auto; max-width: 72rem; padding: 0 1rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.15rem; margin-top: 2.2rem; border-bottom: 1px solid var(--line); padding-bottom: .2rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .8rem 0; display: block; overflow-x: auto }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .7rem; text-align: right; white-space: nowrap }
th:first-child, td:first-child { text-align: left; white-space: normal } tr:nth-child(even) td { background: var(--tint) }
code { background: var(--tint); padding: .1rem .3rem; border-radius: .2rem } img { max-width: 100%; background: #fff; border-radius: .3rem }
"""


def page(title: str, markdown: str, folder: Path) -> str:
    """`markdown` with pictures named relative to `folder`, which are read from there. HTML in it is text."""
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)

    def inside(match: re.Match[str]) -> str:
        picture = base64.b64encode((folder / unquote(unescape(match[1]))).read_bytes()).decode()
        return f'src="data:image/png;base64,{picture}"'

    body = re.sub(r'src="([^":]+\.png)"', inside, body)
    body = re.sub(r'<a href="([^":]+\.wav)">([^<]*)</a>', r'\2<br><audio controls preload="none" src="\1"></audio>', body)
    named = f"<title>{escape(title)}</title>"
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">{named}'
    return f'<!doctype html>\n<html lang="en"><head>{head}<style>{STYLE}</style></head>\n<body>\n{body}</body></html>\n'
