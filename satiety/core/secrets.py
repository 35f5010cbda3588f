"""A text -> where a secret stands in it; an address -> the same without its secrets, or with those it only names.

A secret is an API token whose form its issuer made known, the user and password of a URL, and what a URL's query calls
a signature, token, key or password. In params.yaml an address names its secrets: in
``https://bob:{BOB_PASSWORD}@host/x.csv`` the environment variable stands for the password, for DVC copies what is
written there into dvc.lock and its run cache. (``${NAME}`` is taken: `dvc exp run -S` fills it in, or fails.)

Forms of tokens: the issuers' documents, and the rules of gitleaks 8 (https://github.com/gitleaks/gitleaks).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from satiety.core.errors import SetupError

_BODY = r"[A-Za-z0-9_-]"
TOKENS: Mapping[str, str] = {
    "OpenAI, Anthropic, DeepSeek, OpenRouter": rf"sk-(?=[A-Za-z_-]{{0,40}}\d){_BODY}{{20,}}",
    "GitHub": r"gh[opsur]_[A-Za-z0-9]{16,}|github_pat_\w{20,}",
    "GitLab": rf"gl(?:pat|ptt|dt|rt|cbt|oas|soat|ft|imt|agent)-{_BODY}{{20,}}",
    "AWS": r"A(?:KIA|SIA)[A-Z0-9]{16}(?![A-Za-z0-9])",
    "Alibaba, Tencent, Volcengine": r"LTAI[A-Za-z0-9]{12,30}(?![A-Za-z0-9])|AK(?:ID|LT)[A-Za-z0-9]{32,}",
    "Google": rf"AIza{_BODY}{{35}}|ya29\.{_BODY}{{20,}}|GOCSPX-{_BODY}{{20,}}",
    "Azure": r"AccountKey=[A-Za-z0-9+/]{40,}={0,2}",
    "Hugging Face": r"hf_[A-Za-z0-9]{20,}",
    "Slack": r"xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-\d-[A-Za-z0-9-]{10,}|hooks\.slack\.com/services/[A-Z0-9/a-z]{20,}",
    "Stripe": r"[rs]k_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9]{20,}",
    "SendGrid, Twilio, Mailgun": rf"SG\.{_BODY}{{16,}}\.{_BODY}{{16,}}|SK[0-9a-f]{{32}}|key-[0-9a-f]{{32}}",
    "Telegram": rf"\d{{8,10}}:{_BODY}{{35}}(?!{_BODY})",
    "Discord": rf"[MNO]{_BODY}{{23,25}}\.{_BODY}{{6}}\.{_BODY}{{27,}}",
    "npm, PyPI, Docker": rf"npm_[A-Za-z0-9]{{36}}|pypi-{_BODY}{{50,}}|dckr_pat_{_BODY}{{20,}}",
    "DigitalOcean, Databricks": r"do[opr]_v1_[0-9a-f]{40,}|dapi[0-9a-f]{32}",
    "Shopify": r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",
    "Groq, Replicate, xAI, Perplexity": r"gsk_[A-Za-z0-9]{40,}|r8_[A-Za-z0-9]{30,}|xai-\w{40,}|pplx-\w{40,}",
    "Grafana, HashiCorp, Linear": rf"glsa_\w{{30,}}|hv[bs]\.{_BODY}{{20,}}|lin_api_[A-Za-z0-9]{{30,}}",
    "JSON web token (RFC 7519)": rf"eyJ{_BODY}{{8,500}}\.{_BODY}{{8,20000}}\.{_BODY}{{8,}}",
    "private key (RFC 7468)": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----[^-]{20,20000}-----END [A-Z ]*PRIVATE KEY-----",
}
"""Who issues it -> what it looks like; prefixes are in the issuers' own case."""
_TOKEN = re.compile("|".join(TOKENS.values()))
_LONG = re.compile(r"[A-Za-z0-9_.:/+=-]{16}")
"""No token is without so many characters in a row: spares most texts the search."""
_PASSWORD = re.compile(r"(?<=://)[^\s/?#:\"'<>]*:[^\s/?#\"'<>]+(?=@)")
"""Of a URL: user and password."""
_USERINFO = re.compile(r"(?<=//)([^\s/?#\":]*?)(?:(?::|%3[aA])([^\s/?#\"]*))?@")
_BARE = re.compile(r"(?<=://)([^\s/?#\":@]*):(?!\d+(?:[/?#]|$))([^\s\"]*)@")
"""User and password of an address whose password holds ``/``, ``?`` or ``#`` as they are; a port is none."""
_QUERY = re.compile(r"(?<=[?&;#])([\w.-]{1,64})=([^&;#\s\"]+)")
_SECRET_NAME = re.compile(
    r"(?:^|[^a-z])(?:sig|signature|(?:access|auth|bearer|id|refresh|security|session)?token|pass(?:word|wd|phrase)?|pwd|secret"
    r"|(?:access|api|auth|private|resource|rl|secret|subscription)?key|credentials?|auth)$"
)
"""Names of query parameters that carry a secret, in small letters: ``x-amz-signature``, ``api_key``."""
_NAME = re.compile(r"\{([A-Z][A-Z0-9_]*)\}")
_ONLY_NAMES = re.compile(rf"(?:{_NAME.pattern})+")


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret that is written out: characters ``start`` to ``end``, half-open, and the name for a variable."""

    start: int
    end: int
    name: str


@dataclass(frozen=True, slots=True)
class Address:
    """An address as it is written, and as it is read: with what its names stand for. It is kept in memory alone."""

    template: str
    url: str = field(repr=False)
    values: Mapping[str, str] = field(repr=False)
    """Name of the variable -> what it holds."""

    def redact(self, text: str) -> str:
        """Return a text in which names stand again for what they hold, and no other secret of a URL."""
        text = text.replace(self.url, self.template)
        for name, value in sorted(self.values.items(), key=lambda pair: -len(pair[1])):
            decoded = unquote(value)
            for form in dict.fromkeys((value, quote(value, safe=""), decoded, quote(decoded), quote(decoded, safe=""))):
                text = text.replace(form, f"{{{name}}}")
        return redact_secrets(text)


def find_tokens(text: str) -> Iterator[tuple[int, int]]:
    """Yield where an API token or a private key stands."""
    if _LONG.search(text) is None:
        return
    for match in _TOKEN.finditer(text):
        previous = text[match.start() - 1 : match.start()]
        if not (previous.isascii() and previous.isalnum()):  # the end of a word is no token's beginning
            yield match.span()


def find_passwords(text: str) -> Iterator[tuple[int, int]]:
    """Yield where a URL's user and password stand, and what its query calls a password, a token or the like."""
    if "://" not in text:
        return
    if "@" in text:
        yield from (match.span() for match in _PASSWORD.finditer(text))
    yield from (
        match.span(2) for match in _QUERY.finditer(text) if _is_secret(match[1]) and not _is_placeholder(match[2])
    )


