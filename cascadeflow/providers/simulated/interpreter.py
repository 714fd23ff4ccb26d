"""An interpreter for a small subset of Python, so that answers about code are computed.

    run("for i in range(3):\n    print(i * i)")   ->  "0\n1\n4\n"

Assignments, `if`, `for`, `while`, functions, the displays, comprehensions and common methods; no
imports, classes, exceptions or generators. See `expressions` for what keeps it safe.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

from .expressions import Context, Scope, Unsupported, Value, binary, bind, evaluate, items

DEEPEST = 40
"""Calls within calls."""
LONGEST_SOURCE = 4_000
"""Characters of a snippet."""

_WARNS = re.compile(r"\\[^nrt'\"\\]|\b\d+(?:and|else|for|if|in|is|not|or)\b")
"""Python's parser warns of these; a warning of a question's code must not reach the user's log."""

_FAILURES = (
    ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the snippet; `scope` is where it was defined."""

    parameters: tuple[str, ...]
    defaults: tuple[Value, ...]
    body: tuple[ast.stmt, ...]
    scope: Scope


class _Flow(Enum):
    NEXT = auto()
    BREAK = auto()
    CONTINUE = auto()
    RETURN = auto()


def run(source: str) -> str:
    """What the program prints.

    Raises:
        Unsupported: if it is not in the subset, fails, or works too long.
    """
    return run_tree(parse(source))


def parse(source: str) -> ast.Module:
    """The program's syntax tree.

    Raises:
        Unsupported: if it is no Python, or longer than `LONGEST_SOURCE`.
    """
    if len(source) > LONGEST_SOURCE:
        raise Unsupported(f"{len(source)} characters; at most {LONGEST_SOURCE} are read")
    if _WARNS.search(source):
        raise Unsupported("unusual escapes and numbers glued to words are not in the subset")
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Unsupported(f"not Python: {error}") from error


def run_tree(tree: ast.Module) -> str:
    """What the parsed program prints.

    Raises:
        Unsupported: as `run`.
    """
    machine = _Machine()
    try:
        machine.block(tree.body, {})
    except _FAILURES as error:
        raise Unsupported(f"the snippet fails: {error!r}") from error
    return "".join(machine.context.output)


class _Machine:
    """One run: the shared context, the depth of calls and the value being returned."""

    def __init__(self) -> None:
        self.context = Context(self._call)
        self._depth = 0
        self._returned: Value = None

    def block(self, body: Iterable[ast.stmt], scope: Scope) -> _Flow:
        for statement in body:
            flow = self._statement(statement, scope)
            if flow is not _Flow.NEXT:
                return flow
        return _Flow.NEXT

    def _statement(self, node: ast.stmt, scope: Scope) -> _Flow:
        match node:
            case ast.Expr():
                self._value(node.value, scope)
            case ast.Assign():
                value = self._value(node.value, scope)
                for target in node.targets:
                    bind(target, value, scope, self.context)
            case ast.AugAssign():
                self._augment(node, scope)
            case ast.If():
                return self.block(
                    node.body if self._value(node.test, scope) else node.orelse, scope
                )
            case ast.For():
                return self._for(node, scope)
            case ast.While():
                return self._while(node, scope)
            case ast.FunctionDef():
                scope[node.name] = self._function(node, scope)
            case ast.Return():
                self._returned = self._value(node.value, scope) if node.value else None
                return _Flow.RETURN
            case ast.Break():
                return _Flow.BREAK
            case ast.Continue():
                return _Flow.CONTINUE
            case ast.Pass():
                pass
            case _:
                raise Unsupported(f"{type(node).__name__} is not in the subset")
        return _Flow.NEXT

    def _value(self, node: ast.expr, scope: Scope) -> Value:
        return evaluate(node, scope, self.context)

    def _augment(self, node: ast.AugAssign, scope: Scope) -> None:
        if isinstance(node.target, ast.Attribute):
            raise Unsupported("attributes are not in the subset")
        old = self._value(ast.parse(ast.unparse(node.target), mode="eval").body, scope)
        new = binary(node.op, old, self._value(node.value, scope), self.context)
        bind(node.target, new, scope, self.context)

    def _for(self, node: ast.For, scope: Scope) -> _Flow:
        for item in items(self._value(node.iter, scope), self.context):
            bind(node.target, item, scope, self.context)
            flow = self.block(node.body, scope)
            if flow is _Flow.RETURN:
                return flow
            if flow is _Flow.BREAK:
                return _Flow.NEXT
        return self.block(node.orelse, scope)

    def _while(self, node: ast.While, scope: Scope) -> _Flow:
        while self._value(node.test, scope):
            flow = self.block(node.body, scope)
            if flow is _Flow.RETURN:
                return flow
            if flow is _Flow.BREAK:
                return _Flow.NEXT
        return self.block(node.orelse, scope)

    def _function(self, node: ast.FunctionDef, scope: Scope) -> Function:
        names = tuple(argument.arg for argument in node.args.args)
        defaults = tuple(self._value(default, scope) for default in node.args.defaults)
        if node.args.vararg or node.args.kwarg or node.args.kwonlyargs or node.decorator_list:
            raise Unsupported(f"the signature of {node.name!r} is not in the subset")
        return Function(names, defaults, tuple(node.body), scope)

    def _call(self, function: Value, given: list[Value]) -> Value:
        if not isinstance(function, Function):
            raise Unsupported("only functions can be called")
        missing = len(function.parameters) - len(given)
        if not 0 <= missing <= len(function.defaults) or self._depth >= DEEPEST:
            raise Unsupported("wrong number of arguments, or calls nested too deep")
        filled = [*given, *function.defaults[len(function.defaults) - missing :]]
        self._depth += 1
        self._returned = None
        scope = {**function.scope, **dict(zip(function.parameters, filled, strict=True))}
        self.block(function.body, scope)
        self._depth -= 1
        result, self._returned = self._returned, None
        return result
