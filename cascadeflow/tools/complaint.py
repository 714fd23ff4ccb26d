"""What a tool raised, in words that may leave the process: no traceback, no credential.

Pure. Redaction errs on the side of too much: what looks like a key is taken for one.
"""

from __future__ import annotations

import re
import traceback
from typing import Final

from ..providers.excerpt import clean

LONGEST: Final = 500
"""Characters of one complaint."""
_MARK: Final = "[redacted]"
_SECRET: Final = (
    r"api[-_ ]?key|access[-_ ]?key(?:[-_ ]?id)?|private[-_ ]?key|secret|token|password|passwd|pwd|"
    r"passphrase|credentials?|authorization|cookie|signature|sig|sas|auth|(?<=[?&])key"
)
_PATTERNS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        # user:password@ of a URL; an e-mail address has no slashes before it.
        (r"(://)[^/\s@]+@", rf"\1{_MARK}@"),
        (r"\b(bearer|basic|digest)\s+[\w.~+/=:-]{6,}", rf"\1 {_MARK}"),
        # name=value, name: value, "name": "value"; the name may be part of a longer one.
        (
            rf"((?:{_SECRET})['\"]?(?: (?:provided|given|value))?\s*(?:=>|[=:])\s*)"
            rf"(?!{re.escape(_MARK)}|bearer|basic|digest)"
            r"(?:'[^']*'|\"[^\"]*\"|[^\s'\"&,;)}\]]+)",
            rf"\1{_MARK}",
        ),
        (r"-----BEGIN[^-]*PRIVATE KEY-----.*?(?:-----END[^-]*-----|$)", _MARK),
        (r"\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?", _MARK),
        (r"\b(?:sk|pk|rk|gsk|xai|hf|r8|ghp|gho|ghu|ghs|ghr|glpat|npm|pypi)[-_][\w-]{8,}", _MARK),
        (r"\b(?:github_pat|xox[a-z])[-_][\w-]{8,}", _MARK),
        (r"\b(?:AKIA|ASIA|AIza|ya29\.)[\w-]{12,}", _MARK),
        # Long and of letters and digits: a key without a name; UUIDs are names of things.
        (
            r"(?<![\w-])(?![0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b)"
            r"(?=[\w-]*\d)(?=[\w-]*[a-z])[\w-]{32,}",
            _MARK,
        ),
    )
)


def complaint(error: BaseException) -> str:
    """Type and message of an exception, in one line, redacted and shortened."""
    # Unlike str(error), this survives an exception that fails to describe itself.
    told = "".join(traceback.format_exception_only(error))[: 4 * LONGEST]
    text = redact(clean(told))
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def redact(text: str) -> str:
    """`text` without what looks like a password, a token or a key."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text
