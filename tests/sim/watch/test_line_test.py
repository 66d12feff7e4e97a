"""The line test from first step to signed report, with the simulated instruments on TCP."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from pypdf import PdfReader

from appliance.errors import BoxError, CallerError, NotFoundError
from appliance.home import Home
from appliance.outside.pdf_fonts import FONTS, font_for
from appliance.watch.box_key import BoxKey, verify_document
from appliance.watch.line_test import LineTester
from appliance.watch.line_test_book import change
from appliance.watch.line_test_report import write_report
from drivers.instruments.simulator import LanInstrument, meter_brain
from drivers.simkit.faults import Fault

pytestmark = pytest.mark.sim


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.make()
    return home


@pytest.fixture
def tester(home: Home) -> Iterator[LineTester]:
    made = LineTester(home)
    yield made
    made.close()


@pytest.fixture
def meter() -> Iterator[LanInstrument]:
    made = LanInstrument(meter_brain())
    made.start()
    yield made
    made.stop()


def run(tester: LineTester, pair: str = "MDF 3/7", profile: str = "scpi_meter") -> dict[str, object]:
    view = tester.begin(pair, "", by="ann", profile_id=profile, simulate=True)
    for _ in range(40):
        if not view["may"]:
            return view
        view = tester.act(view["id"], next(event for event in ("ready", "yes", "next") if event in view["may"]))
    raise AssertionError(f"the plan does not end: {view}")


def test_a_healthy_pair_and_its_report(tester: LineTester, home: Home) -> None:
    view = run(tester)
    assert view["state"] == "done"
    assert view["kept"] is True
    result = tester.book.results("MDF 3/7")[0]
    assert {figure.quantity: figure.reason for figure in result.figures} == {
        "on_hook_v": "good", "polarity": "normal", "ring_v": "good", "ring_hz": "good", "off_hook_v": "good",
        "loop_ma": "good", "insulation_ohm": "good",
    }  # fmt: skip
    assert result.complete
    assert result.simulated
    pdf = write_report(result, [result], tester.key, language="en", timezone="Asia/Shanghai")
    assert verify_document(pdf).key == tester.key.public == BoxKey(home.box_key).public
    text = " ".join(PdfReader(io.BytesIO(pdf)).pages[0].extract_text().split())
    for wanted in ("Line test: MDF 3/7", "-48.1 V", "24.6 mA", "42 Mohm", "SIMULATED", "Fluke TS52/TS54", "In order",
                   tester.key.public):  # fmt: skip
        assert wanted in text
    assert home.box_key.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("language", "word"), [("zh", "环路电流"), ("ru", "Ток шлейфа")])
def test_reports_speak_the_reader_s_language(tester: LineTester, language: str, word: str) -> None:
    """Without a font that has its letters the report is English; with one it is embedded."""
    run(tester)
    result = tester.book.results()[0]
    pdf = write_report(result, [result], tester.key, language=language, timezone="UTC")
    reader = PdfReader(io.BytesIO(pdf))
    text = " ".join(reader.pages[0].extract_text().split())
    assert (word if font_for(word) else "Loop current") in text
    assert "?" not in text


def test_letters_that_no_font_has(tester: LineTester, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tester, pair="三楼 7")
    result = tester.book.results()[0]
    monkeypatch.setattr("appliance.outside.pdf_fonts.FONTS", dict.fromkeys(FONTS, Path("/nowhere.ttf")))
    monkeypatch.setattr("appliance.outside.pdf_fonts.font", lambda _name: None)
    pdf = write_report(result, [result], tester.key, language="zh", timezone="UTC")
    assert "Line test: ?? 7" in " ".join(PdfReader(io.BytesIO(pdf)).pages[0].extract_text().split())


def test_a_changed_report_is_found_out(tester: LineTester) -> None:
    run(tester)
    result = tester.book.results()[0]
    pdf = write_report(result, [result], tester.key, language="en", timezone="UTC")
    for changed in (pdf.replace(b"/Author", b"/Buthor", 1), pdf[:40] + b" " + pdf[40:]):
        with pytest.raises(CallerError) as told:
            verify_document(changed)
        assert told.value.error_id == "signature.wrong"
    for nothing in (pdf[:-1], b"", b"%PDF-1.4", pdf.rpartition(b"\n%callbox")[0]):
        with pytest.raises(CallerError) as told:
            verify_document(nothing)
        assert told.value.error_id == "signature.none"


def test_a_forged_or_broken_line_is_left_out(tester: LineTester, home: Home) -> None:
    run(tester)
    run(tester)
    first, second = home.line_tests.read_bytes().splitlines(keepends=True)
    home.line_tests.write_bytes(first.replace(b"-48.1", b"-49.1") + b'{"half\n\xff\n' + second)
    assert len(tester.book.results()) == 1


def test_trend_over_visits(tester: LineTester, meter: LanInstrument) -> None:
    for volts in (-50.0, -50.0, -40.0):
        meter.brain.scene.on_hook_v = volts
        view = tester.begin("A1", meter.resource, by="ann")
        tester.act(view["id"], "ready")
        tester.act(view["id"], "abort")
    newest = tester.show("A1")["results"][0]
    assert newest["figures"][0]["change"] == pytest.approx(-0.2)
    assert newest["verdict"] == "warn"
    assert newest["complete"] is False
    result = tester.book.results("A1")[0]
    text = PdfReader(
        io.BytesIO(write_report(result, tester.book.results("A1"), tester.key, language="en", timezone="UTC"))
    ).pages[0].extract_text()  # fmt: skip
    assert "(-20%)" in text
    assert "Earlier visits" in text
    assert text.count("Not measured") == 4
    assert change([], 1.0) is None


def test_a_bell_before_milliamperes(tester: LineTester, meter: LanInstrument) -> None:
    """Nothing dangerous is asked of the meter while the line rings, and no yes is offered."""
    view = tester.begin("A1", meter.resource, by="ann")
    for event in ("skip", "skip", "skip", "skip"):
        view = tester.act(view["id"], event)
    assert view["step"] == "current"
    meter.brain.scene.ringing = True
    view = tester.act(view["id"], "ready")
    assert view["state"] == "trouble"
    assert view["trouble"] == {"text": "line_test.live", "found": "82.1 V AC"}
    assert "yes" not in view["may"]
    with pytest.raises(CallerError, match="does not fit"):
        tester.act(view["id"], "yes")
    assert not [command for command in meter.brain.asked if command in ("MEAS:CURR:DC?", "MEAS:RES?")]
    meter.brain.scene.ringing = False
    view = tester.act(tester.act(view["id"], "again")["id"], "ready")
    assert view["state"] == "safety"
    assert "MEAS:CURR:DC?" not in meter.brain.asked
    meter.brain.scene.off_hook = True
    assert tester.act(view["id"], "yes")["figures"][0]["shown"] == "24.6 mA"


def test_the_exchange_is_still_on_the_pair_before_ohms(tester: LineTester, meter: LanInstrument) -> None:
    view = tester.begin("A1", meter.resource, by="ann")
    for event in ("skip", "skip", "skip", "ready"):
        view = tester.act(view["id"], event)
    assert view["trouble"]["found"] == "0.01 V AC, 48.1 V DC"
    assert "MEAS:RES?" not in meter.brain.asked


def test_a_meter_in_trouble_and_well_again(tester: LineTester, meter: LanInstrument) -> None:
    view = tester.begin("A1", meter.resource, by="ann")
    meter.brain.faults = {Fault.NOISE}
    view = tester.act(view["id"], "ready")
    assert view["state"] == "trouble"
    assert view["trouble"]["error_id"] == "instrument.garbled"
    assert view["figures"] == []
    meter.brain.faults = set()
    view = tester.act(tester.act(view["id"], "again")["id"], "ready")
    assert view["figures"][0]["shown"] == "-48.1 V"
    meter.brain.scene.on_hook_v = 24.0
    view = tester.act(view["id"], "again")
    assert [(figure["shown"], figure["reason"]) for figure in view["figures"]] == [("24 V", "pbx"), ("+", "reversed")]


def test_one_test_at_a_time_and_wrong_use(tester: LineTester, meter: LanInstrument) -> None:
    view = tester.begin("A1", meter.resource, by="ann")
    with pytest.raises(CallerError) as told:
        tester.begin("A2", meter.resource, by="bob")
    assert told.value.error_id == "line_test.running"
    assert tester.act(view["id"], "abort")["kept"] is False
    with pytest.raises(NotFoundError):
        tester.act(view["id"], "ready")
    for pair, resource, profile, error_id in (
        ("", meter.resource, "scpi_meter", "line_test.pair"), ("A1", "ttyUSB0", "scpi_meter", "instrument.resource"),
        ("A1", meter.resource, "nobody", "instrument.bad_profile"),
        ("A1", meter.resource, "e1_generic", "instrument.empty_profile"),
        ("A1", meter.resource, "sim_e1_tester", "instrument.other"),
    ):  # fmt: skip
        with pytest.raises((CallerError, BoxError)) as wrong:
            tester.begin(pair, resource, by="ann", profile_id=profile)
        assert wrong.value.error_id == error_id
    assert tester.show()["running"] is None


def test_a_span(tester: LineTester) -> None:
    assert run(tester, pair="E1-1", profile="sim_e1_tester")["state"] == "done"
    result = tester.book.results("E1-1")[0]
    assert [figure.quantity for figure in result.figures] == ["ber", "slips", "offset_ppm"]
    assert result.verdict == "ok"
