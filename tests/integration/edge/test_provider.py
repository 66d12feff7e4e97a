"""A trunk to a provider: the box registers there and answers its challenge (sipp plays the provider and checks)."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from appliance.settings import Home, Settings
from appliance.telephony.edge import control
from tests.integration.edge.box import WORKERS, Service, alive
from tests.integration.edge.sipkit import UdpLine, request, sdp, waited

pytestmark = pytest.mark.integration

SCENARIO = Path(__file__).parent / "provider.xml"


@pytest.fixture(scope="module")
def provider(private_network: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The provider stands before the edge starts; gives sipp's message log."""
    folder = tmp_path_factory.mktemp("provider")
    log = folder / "messages.log"
    process = subprocess.Popen(
        [
            "sipp", "-sf", str(SCENARIO), "-i", "127.0.1.9", "-p", "5060", "-nostdin", "-trace_msg",
            "-message_file", str(log), "-timeout", "60", "-m", "1000",
        ],
        cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    yield log
    process.kill()
    process.wait(5)


@pytest.fixture(scope="module")
def registered_edge(provider: Path, edge: Service, box: tuple[Home, Settings]) -> Service:
    def done() -> bool:
        found = control.provider_registrations(box[0])
        return found.get("provider", False)

    assert waited(done, 20.0), edge.log.read_text()[-2000:]
    return edge


def test_the_box_registers_at_the_provider(registered_edge: Service, provider: Path) -> None:
    text = provider.read_text()
    assert "REGISTER sip:sip.provider.example SIP/2.0" in text
    assert re.search(r"Contact: <sip:provider@127\.0\.2\.1:5060>", text)
    assert "127.0.0.1" not in re.sub(r"(?s).*(REGISTER sip:sip\.provider.*?\r?\n\r?\n).*", r"\1", text)


def test_the_provider_s_challenge_is_answered(registered_edge: Service, provider: Path) -> None:
    with closing(UdpLine(("127.0.0.1", 20000), WORKERS)) as worker:
        invite = request(
            "INVITE", "sip:+8613800138000@callbox", local=worker.local, sender="sip:+861088886666@callbox",
            headers=("X-Callbox-Trunk: provider",), body=sdp("127.0.2.1", 22000),
        )  # fmt: skip
        worker.send(invite)
        answer = worker.final(4.0)
        assert answer is not None
        assert answer.status == 200
        assert answer.get("CSeq") == "1 INVITE"
        routes = [route.strip() for route in ",".join(answer.all("Record-Route")).split(",")]
        tag = re.search(r"tag=([^;>]+)", answer.get("To"))
        assert tag
        contact = re.search(r"<([^>]+)>", answer.get("Contact"))
        assert contact
        common = {
            "local": worker.local, "sender": "sip:+861088886666@callbox", "to": "sip:+8613800138000@callbox",
            "call_id": answer.get("Call-ID"), "to_tag": tag.group(1),
            "headers": tuple(f"Route: {route}" for route in reversed(routes)),
        }  # fmt: skip
        worker.send(request("ACK", contact.group(1), cseq=1, **common))
        worker.send(request("BYE", contact.group(1), cseq=2, **common))
        ended = worker.wait(lambda m: m.status == 200 and "BYE" in m.get("CSeq"))
        assert ended is not None
    sent = re.findall(r"(?m)^(INVITE|ACK|BYE) sip:.*?^CSeq: (\d+) ", provider.read_text(), re.S)
    assert ("INVITE", "1") in sent
    assert ("INVITE", "2") in sent  # RFC 3261 22.2: the answer to a challenge raises CSeq
    assert [number for method, number in sent if method == "BYE"] == ["3"]
    assert "INVITE sip:+8613800138000@sip.provider.example SIP/2.0" in provider.read_text()
    assert alive()
