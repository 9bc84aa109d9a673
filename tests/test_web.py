"""The page as files: strict about where scripts, styles and data come from, whole, and usable without a mouse or eyes."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from parley.runtime.serve.server import POLICY

WEB = Path("parley/runtime/web")
SCRIPTS = sorted(WEB.glob("*.js"))


class Page(HTMLParser):
    """Every element as (tag, attributes), and the texts inside scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data):
        if self.elements and self.elements[-1][0] in ("script", "style") and data.strip():
            self.inline.append(data)

    def all(self, *tags: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.elements if tag in tags]


@pytest.fixture(scope="module")
def page() -> Page:
    return Page((WEB / "index.html").read_text())


def test_nothing_inline_and_a_strict_policy(page: Page):
    assert not page.inline
    for tag, attributes in page.elements:
        forbidden = [name for name in attributes if name == "style" or name.startswith("on")]
        assert not forbidden, f"<{tag}> carries {forbidden}, which the policy refuses"
    assert "default-src 'self'" in POLICY and "unsafe" not in POLICY and "http" not in POLICY
    assert not [meta for meta in page.all("meta") if "http-equiv" in meta], "the server's header alone says what the page may do"


def test_nothing_from_elsewhere():
    for file in WEB.iterdir():
        outside = [url for url in re.findall(r"(?:https?:)?//[\w-]+\.[\w./-]+", file.read_text()) if "www.w3.org" not in url]
        assert not outside, f"{file} asks for {outside}; the page must work without the internet"


def test_every_file_that_is_named_is_there(page: Page):
    named = [attributes.get("src") or attributes.get("href", "") for attributes in page.all("script", "link", "img")]
    for script in SCRIPTS:
        named += re.findall(r'(?:from|URL\()\s*"(?:\./)?([\w.]+\.js)"', script.read_text())
    assert {"app.js", "style.css", "duplex.worklet.js"} <= set(named)
    missing = [name for name in named if not (WEB / name).is_file()]
    assert not missing


def test_every_element_that_a_script_asks_for_is_on_the_page(page: Page):
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for script in SCRIPTS:
        asked = set(re.findall(r'\bat\("([\w-]+)"\)', script.read_text()))
        assert asked <= set(ids), f"{script}: {asked - set(ids)}"


def test_every_control_has_a_name(page: Page):
    labelled = {label["for"] for label in page.all("label") if "for" in label}
    for control in page.all("input", "select"):
        assert control.get("type") == "radio" or control["id"] in labelled, control
    for picture in page.all("img"):
        assert "alt" in picture
    for canvas in page.all("canvas"):
        assert canvas["role"] == "img" and canvas["aria-label"]


def test_every_trouble_that_can_be_raised_has_words():
    words = set(re.findall(r"^  (\w+): \[", (WEB / "troubles.js").read_text(), re.MULTILINE))
    sources = "".join(script.read_text() for script in SCRIPTS)
    raised = set(re.findall(r'new Trouble\("(\w+)"', sources))
    raised |= set(re.findall(r'^  \w+Error: "(\w+)"', sources, re.MULTILINE))
    fatal = re.search(r"const FATAL = new Set\(\[(.*?)\]\)", sources, re.DOTALL)
    assert fatal and raised
    raised |= set(re.findall(r'"(\w+)"', fatal.group(1))) - {"engine_failure", "start_timeout"}  # these two: "the server could not go on"
    assert raised <= words, raised - words


def test_scripts_are_small():
    for script in SCRIPTS:
        assert len(script.read_text().splitlines()) <= 300, script
