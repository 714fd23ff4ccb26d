"""The worded problems: texts with blanks, ranges of the numbers, and the steps to the answer.

A step names its operands: a blank, a number, or `#0` for the result of the first step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One equation and the sentence around it."""

    says: str
    left: str
    op: str
    """One of `+ - * /`."""
    right: str


@dataclass(frozen=True, slots=True, eq=False)
class Story:
    """One worded problem."""

    text: str
    unit: str
    """What the answer counts; may hold blanks."""
    ranges: Mapping[str, tuple[int, int]]
    """Smallest and largest number of each blank."""
    steps: tuple[Step, ...]


STORIES = (
    Story(
        "{who} has {a} {thing}. {who} buys {b} boxes with {c} {thing} each and gives {d} {thing} "
        "away. How many {thing} does {who} have now?",
        "{thing}",
        {"a": (5, 40), "b": (3, 9), "c": (6, 24), "d": (4, 30)},
        (
            Step("The boxes hold {eq} {thing}.", "b", "*", "c"),
            Step("With the first ones that makes {eq}.", "a", "+", "#0"),
            Step("After giving some away, {eq} are left.", "#1", "-", "d"),
        ),
    ),
    Story(
        "A shop sells {a} {thing} on Monday and {b} times as many on Tuesday. How many {thing} "
        "does it sell on both days together?",
        "{thing}",
        {"a": (12, 95), "b": (2, 6)},
        (
            Step("On Tuesday it sells {eq}.", "a", "*", "b"),
            Step("Together that is {eq}.", "a", "+", "#0"),
        ),
    ),
    Story(
        "A train travels at {a} km per hour for {b} hours and then at {c} km per hour for {d} "
        "hours. How many kilometres does it travel in all?",
        "kilometres",
        {"a": (40, 120), "b": (2, 7), "c": (50, 160), "d": (2, 6)},
        (
            Step("The first part is {eq} km.", "a", "*", "b"),
            Step("The second part is {eq} km.", "c", "*", "d"),
            Step("In all it travels {eq} km.", "#0", "+", "#1"),
        ),
    ),
    Story(
        "{who} earns {a} dollars an hour and works {b} hours a day for {c} days. {who} then spends "
        "{d} dollars. How many dollars are left?",
        "dollars",
        {"a": (11, 38), "b": (4, 9), "c": (3, 14), "d": (20, 120)},
        (
            Step("A day brings {eq} dollars.", "a", "*", "b"),
            Step("All days bring {eq} dollars.", "#0", "*", "c"),
            Step("After spending, {eq} dollars are left.", "#1", "-", "d"),
        ),
    ),
    Story(
        "There are {a} {thing} in a crate. {b} of them are broken, and the others are packed into "
        "bags of {c}. How many bags are filled?",
        "bags",
        {"a": (60, 260), "b": (3, 30), "c": (4, 12)},
        (
            Step("The good ones are {eq}.", "a", "-", "b"),
            Step("They fill {eq} bags.", "#0", "/", "c"),
        ),
    ),
    Story(
        "A ticket costs {a} dollars for an adult and {b} dollars for a child. How many dollars do "
        "the tickets for {c} adults and {d} children cost?",
        "dollars",
        {"a": (12, 45), "b": (4, 11), "c": (2, 8), "d": (3, 12)},
        (
            Step("The adults pay {eq} dollars.", "c", "*", "a"),
            Step("The children pay {eq} dollars.", "d", "*", "b"),
            Step("Together they pay {eq} dollars.", "#0", "+", "#1"),
        ),
    ),
    Story(
        "{who} reads {a} pages a day. After {b} days, {c} pages of the book are left. How many "
        "pages does the book have?",
        "pages",
        {"a": (14, 65), "b": (4, 16), "c": (12, 190)},
        (
            Step("In that time {who} reads {eq} pages.", "a", "*", "b"),
            Step("The book has {eq} pages.", "#0", "+", "c"),
        ),
    ),
    Story(
        "A tank holds {a} litres of water. Every hour {b} litres flow out and {c} litres flow in. "
        "How many litres does it hold after {d} hours?",
        "litres",
        {"a": (400, 900), "b": (25, 60), "c": (5, 24), "d": (3, 9)},
        (
            Step("Every hour it loses {eq} litres.", "b", "-", "c"),
            Step("In all it loses {eq} litres.", "#0", "*", "d"),
            Step("It then holds {eq} litres.", "a", "-", "#1"),
        ),
    ),
    Story(
        "{who} shares {a} {thing} equally among {b} friends. Each friend then loses {c} of them. "
        "How many {thing} does each friend have left?",
        "{thing}",
        {"a": (48, 220), "b": (3, 9), "c": (2, 9)},
        (
            Step("Each friend gets {eq} {thing}.", "a", "/", "b"),
            Step("After the loss each has {eq}.", "#0", "-", "c"),
        ),
    ),
    Story(
        "A jacket costs {a} dollars. The price is reduced by {b} percent. How many dollars does "
        "the jacket cost now?",
        "dollars",
        {"a": (40, 320), "b": (5, 45)},
        (
            Step("The price times the percentage is {eq}.", "a", "*", "b"),
            Step("So the reduction is {eq} dollars.", "#0", "/", "100"),
            Step("The jacket now costs {eq} dollars.", "a", "-", "#1"),
        ),
    ),
)