def find_secrets(uri: str) -> list[Secret]:
    """Return the secrets that stand in an address itself, from left to right; those that it names are none."""
    secrets = [
        Secret(*match.span(2), "PASSWORD")
        for match in [*_USERINFO.finditer(uri)] or _BARE.finditer(uri)
        if match[2] and not _is_placeholder(match[2])
    ]
    secrets += [
        Secret(*match.span(2), re.sub(r"\W", "_", match[1]).upper())
        for match in _QUERY.finditer(uri)
        if _is_secret(match[1]) and not _is_placeholder(match[2])
    ]
    covered = {place for secret in secrets for place in range(secret.start, secret.end)}
    tokens = [Secret(start, end, "TOKEN") for start, end in find_tokens(uri) if covered.isdisjoint(range(start, end))]
    return sorted([*secrets, *tokens], key=lambda secret: secret.start)


def replace_secrets(uri: str) -> str:
    """Return an address with the name of a variable in the place of each secret that stands in it."""
    for secret in reversed(find_secrets(uri)):
        uri = f"{uri[: secret.start]}{{{secret.name}}}{uri[secret.end :]}"
    return uri


def redact_secrets(text: str) -> str:
    """Return a text without the user and the password of any URL in it, and ``<secret>`` for tokens and signatures."""
    text = _USERINFO.sub(lambda match: match[0] if match[2] and _is_placeholder(match[2]) else "", text)
    text = _QUERY.sub(
        lambda match: f"{match[1]}=<secret>" if _is_secret(match[1]) and not _is_placeholder(match[2]) else match[0],
        text,
    )
    for start, end in reversed(list(find_tokens(text))):
        text = f"{text[:start]}<secret>{text[end:]}"
    return text


def fill_secrets(uri: str) -> Address:
    """Return the address with what the environment holds under its names, as it is: there ``@`` stands as ``%40``.

    Raises:
        SetupError: a variable is not set.
    """
    values = {name: os.environ.get(name, "") for name in dict.fromkeys(_NAME.findall(uri))}
    if missing := [name for name, value in values.items() if not value]:
        raise SetupError(f"{uri}: set the environment variable {missing[0]}, whose value stands in this address")
    return Address(uri, _NAME.sub(lambda match: values[match[1]], uri), values)


def _is_placeholder(value: str) -> bool:
    return not value or _ONLY_NAMES.fullmatch(value) is not None


def _is_secret(name: str) -> bool:
    return _SECRET_NAME.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()) is not None
