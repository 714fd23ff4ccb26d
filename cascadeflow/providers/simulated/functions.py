"""The bank of small functions to write: each with a bug a weaker model makes, and its cases."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Task:
    """One function to write."""

    asks: tuple[str, ...]
    """Lower-case phrases one of which a request for it contains."""
    says: str
    right: str
    wrong: str
    cases: tuple[tuple[str, str], ...]
    """Calls and the expressions their results equal."""


FUNCTIONS = (
    Task(
        ("checks whether a number is prime", "is prime", "prime number", "primality"),
        "It tries every divisor up to the square root.",
        "def is_prime(n):\n    if n < 2:\n        return False\n    d = 2\n    while d * d <= n:\n"
        "        if n % d == 0:\n            return False\n        d += 1\n    return True",
        "def is_prime(n):\n    for d in range(2, n):\n        if n % d == 0:\n"
        "            return False\n    return True",
        (("is_prime(7)", "True"), ("is_prime(9)", "False"), ("is_prime(1)", "False")),
    ),
    Task(
        ("computes the factorial", "factorial"),
        "The product of the numbers from 1 to n.",
        "def factorial(n):\n    result = 1\n    for i in range(2, n + 1):\n"
        "        result *= i\n    return result",
        "def factorial(n):\n    result = 1\n    for i in range(2, n):\n"
        "        result *= i\n    return result",
        (("factorial(5)", "120"), ("factorial(0)", "1")),
    ),
    Task(
        ("returns the n-th fibonacci number", "fibonacci"),
        "Counted from 0 with fibonacci(0) = 0 and fibonacci(1) = 1.",
        "def fibonacci(n):\n    a, b = 0, 1\n    for _ in range(n):\n"
        "        a, b = b, a + b\n    return a",
        "def fibonacci(n):\n    a, b = 0, 1\n    for _ in range(n):\n"
        "        a, b = b, a + b\n    return b",
        (("fibonacci(0)", "0"), ("fibonacci(10)", "55")),
    ),
    Task(
        ("reverses a string", "reverse a string"),
        "A slice with step -1 reads the text backwards.",
        "def reverse(text):\n    return text[::-1]",
        "def reverse(text):\n    return text[:-1]",
        (("reverse('abc')", "'cba'"), ("reverse('')", "''")),
    ),
    Task(
        ("checks whether a string is a palindrome", "palindrome"),
        "A palindrome reads the same backwards; case is ignored.",
        "def is_palindrome(text):\n    text = text.lower()\n    return text == text[::-1]",
        "def is_palindrome(text):\n    return text == text[::-1]",
        (("is_palindrome('Level')", "True"), ("is_palindrome('lever')", "False")),
    ),
    Task(
        ("computes the greatest common divisor", "greatest common divisor", "gcd"),
        "Euclid's algorithm.",
        "def gcd(a, b):\n    while b:\n        a, b = b, a % b\n    return a",
        "def gcd(a, b):\n    while a != b and b > 0:\n        a, b = b, a - b\n    return a",
        (("gcd(12, 18)", "6"), ("gcd(7, 5)", "1"), ("gcd(24, 8)", "8")),
    ),
    Task(
        ("counts the vowels in a string", "count vowels", "counts vowels", "number of vowels"),
        "Each letter is compared with the five vowels.",
        "def count_vowels(text):\n    return sum(1 for c in text.lower() if c in 'aeiou')",
        "def count_vowels(text):\n    return sum(1 for c in text if c in 'aeiou')",
        (("count_vowels('Apple')", "2"), ("count_vowels('sky')", "0")),
    ),
    Task(
        ("flattens a list of lists", "flatten"),
        "Two loops, the outer one first.",
        "def flatten(lists):\n    return [item for part in lists for item in part]",
        "def flatten(lists):\n    return [part[0] for part in lists]",
        (("flatten([[1, 2], [3]])", "[1, 2, 3]"), ("flatten([])", "[]")),
    ),
    Task(
        ("removes duplicates from a list", "remove duplicates", "without duplicates"),
        "The first of each is kept, in order.",
        "def unique(items):\n    seen = []\n    for item in items:\n"
        "        if item not in seen:\n            seen.append(item)\n    return seen",
        "def unique(items):\n    return sorted(items)",
        (("unique([3, 1, 3, 2])", "[3, 1, 2]"),),
    ),
    Task(
        ("converts celsius to fahrenheit", "celsius to fahrenheit"),
        "The formula is c * 9 / 5 + 32.",
        "def to_fahrenheit(c):\n    return c * 9 / 5 + 32",
        "def to_fahrenheit(c):\n    return c * 5 / 9 + 32",
        (("to_fahrenheit(100)", "212"), ("to_fahrenheit(0)", "32")),
    ),
    Task(
        ("does a binary search in a sorted list", "binary search"),
        "The range is halved until the item is found; -1 if it is not there.",
        "def binary_search(items, wanted):\n    low, high = 0, len(items) - 1\n"
        "    while low <= high:\n        middle = (low + high) // 2\n"
        "        if items[middle] == wanted:\n            return middle\n"
        "        if items[middle] < wanted:\n            low = middle + 1\n"
        "        else:\n            high = middle - 1\n    return -1",
        "def binary_search(items, wanted):\n    low, high = 0, len(items) - 1\n"
        "    while low < high:\n        middle = (low + high) // 2\n"
        "        if items[middle] == wanted:\n            return middle\n"
        "        if items[middle] < wanted:\n            low = middle + 1\n"
        "        else:\n            high = middle - 1\n    return -1",
        (("binary_search([1, 4, 9], 9)", "2"), ("binary_search([1, 4], 3)", "-1")),
    ),
    Task(
        ("merges two sorted lists", "merge two sorted lists"),
        "The smaller head is taken until one list is empty.",
        "def merge(a, b):\n    result, i, j = [], 0, 0\n"
        "    while i < len(a) and j < len(b):\n        if a[i] <= b[j]:\n"
        "            result.append(a[i])\n            i += 1\n        else:\n"
        "            result.append(b[j])\n            j += 1\n"
        "    return result + a[i:] + b[j:]",
        "def merge(a, b):\n    return a + b",
        (("merge([1, 4], [2, 3, 9])", "[1, 2, 3, 4, 9]"), ("merge([], [1])", "[1]")),
    ),
)
