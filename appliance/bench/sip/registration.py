"""Registration of a phone with digest (RFC 3261, sections 10 and 22; RFC 7616 with MD5 as desk phones do it)."""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets

from appliance.bench.sip.dialog import UserAgent
from appliance.bench.sip.endpoint import Address
from appliance.bench.sip.message import Message, address_uri, new_tag, parameter

_FIELD = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))')
_RETRY_S = 2.0


def digest_authorization(challenge: str, *, method: str, uri: str, user: str, password: str, count: int = 1) -> str:
    """The Authorization value for a challenge. Raises ValueError for a scheme that is not Digest with MD5."""
    scheme, _, rest = challenge.partition(" ")
    fields = {name.lower(): quoted or plain for name, quoted, plain in _FIELD.findall(rest)}
    if scheme.lower() != "digest" or fields.get("algorithm", "MD5").upper() != "MD5":
        raise ValueError(f"cannot answer the challenge {challenge[:60]!r}")
    realm, nonce = fields.get("realm", ""), fields.get("nonce", "")
    ha1, ha2 = _md5(f"{user}:{realm}:{password}"), _md5(f"{method}:{uri}")
    answer = f'Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}", algorithm=MD5'
    if "auth" in re.split(r"[\s,]+", fields.get("qop", "")):
        cnonce, number = secrets.token_hex(8), f"{count:08x}"
        response = _md5(f"{ha1}:{nonce}:{number}:{cnonce}:auth:{ha2}")
        answer += f', qop=auth, nc={number}, cnonce="{cnonce}"'
    else:
        response = _md5(f"{ha1}:{nonce}:{ha2}")
    if "opaque" in fields:
        answer += f', opaque="{fields["opaque"]}"'
    return f'{answer}, response="{response}"'


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


class Registration:
    """Keeps one address of record registered at a registrar while `run` runs."""

    def __init__(
        self, agent: UserAgent, registrar: Address, *, user: str, realm: str, password: str, expires_s: int = 60
    ) -> None:
        self.registered = asyncio.Event()
        self.last_status = 0
        self._agent = agent
        self._registrar = registrar
        self._user, self._realm, self._password = user, realm, password
        self._expires_s = expires_s
        self._call_id = f"{new_tag()}{new_tag()}@{agent.endpoint.address[0]}"
        self._tag = new_tag()
        self._cseq = 0

    async def run(self) -> None:
        """Register, refresh at half the granted life, try again two seconds after a failure. Ends by cancelling."""
        while True:
            granted_s = await self._register(self._expires_s)
            if granted_s:
                self.registered.set()
                await asyncio.sleep(granted_s / 2)
            else:
                self.registered.clear()
                await asyncio.sleep(_RETRY_S)

    async def remove(self) -> None:
        """Unregister; waits at most a second for the answer."""
        try:
            async with asyncio.timeout(1.0):
                await self._register(0)
        except TimeoutError:
            self._agent.log.warning("unregistering was not answered", user=self._user)
        self.registered.clear()

    async def _register(self, expires_s: int) -> int:
        """Returns the granted life in seconds, 0 when refused or not answered."""
        response = await self._send(expires_s, "")
        if response.status in (401, 407):
            name = "www-authenticate" if response.status == 401 else "proxy-authenticate"
            authorization = digest_authorization(
                response.get(name), method="REGISTER", uri=f"sip:{self._realm}", user=self._user,
                password=self._password,
            )  # fmt: skip
            response = await self._send(expires_s, authorization, proxy=response.status == 407)
        if response.status != self.last_status and response.status != 200:
            self._agent.log.warning("registration refused", user=self._user, status=response.status)
        self.last_status = response.status
        if response.status != 200:
            return 0
        ours = address_uri(self._agent.contact)
        for contact in response.all("contact"):
            granted = parameter(contact, "expires")
            if address_uri(contact).partition(";")[0] == ours and granted.isdigit():
                return int(granted)
        granted = response.get("expires")
        return int(granted) if granted.isdigit() else expires_s

    async def _send(self, expires_s: int, authorization: str, *, proxy: bool = False) -> Message:
        self._cseq += 1
        request = Message(method="REGISTER", uri=f"sip:{self._realm}")
        address = f"<sip:{self._user}@{self._realm}>"
        request.add("max-forwards", "70").add("from", f"{address};tag={self._tag}").add("to", address)
        request.add("call-id", self._call_id).add("cseq", f"{self._cseq} REGISTER")
        request.add("contact", self._agent.contact).add("expires", str(expires_s))
        if authorization:
            request.add("proxy-authorization" if proxy else "authorization", authorization)
        answer: asyncio.Future[Message] = self._agent.endpoint.loop.create_future()

        def on_response(response: Message) -> None:
            if response.status >= 200 and not answer.done():
                answer.set_result(response)

        self._agent.endpoint.request(request, self._registrar, on_response)
        return await answer
