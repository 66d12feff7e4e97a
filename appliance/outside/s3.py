"""Files to an S3 storage: signed PUT and HEAD (AWS Signature Version 4), each file checked by its SHA-256.

Only what copies need: no listing, no multi-part. The storage itself checks the digest that is signed into the request
(`x-amz-content-sha256`) and keeps it (`x-amz-meta-sha256`), which is read back.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

from appliance.errors import BoxError

LARGEST = 5 * 2**30
"""Of one PUT, as Amazon has it."""
_TIMEOUT_S = 60.0
_EMPTY = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class Bucket:
    """A bucket and how to enter it. `endpoint` https://host (path style); empty: Amazon's host of the bucket."""

    name: str
    region: str
    access_key: str
    secret_key: str = field(repr=False)
    endpoint: str = ""

    @property
    def base(self) -> str:
        return f"{self.endpoint.rstrip('/')}/{self.name}" if self.endpoint else f"https://{self.name}.s3.amazonaws.com"


def authorization(
    bucket: Bucket, method: str, host: str, path: str, headers: dict[str, str], payload: str, at: datetime
) -> str:
    """The Authorization header of a request without a query. `headers` are signed as they are (lower-case names)."""
    stamp, day = at.strftime("%Y%m%dT%H%M%SZ"), at.strftime("%Y%m%d")
    signed = {**headers, "host": host, "x-amz-content-sha256": payload, "x-amz-date": stamp}
    names = ";".join(sorted(signed))
    lines = "".join(f"{name}:{signed[name].strip()}\n" for name in sorted(signed))
    request = hashlib.sha256(f"{method}\n{path}\n\n{lines}\n{names}\n{payload}".encode()).hexdigest()
    scope = f"{day}/{bucket.region}/s3/aws4_request"
    key = f"AWS4{bucket.secret_key}".encode()
    for part in (day, bucket.region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{request}".encode(), "sha256").hex()
    return f"AWS4-HMAC-SHA256 Credential={bucket.access_key}/{scope},SignedHeaders={names},Signature={signature}"


def put(bucket: Bucket, name: str, path: Path, digest: str, tls: ssl.SSLContext | None = None) -> None:
    """Send a file of this SHA-256 and read back what stands there. Raises BoxError `s3.failed`."""
    size = path.stat().st_size
    if size > LARGEST:
        raise BoxError("s3.too_large", f"{path.name} is larger than one S3 transfer may be (5 GB).")
    with path.open("rb") as body:
        _ask(bucket, "PUT", name, {"content-length": str(size), "x-amz-meta-sha256": digest}, digest, body, tls)
    found = _ask(bucket, "HEAD", name, {}, _EMPTY, None, tls)
    if found.get("content-length") != str(size) or found.get("x-amz-meta-sha256", digest) != digest:
        raise BoxError("s3.failed", f"{name} stands in the storage with another length or digest.", retryable=True)


def _ask(
    bucket: Bucket, method: str, name: str, headers: dict[str, str], payload: str, body: object,
    tls: ssl.SSLContext | None,
) -> dict[str, str]:  # fmt: skip
    base = urlsplit(bucket.base)
    path = quote(f"{base.path}/{name}", safe="/-_.~")
    at = datetime.now(UTC)
    sent = {
        **headers, "x-amz-content-sha256": payload, "x-amz-date": at.strftime("%Y%m%dT%H%M%SZ"),
        "authorization": authorization(bucket, method, base.netloc, path, headers, payload, at),
    }  # fmt: skip
    if base.scheme == "https":
        line: http.client.HTTPConnection = http.client.HTTPSConnection(
            base.netloc, timeout=_TIMEOUT_S, context=tls or ssl.create_default_context()
        )
    else:
        line = http.client.HTTPConnection(base.netloc, timeout=_TIMEOUT_S)
    try:
        line.request(method, path, body=body, headers=sent)  # type: ignore[arg-type]
        answer = line.getresponse()
        said = answer.read(2000).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise BoxError("s3.failed", f"The S3 storage does not answer ({error}).", retryable=True) from error
    finally:
        line.close()
    if answer.status >= 300:
        raise BoxError(
            "s3.failed", f"The S3 storage refused ({answer.status} {answer.reason}) {said[:200]}",
            retryable=answer.status >= 500,
        )  # fmt: skip
    return {key.lower(): value for key, value in answer.getheaders()}
