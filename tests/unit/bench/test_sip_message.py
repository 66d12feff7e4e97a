"""SIP messages: what is read, what is refused, what is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.bench.sip import sdp
from appliance.bench.sip.message import (
    Message,
    SipParseError,
    address_uri,
    parameter,
    parse,
    response_to,
    split_list,
    uri_host_port,
    uri_user,
)
from appliance.bench.sip.registration import digest_authorization

pytestmark = pytest.mark.unit

INVITE = (
    b"INVITE sip:013800138000@127.0.1.1 SIP/2.0\r\n"
    b"v: SIP/2.0/UDP 127.0.2.1:5060;branch=z9hG4bK77, SIP/2.0/UDP 127.0.0.1:20000;branch=z9hG4bKab\r\n"
    b'f: "A, B" <sip:+8610@callbox>;tag=99\r\n'
    b"To: <sip:013800138000@127.0.1.1>\r\n"
    b"i: abc@127.0.0.1\r\nCSeq: 7 INVITE\r\n"
    b"Subject: folded\r\n  on two lines\r\n"
    b'Reason: Q.850;cause=17;text="busy"\r\n'
    b"Record-Route: <sip:127.0.2.1;lr>\r\nContent-Length: 4\r\n\r\nv=0\nGARBAGE AFTER THE BODY"
)


def test_request_is_read() -> None:
    message = parse(INVITE)
    assert (message.method, uri_user(message.uri)) == ("INVITE", "013800138000")
    assert len(message.all("via")) == 2
    assert message.branch == "z9hG4bK77"
    assert parameter(message.get("from"), "tag") == "99"
    assert address_uri(message.get("from")) == "sip:+8610@callbox"
    assert message.cseq == (7, "INVITE")
    assert message.get("subject") == "folded on two lines"
    assert message.q850 == 17
    assert message.body == b"v=0\n"


def test_response_copies_what_must_be_copied() -> None:
    request = parse(INVITE)
    again = parse(response_to(request, 180, "Ringing", tag="me").to_bytes())
    assert (again.status, again.reason) == (180, "Ringing")
    assert again.all("via") == request.all("via")
    assert again.all("record-route") == request.all("record-route")
    assert parameter(again.get("to"), "tag") == "me"
    assert again.cseq == request.cseq


@pytest.mark.parametrize(
    "broken",
    [
        b"", b"\r\n\r\n", b"INVITE sip:a@b SIP/2.0", b"INVITE sip:a@b SIP/3.0\r\nVia: x\r\n\r\n",
        b"SIP/2.0 2OO OK\r\nVia: x\r\n\r\n", INVITE.replace(b"Content-Length: 4", b"Content-Length: 9999"),
        INVITE.replace(b"Content-Length: 4", b"Content-Length: -4"), INVITE.replace(b"7 INVITE", b"seven INVITE"),
        INVITE.replace(b"7 INVITE", b"7 BYE"), INVITE.replace(b"7 INVITE", b"99999999999 INVITE"),
        INVITE.replace(b"i: abc@127.0.0.1\r\n", b""), INVITE.replace(b"Subject: ", b"Sub ject "),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_refused(broken: bytes) -> None:
    with pytest.raises(SipParseError):
        parse(broken)


@given(st.binary(max_size=400), st.integers(0, len(INVITE) - 1), st.integers(0, 60))
def test_garbage_never_does_worse_than_a_parse_error(noise: bytes, at: int, cut: int) -> None:
    for data in (noise, INVITE[:at] + noise + INVITE[at + cut :]):
        try:
            message = parse(data)
        except SipParseError:
            continue
        assert parse(message.to_bytes()).headers != []
        try:
            sdp.parse(message.body)
        except sdp.SdpError:
            continue


def test_lists_and_uris() -> None:
    assert split_list('"a,b" <sip:x@y;p=1,2>;q=1, <sip:z>') == ['"a,b" <sip:x@y;p=1,2>;q=1', "<sip:z>"]
    assert uri_user("sip:+86138;phone-context=x@h") == "+86138"
    assert uri_user("sip:host") == ""
    assert uri_host_port("sip:a@127.0.0.1:5070;lr") == ("127.0.0.1", 5070)
    assert uri_host_port("sip:127.0.0.1;lr") == ("127.0.0.1", 5060)
    with pytest.raises(SipParseError):
        uri_host_port("sip:a@h:99999")


def test_description_round_trip_and_hold() -> None:
    media = sdp.parse(sdp.build("127.0.1.1", 40000, session=1))
    assert media == sdp.Media("127.0.1.1", 40000, 8, 101, "sendrecv")
    held = sdp.parse(sdp.build("127.0.1.1", 40000, session=1, direction="sendonly"))
    assert sdp.reversed_direction(held.direction) == "recvonly"
    assert sdp.parse(sdp.build("0.0.0.0", 40000, session=1)).direction == "inactive"


@pytest.mark.parametrize(
    "body", [b"", b"m=audio x RTP/AVP 8", b"m=audio 4000 RTP/AVP 0\r\nc=IN IP4 1.2.3.4", b"m=audio 4000 RTP/AVP 8"]
)
def test_description_without_use_is_refused(body: bytes) -> None:
    with pytest.raises(sdp.SdpError):
        sdp.parse(body)


def test_digest_without_qop_as_in_rfc_2069_errata() -> None:
    challenge = 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc"'
    answer = digest_authorization(
        challenge, method="GET", uri="/dir/index.html", user="Mufasa", password="CircleOfLife"
    )
    assert 'response="1949323746fe6a43ef61f9606e7febea"' in answer
    assert 'opaque="5ccc"' in answer
    with pytest.raises(ValueError, match="cannot answer"):
        digest_authorization('Digest realm="x", algorithm=SHA-256', method="GET", uri="/", user="a", password="b")


def test_all_answers_of_one_status_line() -> None:
    message = Message(status=200, reason="OK").add("Via", "x").add("Call-ID", "c")
    assert message.to_bytes().startswith(b"SIP/2.0 200 OK\r\nVia: x\r\nCall-ID: c\r\nContent-Length: 0\r\n\r\n")
