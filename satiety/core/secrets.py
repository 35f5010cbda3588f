"""Find secrets in texts and URLs, redact them, and fill named secrets in from the environment.

Secrets are API tokens of a documented format, passwords in URLs, and URL query parameters named like a signature,
token, key or password. In params.yaml a URL names its secrets, as in ``https://bob:{BOB_PASSWORD}@host/x.csv``: DVC
copies the file's values into dvc.lock and its run cache. ``${NAME}`` is unavailable: `dvc exp run -S` expands it.

Source of the token formats: the issuers' documents, and the rules of gitleaks 8
(https://github.com/gitleaks/gitleaks).
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
"""Issuer -> pattern; prefixes are case-sensitive."""
_TOKEN = re.compile("|".join(TOKENS.values()))
_LONG = re.compile(r"[A-Za-z0-9_.:/+=-]{16}")
"""Every token contains such a run; texts without one skip the search."""
_PASSWORD = re.compile(r"(?<=://)[^\s/?#:\"'<>]*:[^\s/?#\"'<>]+(?=@)")
"""User and password of a URL."""
_USERINFO = re.compile(r"(?<=//)([^\s/?#\":]*?)(?:(?::|%3[aA])([^\s/?#\"]*))?@")
_BARE = re.compile(r"(?<=://)([^\s/?#\":@]*):(?!\d+(?:[/?#]|$))([^\s\"]*)@")
"""User and password of a URL whose password contains an unescaped ``/``, ``?`` or ``#``; excludes ports."""
_QUERY = re.compile(r"(?<=[?&;#])([\w.-]{1,64})=([^&;#\s\"]+)")
_SECRET_NAME = re.compile(
    r"(?:^|[^a-z])(?:sig|signature|(?:access|auth|bearer|id|refresh|security|session)?token|pass(?:word|wd|phrase)?|pwd|secret"
    r"|(?:access|api|auth|private|resource|rl|secret|subscription)?key|credentials?|auth)$"
)
"""Lower-case names of query parameters that carry a secret: ``x-amz-signature``, ``api_key``."""
_NAME = re.compile(r"\{([A-Z][A-Z0-9_]*)\}")
_ONLY_NAMES = re.compile(rf"(?:{_NAME.pattern})+")


@dataclass(frozen=True, slots=True)
class Secret:
    """Offsets of a literal secret, half-open, and a name for its environment variable."""

    start: int
    end: int
    name: str


@dataclass(frozen=True, slots=True)
class Address:
    """A URL as written in params.yaml and with its secrets filled in; kept in memory only."""

    template: str
    url: str = field(repr=False)
    values: Mapping[str, str] = field(repr=False)
    """Name of the environment variable -> its value."""

    def redact(self, text: str) -> str:
        """Return a text in which values are replaced by their names, without any other URL secrets."""
        text = text.replace(self.url, self.template)
        for name, value in sorted(self.values.items(), key=lambda pair: -len(pair[1])):
            decoded = unquote(value)
            for form in dict.fromkeys((value, quote(value, safe=""), decoded, quote(decoded), quote(decoded, safe=""))):
                text = text.replace(form, f"{{{name}}}")
        return redact_secrets(text)


def find_tokens(text: str) -> Iterator[tuple[int, int]]:
    """Yield the offsets of every API token or private key."""
    if _LONG.search(text) is None:
        return
    for match in _TOKEN.finditer(text):
        previous = text[match.start() - 1 : match.start()]
        if not (previous.isascii() and previous.isalnum()):  # a token never starts inside a word
            yield match.span()


def find_passwords(text: str) -> Iterator[tuple[int, int]]:
    """Yield the offsets of the user and password of a URL, and of secret query parameters."""
    if "://" not in text:
        return
    if "@" in text:
        yield from (match.span() for match in _PASSWORD.finditer(text))
    yield from (
        match.span(2) for match in _QUERY.finditer(text) if _is_secret(match[1]) and not _is_placeholder(match[2])
    )


def find_secrets(uri: str) -> list[Secret]:
    """Return the literal secrets of a URL, from left to right; excludes names in braces."""
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
    """Return a URL in which every literal secret is replaced by a variable name in braces."""
    for secret in reversed(find_secrets(uri)):
        uri = f"{uri[: secret.start]}{{{secret.name}}}{uri[secret.end :]}"
    return uri


def redact_secrets(text: str) -> str:
    """Return a text with users and passwords removed from its URLs, and tokens replaced by ``<secret>``."""
    text = _USERINFO.sub(lambda match: match[0] if match[2] and _is_placeholder(match[2]) else "", text)
    text = _QUERY.sub(
        lambda match: f"{match[1]}=<secret>" if _is_secret(match[1]) and not _is_placeholder(match[2]) else match[0],
        text,
    )
    for start, end in reversed(list(find_tokens(text))):
        text = f"{text[:start]}<secret>{text[end:]}"
    return text


def fill_secrets(uri: str) -> Address:
    """Return the URL with its names replaced by environment variables, whose values are percent-encoded already.

    Raises:
        SetupError: a variable is unset or empty.
    """
    values = {name: os.environ.get(name, "") for name in dict.fromkeys(_NAME.findall(uri))}
    if missing := [name for name, value in values.items() if not value]:
        raise SetupError(f"{uri}: set the environment variable {missing[0]}, which the address contains")
    return Address(uri, _NAME.sub(lambda match: values[match[1]], uri), values)


def _is_placeholder(value: str) -> bool:
    return not value or _ONLY_NAMES.fullmatch(value) is not None


def _is_secret(name: str) -> bool:
    return _SECRET_NAME.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()) is not None
