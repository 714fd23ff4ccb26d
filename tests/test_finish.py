"""Why an answer ended, in the words of many servers."""

from __future__ import annotations

import pytest

from cascadeflow.providers.finish import says_failure, stop_reason
from cascadeflow.types import StopReason

from .chat_events import chunk, decode, fails, said

KNOWN: dict[StopReason, str] = {
    "stop": "stop STOP end_turn eos eos_token stop_sequence COMPLETE",
    "length": (
        "length max_tokens MAX_TOKENS max_output_tokens max_completion_tokens model_length "
        "token_limit model_context_window_exceeded context_length"
    ),
    "tool_calls": "tool_calls tool_use function_call",
    "content_filter": (
        "content_filter content_filtered SAFETY recitation LANGUAGE blocklist prohibited_content "
        "spii image_safety IMAGE_PROHIBITED_CONTENT sensitive guardrail_intervened error_toxic "
        "moderation_blocked"
    ),
    "refusal": "refusal",
    "pause": "pause_turn",
}
FAILED = (
    "error ERROR network_error model_error internal_error abort aborted cancelled canceled "
    "user_cancel timeout timed_out MALFORMED_FUNCTION_CALL unexpected_tool_call failed "
    "insufficient_system_resource MISSING_THOUGHT_SIGNATURE overloaded"
)


@pytest.mark.parametrize(
    ("word", "reason"), [(word, reason) for reason, row in KNOWN.items() for word in row.split()]
)
def test_a_word_has_a_meaning(word: str, reason: StopReason) -> None:
    assert stop_reason(word) == reason
    assert not says_failure(word)


@pytest.mark.parametrize("word", FAILED.split())
def test_a_word_says_that_the_server_failed(word: str) -> None:
    assert says_failure(word)


@pytest.mark.parametrize("word", ["cosmic_ray", "other", "load", "stopped"])
def test_a_word_nobody_knows_is_neither(word: str) -> None:
    assert stop_reason(word) is None
    assert not says_failure(word)


def test_two_words_in_one_count_for_what_they_hold() -> None:
    _, stop = decode(said("Paris"), chunk({}, "content_filter: OTHER"))
    assert (stop.reason, stop.warnings) == ("content_filter", ())
    _, error = fails(said("Paris"), chunk({}, "function_call_filter: MALFORMED_FUNCTION_CALL"))
    assert (error.kind, error.retryable) == ("server", True)
