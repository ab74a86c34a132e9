"""The server's settings: the one place where it reads environment variables (``MIEN_...``).

``MIEN_HOME``, which commands without a server need as well, is read in :mod:`mien.zoo.cache`;
``MIEN_FEEDBACK_URL`` is also an option of ``mien feedback``.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Any, TypeAlias
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from ..errors import InputError
from ..heads import Output

__all__ = ["Settings"]

Names = Annotated[tuple[str, ...], NoDecode]
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
_LOOPBACK = ("127.0.0.0/8", "::1/128")
# Private, link-local, and what providers and tunnels give out behind their own routers.
_LAN = (
    *_LOOPBACK,
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"),
    *("fc00::/7", "fe80::/10"),
)
_VITE = ("http://localhost:5173", "http://127.0.0.1:5173")
# Letters that a URL, a header and a WebSocket subprotocol all carry unescaped.
_TOKEN = re.compile(r"[A-Za-z0-9._~-]{16,256}")
_NEW_TOKEN = "python -c 'import secrets; print(secrets.token_urlsafe(24))'"  # noqa: S105


class Settings(BaseSettings):
    """How the server runs. Each field is also read from ``MIEN_<FIELD>`` in capitals.

    Raises:
        InputError: a value that cannot be used; the message names the field and the remedy.
    """

    model_config = SettingsConfigDict(
        env_prefix="MIEN_", env_ignore_empty=True, frozen=True, extra="forbid"
    )

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8765, ge=0, le=65535, description="0 takes any free port.")
    token: SecretStr | None = Field(
        default=None,
        description="Secret that /infer, /ws and /metrics ask for; 16 letters or more.",
    )
    allowed_origins: Names = Field(
        default=(), description="Other sites whose pages may talk to this server."
    )
    allowed_hosts: Names = Field(
        default=(), description="Names besides loopback by which this server is reached."
    )
    dev: bool = Field(default=False, description="Also allow the page of Vite's dev server.")
    engine: str = Field(default="auto", description="Landmark engine.")
    expression: str = Field(
        default="auto", description="Head for the 52 channels: a name, an ONNX file, auto or none."
    )
    morphable: str = Field(default="auto", description="The same for the 3DMM's coefficients.")
    emotion: str = Field(default="auto", description="The same for the seven emotions.")
    calibration: str | None = Field(
        default=None, description="Person whose calibration the live sessions begin with."
    )
    streams: Names = Field(
        default=("auto",),
        description="Where sessions may stream to: off, loopback, lan (this machine and private "
        "addresses), or addresses and networks such as 192.168.1.0/24; auto is lan as long as only "
        "this machine is served, and off otherwise.",
    )
    max_faces: int = Field(default=8, ge=1, le=64, description="The most faces in an answer.")
    max_sessions: int = Field(
        default=2, ge=1, le=64, description="WebSocket sessions; a tracker is loaded for each."
    )
    max_upload_bytes: int = Field(
        default=20_000_000, ge=1_000, description="Of a picture sent to /infer or a message to /ws."
    )
    max_pixels: int = Field(default=25_000_000, ge=1, description="Of a decoded picture.")
    max_waiting: int = Field(
        default=8, ge=1, description="Pictures that may wait for /infer; more are turned away."
    )
    feedback_url: SecretStr | None = Field(
        default=None,
        description="Database of the feedback; without it a file of SQLite in MIEN_HOME.",
    )
    feedback_rate: float = Field(
        default=5.0, gt=0, description="Requests/s to /feedback per client."
    )
    infer_rate: float = Field(default=50.0, gt=0, description="Requests/s to /infer per client.")
    frame_rate: float = Field(default=240.0, gt=0, description="Frames/s per WebSocket session.")
    upload_timeout: float = Field(
        default=30.0, gt=0, description="Seconds that the upload of a picture may take."
    )
    send_timeout: float = Field(
        default=5.0, gt=0, description="Seconds until a client that does not read is dropped."
    )
    studio: Path = Field(
        default=Path(__file__).parent / "studio", description="Folder of the built page."
    )

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise InputError(_readable(error)) from None

    @field_validator("allowed_origins", "allowed_hosts", "streams", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return [part.strip() for part in value.split(",") if part.strip()]
        return value

    @field_validator("token")
    @classmethod
    def _check_token(cls, token: SecretStr | None) -> SecretStr | None:
        # The value itself must never get into a message.
        if token is not None and not _TOKEN.fullmatch(token.get_secret_value()):
            raise InputError(
                "the token must have 16 to 256 characters out of letters, digits and ._~-; "
                f"make one with: {_NEW_TOKEN}"
            )
        return token

    @field_validator("allowed_origins")
    @classmethod
    def _check_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            parts = urlsplit(origin)
            if parts.scheme not in ("http", "https") or not parts.netloc or "*" in origin:
                raise InputError(
                    f"an allowed origin is scheme://host[:port], got {origin!r}; "
                    "name every site, for instance https://studio.example"
                )
        return tuple(
            f"{(parts := urlsplit(origin)).scheme}://{parts.netloc}".lower() for origin in origins
        )

    @field_validator("streams")
    @classmethod
    def _check_streams(cls, streams: tuple[str, ...]) -> tuple[str, ...]:
        for word in streams:
            if word.lower() not in ("auto", "off", "loopback", "lan"):
                try:
                    ipaddress.ip_network(word)
                except ValueError:
                    raise InputError(
                        f"streams (MIEN_STREAMS) are off, loopback, lan, auto, or addresses and "
                        f"networks in digits, got {word!r}; for instance 192.168.1.20 or "
                        "192.168.1.0/24"
                    ) from None
        return tuple(word.lower() for word in streams)

    @model_validator(mode="after")
    def _check_exposure(self) -> Settings:
        if self.token is None and not self.loopback:
            raise InputError(
                f"listening on {self.host} lets other machines in, which needs a token; set "
                f"MIEN_TOKEN to one made with: {_NEW_TOKEN} - or listen on 127.0.0.1"
            )
        if self.token is None and self.allowed_hosts:
            raise InputError(
                f"being reached as {', '.join(self.allowed_hosts)} lets other machines in, which "
                f"needs a token; set MIEN_TOKEN to one made with: {_NEW_TOKEN}"
            )
        return self

    @property
    def heads(self) -> dict[Output, str | None]:
        """The head for each output; None for none."""
        named: dict[Output, str] = {
            "expression": self.expression, "morphable": self.morphable, "emotion": self.emotion,
        }  # fmt: skip
        return {output: None if name == "none" else name for output, name in named.items()}

    @property
    def stream_networks(self) -> tuple[Network, ...]:
        """Where sessions may stream to; nowhere when it is empty.

        A page makes the server send. It has the rights of whoever sits at this machine, or has
        shown the token, and with one of these others may sit there.
        """
        private = self.loopback and not self.allowed_hosts
        meant = {"auto": _LAN if private else (), "off": (), "loopback": _LOOPBACK, "lan": _LAN}
        words = [each for word in self.streams for each in meant.get(word, (word,))]
        return tuple(ipaddress.ip_network(word) for word in words)

    @property
    def loopback(self) -> bool:
        """Whether only this machine can connect."""
        if self.host.lower() == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def origins(self) -> tuple[str, ...]:
        """Origins allowed besides the server's own."""
        return self.allowed_origins + (_VITE if self.dev else ())

    @property
    def hosts(self) -> tuple[str, ...] | None:
        """Names that a request may address, or None for any.

        On loopback they are fixed: otherwise a site whose name is made to point to 127.0.0.1 (DNS
        rebinding) would have the rights of our own page. Elsewhere the token does that work.
        """
        named = tuple(name.lower() for name in self.allowed_hosts)
        if self.loopback:
            return (*_LOOPBACK_NAMES, self.host.lower(), *named)
        return (*_LOOPBACK_NAMES, self.host.lower(), *named) if named else None


def _readable(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    name = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        return f"there is no setting {name!r}; there are {', '.join(Settings.model_fields)}"
    return (
        f"setting {name} (MIEN_{name.upper()}): {first['msg'][0].lower()}{first['msg'][1:]}, "
        f"got {first['input']!r}"
    )
