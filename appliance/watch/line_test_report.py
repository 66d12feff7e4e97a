"""The line test's report: one A4 page (more when there are many figures) as PDF, signed by the box.

Without a font (`outside.pdf_fonts`) that has the reader's letters the words are English, and letters of a pair's name
that no font has are shown as `?`.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime
from html import escape
from zoneinfo import ZoneInfo

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from appliance import texts
from appliance.domain.line_limits import Verdict
from appliance.outside.pdf_fonts import BUILT_IN, font_for, has
from appliance.outside.pdf_fonts import font as registered
from appliance.watch.box_key import BoxKey
from appliance.watch.line_test import result_as_dict, shown
from appliance.watch.line_test_book import Result

_COLOURS = {Verdict.OK: "#1a7f37", Verdict.WARN: "#9a6700", Verdict.BAD: "#cf222e"}
_VISITS = 6
_WIDTHS = (36 * mm, 32 * mm, 26 * mm, 80 * mm)

Words = Callable[..., texts.Words]


def write_report(result: Result, visits: list[Result], key: BoxKey, *, language: str, timezone: str) -> bytes:
    """The signed report of one result; `visits` are all results of its pair. Same input, same bytes."""
    for speech in (language, "en"):
        report = _Report(result, visits, key.public, speech, ZoneInfo(timezone))
        font = font_for(report.letters)
        if font is not None:
            break
    return key.signed(report.pdf(font or BUILT_IN))


class _Report:
    def __init__(self, result: Result, visits: list[Result], public: str, language: str, zone: ZoneInfo) -> None:
        self._result, self._public, self._zone = result, public, zone
        self._language = language
        comparable = [visit for visit in visits if visit.simulated == result.simulated]
        self._facts = result_as_dict(result, visits)
        self._visits = sorted(comparable, key=lambda visit: visit.at_unix_s)[-_VISITS:]

    def _say(self, text_id: str, **figures: object) -> texts.Words:
        said = texts.words(f"line_test.{text_id}", self._language, figures)
        return said or texts.Words(text_id, text_id)

    def _when(self, unix_s: float, pattern: str = "%Y-%m-%d %H:%M") -> str:
        return datetime.fromtimestamp(unix_s, self._zone).strftime(pattern)

    # ---- content: everything as text, so that a font can be chosen for it ----------------------------------------

    def _head(self) -> list[tuple[str, str]]:
        result = self._result
        rows = [("pair", result.pair), ("when", f"{self._when(result.at_unix_s)} {self._zone.key}"),
                ("who", result.by), ("instrument", result.instrument),
                ("verdict", self._say(f"verdict.{result.verdict}").title)]  # fmt: skip
        return [(self._say(f"report.{name}").title, value) for name, value in rows]

    def _figures(self) -> list[tuple[Verdict | None, list[str]]]:
        rows: list[tuple[Verdict | None, list[str]]] = []
        colon = "：" if self._language == "zh" else ": "
        for figure in self._facts["figures"]:
            meant = self._say(f"{figure['quantity']}.{figure['reason']}")
            moved = "" if figure["change"] is None else f" ({figure['change']:+.0%})"
            verdict = Verdict(figure["verdict"])
            rows.append(
                (verdict, [self._say(f"name.{figure['quantity']}").title, figure["shown"] + moved,
                           self._say(f"verdict.{verdict}").title, f"{meant.title}{colon}{meant.text}"])
            )  # fmt: skip
        measured = {figure.step for figure in self._result.figures}
        none = self._say("report.none").title
        missed = [step for step in self._result.steps if step not in measured]
        return [*rows, *((None, [self._say(f"step.{step}").title, "", none, ""]) for step in missed)]

    def _trend(self) -> list[list[str]]:
        names = list(dict.fromkeys(figure.quantity for visit in self._visits for figure in visit.figures))
        table = [["", *(self._when(visit.at_unix_s, "%y-%m-%d") for visit in self._visits)]]
        for name in names:
            row = [self._say(f"name.{name}").title]
            for visit in self._visits:
                found = next((figure for figure in visit.figures if figure.quantity == name), None)
                row.append("" if found is None else shown(name, found.value, found.unit))
            table.append(row)
        return table

    def _sources(self) -> list[str]:
        return list(dict.fromkeys(figure.source for figure in self._result.figures))

    @property
    def letters(self) -> str:
        """All that is printed."""
        parts = [text for row in self._head() for text in row]
        parts += [text for _, row in self._figures() for text in row]
        parts += [text for row in self._trend() for text in row]
        parts += [self._say(f"report.{name}").title for name in ("title", "quantity", "value", "what", "trend")]
        parts += [self._say("report.simulated").title, *self._sources()]
        parts += [self._say("report.limits").title, self._say("report.key").title, self._say("report.key").text]
        return "".join(parts)

    # ---- form ----------------------------------------------------------------------------------------------------

    def pdf(self, font: str) -> bytes:
        """The page as PDF."""
        self._font = font
        if font != BUILT_IN:
            registered(font)
        body = ParagraphStyle("body", fontName=font, fontSize=9, leading=12, wordWrap="CJK" if font[0] == "w" else None)
        small = ParagraphStyle("small", parent=body, fontSize=7, leading=9, textColor=colors.HexColor("#444444"))
        title = ParagraphStyle("title", parent=body, fontSize=18, leading=24)
        flow = [Paragraph(self._safe(f"{self._say('report.title').title}: {self._result.pair}"), title)]
        if self._result.simulated:
            flow.append(Paragraph(self._safe(self._say("report.simulated").title), _red(body)))
        flow += [self._grid([[self._cell(text, body) for text in row] for row in self._head()], (38 * mm, 136 * mm)),
                 Spacer(1, 5 * mm), self._figure_table(body)]  # fmt: skip
        if len(self._visits) > 1:
            flow += [Spacer(1, 5 * mm), Paragraph(self._safe(self._say("report.trend").title), body)]
            rows = [[self._cell(text, small) for text in row] for row in self._trend()]
            flow.append(self._grid(rows, (42 * mm, *[22 * mm] * len(self._visits))))
        flow += [Spacer(1, 5 * mm), Paragraph(
            self._safe(self._say("report.limits", version=self._result.limits_version).title), small)]  # fmt: skip
        flow += [Paragraph(self._safe(f"- {source}"), small) for source in self._sources()]
        signed = self._say("report.key", key=self._public)
        flow.append(Spacer(1, 4 * mm))
        flow += [Paragraph(self._safe(text), small) for text in (signed.title, signed.text)]
        out = io.BytesIO()
        SimpleDocTemplate(
            out, pagesize=A4, leftMargin=18 * mm, rightMargin=18 * mm, topMargin=15 * mm, bottomMargin=15 * mm,
            title=f"{self._say('report.title').title} {self._result.pair}", author="Callbox",
            subject=self._result.id, lang=self._language, invariant=1,
        ).build(flow)  # fmt: skip
        return out.getvalue()

    def _figure_table(self, body: ParagraphStyle) -> Table:
        columns = ("quantity", "value", "verdict", "what")
        rows = [[self._cell(self._say(f"report.{name}").title, body) for name in columns]]
        for verdict, cells in self._figures():
            colour = _COLOURS[verdict] if verdict is not None else "#444444"
            mark = ParagraphStyle("mark", parent=body, textColor=colors.HexColor(colour))
            rows.append([self._cell(text, mark if at == 2 else body) for at, text in enumerate(cells)])
        return self._grid(rows, _WIDTHS, head=True)

    def _grid(self, rows: list[list[Paragraph]], widths: tuple[float, ...], *, head: bool = False) -> Table:
        style = [("LINEBELOW", (0, 0), (-1, -1), 0.3, colors.HexColor("#bbbbbb")), ("VALIGN", (0, 0), (-1, -1), "TOP"),
                 ("TOPPADDING", (0, 0), (-1, -1), 2), ("BOTTOMPADDING", (0, 0), (-1, -1), 3)]  # fmt: skip
        if head:
            style.append(("LINEBELOW", (0, 0), (-1, 0), 1, colors.black))
        return Table(rows, colWidths=widths, style=TableStyle(style), hAlign="LEFT", repeatRows=int(head))

    def _cell(self, text: str, style: ParagraphStyle) -> Paragraph:
        return Paragraph(self._safe(text), style)

    def _safe(self, text: str) -> str:
        """Printable with the chosen font, and no mark-up."""
        known = "".join(letter if letter == " " or has(self._font, letter) else "?" for letter in text)
        return escape(known, quote=False)


def _red(style: ParagraphStyle) -> ParagraphStyle:
    colour = colors.HexColor(_COLOURS[Verdict.BAD])
    return ParagraphStyle("red", parent=style, fontSize=11, leading=15, textColor=colour)
