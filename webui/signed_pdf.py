"""Parts of facts as a PDF to print and sign: the hand-over report, the certificate of destruction."""

from __future__ import annotations

import io
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any

from flask import Response, request
from flask_babel import get_locale
from reportlab.graphics.barcode.qr import QrCodeWidget
from reportlab.graphics.shapes import Drawing
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from appliance.outside.pdf_fonts import BUILT_IN, font_for, has

_QR_MM = 32


@dataclass(frozen=True)
class Part:
    """One part of the report; a row is (what, value, state), state good | bad | open | empty."""

    title: str
    rows: list[tuple[str, str, str]]


def signed_pdf(title: str, parts: list[Part], signed: list[str], by: str, what: str) -> Response:
    """Parts as a PDF with lines for names; `what` stands in the file's name."""
    url = request.url_root
    words = [title, by, url, *signed, *(part.title for part in parts)]
    words += [text for part in parts for row in part.rows for text in row[:2]]
    font = font_for("".join(words)) or BUILT_IN
    data = _Pdf(font).make(title, parts, signed, by, url)
    name = f"callbox-{what}-{socket.gethostname()}-{datetime.now(UTC):%Y%m%d}.pdf"
    return Response(
        data, content_type="application/pdf", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


class _Pdf:
    def __init__(self, font: str) -> None:
        self._font = font
        wrap = "CJK" if str(get_locale()) == "zh" else None
        self._body = ParagraphStyle("body", fontName=font, fontSize=9, leading=12, wordWrap=wrap)
        self._head = ParagraphStyle("head", parent=self._body, fontSize=12, leading=18)
        self._title = ParagraphStyle("title", parent=self._body, fontSize=18, leading=26)

    def _say(self, text: str, style: ParagraphStyle | None = None) -> Paragraph:
        known = "".join(c if c == " " or has(self._font, c) else "?" for c in text)
        return Paragraph(escape(known, quote=False), style or self._body)

    def _grid(self, rows: list[list[Any]], widths: tuple[float, ...]) -> Table:
        line = ("LINEBELOW", (0, 0), (-1, -1), 0.3, colors.HexColor("#bbbbbb"))
        style = TableStyle([line, ("VALIGN", (0, 0), (-1, -1), "TOP")])
        return Table(rows, colWidths=widths, hAlign="LEFT", style=style)

    def _part(self, part: Part) -> list[Any]:
        rows = []
        for name, value, state in part.rows:
            colour = {"good": "#1a7f37", "bad": "#cf222e", "open": "#9a6700"}.get(state, "#000000")
            value_style = ParagraphStyle("value", parent=self._body, textColor=colors.HexColor(colour))
            rows.append([self._say(name), self._say(value, value_style)])
        return [self._say(part.title, self._head), self._grid(rows, (58 * mm, 116 * mm)), Spacer(1, 4 * mm)]

    def make(self, title: str, parts: list[Part], signed: list[str], by: str, url: str) -> bytes:
        """The PDF's bytes."""
        code = QrCodeWidget(url, barLevel="M", barWidth=_QR_MM * mm, barHeight=_QR_MM * mm)
        picture = Drawing(_QR_MM * mm, _QR_MM * mm)
        picture.add(code)
        top = Table([[self._say(title, self._title), picture], [self._say(url), ""]], colWidths=(140 * mm, 34 * mm),
                    style=TableStyle([("SPAN", (1, 0), (1, 1)), ("VALIGN", (0, 0), (-1, -1), "TOP")]))  # fmt: skip
        flow: list[Any] = [top, Spacer(1, 4 * mm)]
        for part in parts:
            flow += [KeepTogether(self._part(part))] if len(part.rows) < 12 else self._part(part)
        lines = [[self._say(signed[0]), self._say(by)], [self._say(signed[1]), ""], [self._say(signed[2]), ""]]
        flow.append(KeepTogether([Spacer(1, 6 * mm), self._grid(lines, (58 * mm, 116 * mm))]))
        out = io.BytesIO()
        SimpleDocTemplate(
            out, pagesize=A4, leftMargin=18 * mm, rightMargin=18 * mm, topMargin=15 * mm, bottomMargin=15 * mm,
            title=title, author="Callbox", lang=str(get_locale()),
        ).build(flow)  # fmt: skip
        return out.getvalue()
