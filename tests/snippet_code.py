"""From the text of a documents' snippet to code that runs, without a change of what it says.

Three things stand between a snippet and the interpreter, and all are settled on the syntax tree:

- top-level `await`, `async for`, `async with` and `return` need an `async def` around them; the
  names bound there stay names of the module (`global`);
- `[...]` and `{...}` stand for something the reader knows: the tree gets a name for it, after the
  argument or the key it is the value of (`models=[...]` becomes `models=page_models`);
- a line `...` within the braces of a dict is no Python; it becomes `**page_rest,`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from types import CodeType
from typing import TypeGuard

PLACEHOLDERS = ("models", "tools", "parameters", "properties", "function")
"""What `[...]` and `{...}` may stand for; the code reads `page_<what>`."""
REST = "page_rest"
"""The entries that a line `...` within a dict stands for."""
BODY = "page_body"
"""The name of the function around asynchronous code."""

_ELLIPSIS_LINE = re.compile(r"^(\s*)\.\.\.\s*$", re.MULTILINE)
_NEW_SCOPE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_NEEDS_LOOP = (ast.Await, ast.AsyncFor, ast.AsyncWith, ast.Return)


class UnknownPlaceholder(Exception):
    """A `[...]` or `{...}` of which nobody said what it stands for."""


class Code:
    """A snippet, or a piece of code after it, ready to run.

    Raises:
        SyntaxError: it is no Python, even with the placeholders filled.
        UnknownPlaceholder: a placeholder stands for nothing in `PLACEHOLDERS`.
    """

    def __init__(self, text: str, name: str) -> None:
        self._tree = parsed(text)
        self._name = name
        self.bound = frozenset(_bound(self._tree))
        """Names that the code binds in its outermost scope."""
        self.wanted = frozenset(_names(self._tree, ast.Load)) - self.bound
        self.wanted -= frozenset(_names(self._tree, ast.Store))
        """Names that the code reads somewhere and binds nowhere."""
        self.asynchronous = any(isinstance(node, _NEEDS_LOOP) for node in _scope(self._tree))
        """It needs a running event loop, or returns."""

    def interactive(self) -> CodeType:
        """Code that hands the value of each expression statement to `sys.displayhook`."""
        tree = ast.Interactive(body=self._tree.body)
        return compile(tree, self._name, "single")

    def coroutine(self) -> CodeType:
        """Code that defines the `async def` around the snippet, by the name `BODY`."""
        shell = ast.parse(f"async def {BODY}():\n    pass")
        function = shell.body[0]
        assert isinstance(function, ast.AsyncFunctionDef)
        names: list[ast.stmt] = [ast.Global(names=sorted(self.bound))] if self.bound else []
        function.body = [*names, *self._tree.body]
        return compile(ast.fix_missing_locations(shell), self._name, "exec")


def parsed(text: str) -> ast.Module:
    """The syntax tree of `text`, its placeholders filled with names."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        tree = ast.parse(_ELLIPSIS_LINE.sub(rf"\1**{REST},", text))
    _Fill().visit(tree)  # It changes the tree in place.
    for node in ast.walk(tree):
        if _is_placeholder(node):
            raise UnknownPlaceholder(f"{ast.unparse(node)} in line {node.lineno}")
    return ast.fix_missing_locations(tree)


class _Fill(ast.NodeTransformer):
    """Puts a name in the place of each placeholder that is an argument or a dict's value."""

    def visit_keyword(self, node: ast.keyword) -> ast.keyword:
        if node.arg in PLACEHOLDERS and _is_placeholder(node.value):
            node.value = _name_for(node.arg, node.value)
        self.generic_visit(node)
        return node

    def visit_Dict(self, node: ast.Dict) -> ast.Dict:
        for place, (key, value) in enumerate(zip(node.keys, node.values, strict=True)):
            known = isinstance(key, ast.Constant) and key.value in PLACEHOLDERS
            if isinstance(key, ast.Constant) and known and _is_placeholder(value):
                node.values[place] = _name_for(str(key.value), value)
        self.generic_visit(node)
        return node


def _name_for(what: str, place: ast.expr) -> ast.Name:
    return ast.copy_location(ast.Name(id=f"page_{what}", ctx=ast.Load()), place)


def _is_placeholder(node: ast.AST) -> TypeGuard[ast.List | ast.Set]:
    """True for `[...]` and `{...}`."""
    if not isinstance(node, ast.List | ast.Set) or len(node.elts) != 1:
        return False
    only = node.elts[0]
    return isinstance(only, ast.Constant) and only.value is Ellipsis


def _scope(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes of the outermost scope: functions and classes count, their insides do not."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, _NEW_SCOPE):
            yield from _scope(child)


def _names(tree: ast.Module, context: type[ast.expr_context]) -> Iterator[str]:
    """The names in all scopes that are read or bound, as `context` says."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, context):
            yield node.id


def _bound(tree: ast.Module) -> Iterator[str]:
    for node in _scope(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name):
                yield name
            case ast.ExceptHandler(name=str(name)):
                yield name
            case ast.alias(name=name, asname=other):
                yield other or name.partition(".")[0]
            case _:
                pass


INCOMPLETE_INPUT = 0x4000
"""The compiler's flag that tells the start of a program from a mistake, as `codeop` uses it."""
_PROGRAM_FLAGS = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | INCOMPLETE_INPUT
_CONTINUATION = re.compile(r"(elif|else|except|finally|case)\b.*:$")


def looks_like_python(line: str) -> bool:
    """True if a Python program can begin with `line`, or go on with it after another block.

    The first line of every program is a program or the start of one, so no program hides from
    this. Words that a heading consists of ("Overview") are names to the compiler, not programs.
    """
    line = line.strip()
    if not line:
        return False
    try:
        tree = compile(f"{line}\n", "<line>", "exec", _PROGRAM_FLAGS)
    except SyntaxError as error:
        begins = "incomplete input" in str(error) or isinstance(error, IndentationError)
        return begins or _CONTINUATION.match(line) is not None
    assert isinstance(tree, ast.Module)
    return not tree.body or not all(_is_word(statement) for statement in tree.body)


def _is_word(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Name)
