"""Articles as HTML, versions compared, keys made from words."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webui.line_diff import line_diff
from webui.markup import article_html
from webui.supervisor.form_questions import key_of

pytestmark = pytest.mark.unit


def test_markdown_is_shown_and_html_is_not() -> None:
    html = article_html("# T\n**b** [l](https://a.b) <b onclick=x>\n\n|a|\n|-|\n|1|\n\n![i](http://e/x.png)")
    assert "<strong>b</strong>" in html
    assert 'href="https://a.b" target="_blank" rel="noopener noreferrer"' in html
    assert "<td>1</td>" in html
    assert "<img" not in html
    assert "&lt;b onclick=x&gt;" in html


@pytest.mark.parametrize("target", ["javascript:alert(1)", "JaVaScRiPt:x", "data:text/html,x", "vbscript:x", "file:///etc"])
def test_no_link_runs_anything(target: str) -> None:
    for text in (f"[x]({target})", f"[x]: {target}\n\n[x]", f"<{target}>"):
        assert "href=" not in article_html(text)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200))
def test_no_text_makes_another_tag(text: str) -> None:
    tags = {tag.lower() for tag in re.findall(r"</?([a-zA-Z][a-zA-Z0-9]*)", article_html(text))}
    assert not tags & {"script", "img", "iframe", "svg", "style", "form", "input", "object"}


def test_lines_that_came_and_went() -> None:
    before = "\n".join(f"line {n}" for n in range(20))
    found = line_diff(before, before.replace("line 10", "line ten"))
    assert ("-", "line 10") in found
    assert ("+", "line ten") in found
    assert found[0] == ("…", "")
    assert len(found) == 9
    assert line_diff("same", "same") == []
    assert line_diff("", "new") == [("+", "new")]


def test_keys_from_words() -> None:
    assert [key_of(one) for one in ("Wants it?", "颜色", "3 pieces", "x" * 99)] == ["wants_it", "", "", "x" * 40]
