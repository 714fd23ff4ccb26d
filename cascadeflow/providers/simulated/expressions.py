"""Python expressions of the small subset the simulated models can run. Nothing is ever `eval`ed.

Every operation is listed here: there are no attributes, no imports and no way to Python's own
objects. Work is bounded by `Context.tick` and every value by `Context.weigh` before it is printed,
compared, hashed or handed to a function, so no snippet can stall or fill the memory. Text
formatting with `%` and format specifications is left out: `"%999999999d" % 1` is one operation.
Values are the snippet's own, hence `Any`.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Value: TypeAlias = Any
"""A value of the snippet."""
Scope: TypeAlias = dict[str, Value]
"""Names and their values."""

LARGEST_INT = 10**60
LARGEST_VALUE = 2_000
"""Elements of a value, those within them included; eight letters of a text count as one."""

_BINARY: dict[type[ast.operator], Callable[[Value, Value], Value]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Div: lambda left, right: left / right,
    ast.FloorDiv: lambda left, right: left // right,
    ast.Mod: operator.mod,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Value, Value], Value]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda item, whole: item in whole,
    ast.NotIn: lambda item, whole: item not in whole,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}
_FUNCTIONS: dict[str, Callable[..., Value]] = {
    "abs": abs, "all": all, "any": any, "bool": bool, "dict": dict, "enumerate": enumerate,
    "float": float, "int": int, "len": len, "list": list, "max": max, "min": min, "range": range,
    "reversed": reversed, "round": round, "set": set, "sorted": sorted, "str": str, "sum": sum,
    "tuple": tuple, "zip": zip,
}  # fmt: skip
_METHODS: dict[str, Callable[..., Value]] = {
    "str.upper": str.upper, "str.lower": str.lower, "str.strip": str.strip,
    "str.split": str.split, "str.join": str.join, "str.replace": str.replace,
    "str.count": str.count, "str.find": str.find, "str.title": str.title,
    "str.startswith": str.startswith, "str.endswith": str.endswith, "str.isalpha": str.isalpha,
    "str.isdigit": str.isdigit, "str.isalnum": str.isalnum, "str.capitalize": str.capitalize,
    "list.append": list[Value].append, "list.pop": list[Value].pop,
    "list.extend": list[Value].extend, "list.insert": list[Value].insert,
    "list.count": list[Value].count, "list.index": list[Value].index,
    "list.reverse": list[Value].reverse, "list.sort": list[Value].sort,
    "dict.get": dict[Value, Value].get, "dict.items": dict[Value, Value].items,
    "dict.keys": dict[Value, Value].keys, "dict.values": dict[Value, Value].values,
    "set.add": set[Value].add,
}  # fmt: skip


class Unsupported(Exception):
    """The snippet uses what is not in the subset, is wrong, or works too long."""


@dataclass(slots=True)
class Context:
    """What evaluation shares: the output, the work left, the call of the snippet's functions."""

    call: Callable[[Value, list[Value]], Value]
    """Calls a function that the snippet defined."""
    output: list[str] = field(default_factory=list[str])
    work_left: int = 20_000

    def tick(self, amount: int = 1) -> None:
        """Count `amount` operations.

        Raises:
            Unsupported: if the snippet has used up its work.
        """
        self.work_left -= amount
        if self.work_left < 0:
            raise Unsupported("the snippet works too long")

    def weigh(self, *values: Value) -> None:
        """Count the elements of `values`, those within them included, as work.

        Raises:
            Unsupported: if they are more than `LARGEST_VALUE`.
        """
        weight, waiting = 0, list(values)
        while waiting:
            value = waiting.pop()
            weight += 1 + (length(value) // 8 if isinstance(value, str | range) else 0)
            if weight > LARGEST_VALUE + len(values):
                raise Unsupported("a value is too large")
            waiting.extend(_elements(value))
        self.tick(weight // 4)


def length(value: Value) -> int:
    """The elements of a text, container or range; 0 for anything else."""
    sized: Value = value
    return len(sized) if isinstance(value, str | list | tuple | dict | set | range) else 0


def _elements(value: Value) -> list[Value]:
    whole: Value = value
    if isinstance(value, dict):
        return [*whole.keys(), *whole.values()]
    return list(whole) if isinstance(value, list | tuple | set) else []


def evaluate(node: ast.expr, scope: Scope, context: Context) -> Value:
    """The value of one expression.

    Raises:
        Unsupported: if it is not in the subset.
    """
    context.tick()

    def value(child: ast.expr) -> Value:
        return evaluate(child, scope, context)

    match node:
        case ast.Constant():
            return node.value
        case ast.Name():
            return _name(node.id, scope)
        case ast.List() | ast.Tuple() | ast.Set() | ast.Dict():
            built = _display(node, value)
            context.weigh(built)
            return built
        case ast.BinOp():
            return binary(node.op, value(node.left), value(node.right), context)
        case ast.UnaryOp():
            return _unary(node.op, value(node.operand))
        case ast.BoolOp():
            return _bool(node, value)
        case ast.Compare():
            return _compare(node, value, context)
        case ast.IfExp():
            return value(node.body) if value(node.test) else value(node.orelse)
        case ast.Subscript():
            return value(node.value)[_index(node.slice, value)]
        case ast.JoinedStr():
            return "".join(_formatted(part, value, context) for part in node.values)
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
            return _comprehension(node, scope, context)
        case ast.Call():
            return _call(node, value, scope, context)
        case _:
            raise Unsupported(f"{type(node).__name__} is not in the subset")


def binary(op: ast.operator, left: Value, right: Value, context: Context) -> Value:
    """`left op right`, with the result's size bounded.

    Raises:
        Unsupported: if the operation is not in the subset or the result too large.
    """
    match op:
        case ast.Mult():
            times = max(
                right if isinstance(right, int) else 1, left if isinstance(left, int) else 1
            )
            if times * (length(left) + length(right)) > LARGEST_VALUE:
                raise Unsupported("the product is too long")
            result = left * right
        case ast.Pow():
            if not (isinstance(right, int) and 0 <= right <= 64):
                raise Unsupported(f"power {right!r}; it must be an integer from 0 to 64")
            result = left**right
        case _ if type(op) in _BINARY and not (isinstance(op, ast.Mod) and isinstance(left, str)):
            result = _BINARY[type(op)](left, right)
        case _:
            raise Unsupported(f"{type(op).__name__} is not in the subset")
    if isinstance(result, int) and abs(result) > LARGEST_INT:
        raise Unsupported("the number is too large")
    context.weigh(result)
    return result


def bind(target: ast.expr, value: Value, scope: Scope, context: Context) -> None:
    """Assign `value` to a name, an element or a tuple of such.

    Raises:
        Unsupported: for any other target.
    """
    match target:
        case ast.Name():
            scope[target.id] = value
        case ast.Subscript():
            whole = evaluate(target.value, scope, context)
            whole[evaluate(target.slice, scope, context)] = value
        case ast.Tuple() | ast.List():
            for part, item in zip(target.elts, list(value), strict=True):
                bind(part, item, scope, context)
        case _:
            raise Unsupported(f"cannot assign to {type(target).__name__}")


def items(value: Value, context: Context) -> Iterator[Value]:
    """The elements of a loop, each of them counted as work."""
    for item in value:
        context.tick()
        yield item


def _name(name: str, scope: Scope) -> Value:
    if name not in scope:
        raise Unsupported(f"the name {name!r} is not defined")
    return scope[name]


def _display(node: ast.List | ast.Tuple | ast.Set | ast.Dict, value: Callable[..., Value]) -> Value:
    match node:
        case ast.List():
            return [value(part) for part in node.elts]
        case ast.Tuple():
            return tuple(value(part) for part in node.elts)
        case ast.Set():
            return {value(part) for part in node.elts}
        case ast.Dict():
            return {
                value(key): value(part)
                for key, part in zip(node.keys, node.values, strict=True)
                if key is not None
            }


def _unary(op: ast.unaryop, operand: Value) -> Value:
    match op:
        case ast.USub():
            return -operand
        case ast.Not():
            return not operand
        case _:
            raise Unsupported(f"{type(op).__name__} is not in the subset")


def _bool(node: ast.BoolOp, value: Callable[[ast.expr], Value]) -> Value:
    stop_at = isinstance(node.op, ast.Or)
    result: Value = None
    for part in node.values:
        result = value(part)
        if bool(result) is stop_at:
            break
    return result


def _compare(node: ast.Compare, value: Callable[[ast.expr], Value], context: Context) -> bool:
    left = value(node.left)
    for op, part in zip(node.ops, node.comparators, strict=True):
        right = value(part)
        context.weigh(left, right)
        if not _COMPARE[type(op)](left, right):
            return False
        left = right
    return True


def _index(node: ast.expr, value: Callable[[ast.expr], Value]) -> Value:
    if not isinstance(node, ast.Slice):
        return value(node)
    return slice(*(value(part) if part else None for part in (node.lower, node.upper, node.step)))


def _formatted(part: ast.expr, value: Callable[[ast.expr], Value], context: Context) -> str:
    if not isinstance(part, ast.FormattedValue):
        return str(value(part))
    if part.conversion != -1 or part.format_spec is not None:
        raise Unsupported("format specifications are not in the subset")
    shown = value(part.value)
    context.weigh(shown)
    return str(shown)


def _comprehension(
    node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp,
    scope: Scope,
    context: Context,
) -> Value:
    inner = dict(scope)
    rounds = _rounds(node.generators, inner, context)
    if isinstance(node, ast.DictComp):
        return {
            evaluate(node.key, inner, context): evaluate(node.value, inner, context) for _ in rounds
        }
    found = [evaluate(node.elt, inner, context) for _ in rounds]
    return set(found) if isinstance(node, ast.SetComp) else found


def _rounds(loops: list[ast.comprehension], scope: Scope, context: Context) -> Iterator[None]:
    if not loops:
        yield
        return
    loop, *deeper = loops
    for item in items(evaluate(loop.iter, scope, context), context):
        bind(loop.target, item, scope, context)
        if all(evaluate(test, scope, context) for test in loop.ifs):
            yield from _rounds(deeper, scope, context)


def _call(
    node: ast.Call, value: Callable[[ast.expr], Value], scope: Scope, context: Context
) -> Value:
    given = [value(argument) for argument in node.args]
    named = {keyword.arg: value(keyword.value) for keyword in node.keywords if keyword.arg}
    match node.func:
        case ast.Name(id="print") if set(named) <= {"sep", "end"}:
            context.weigh(*given, *named.values())
            text = str(named.get("sep", " ")).join(map(str, given))
            context.output.append(text + str(named.get("end", "\n")))
            return None
        case ast.Name(id=name) if name in scope and not named:
            return context.call(scope[name], given)
        case ast.Name(id=name) if name in _FUNCTIONS and set(named) <= {"reverse", "start"}:
            return _run(_FUNCTIONS[name], given, named, context)
        case ast.Attribute(value=owner, attr=attr) if not named:
            whole = value(owner)
            name = f"{type(whole).__name__}.{attr}"
            if name in _METHODS:
                return _run(_METHODS[name], [whole, *given], {}, context)
        case _:
            pass
    raise Unsupported(f"the call {ast.unparse(node.func)!r} is not in the subset")


def _run(
    function: Callable[..., Value], given: list[Value], named: dict[str, Value], context: Context
) -> Value:
    context.weigh(*given)
    result = function(*given, **named)
    if not isinstance(result, range):
        context.weigh(result)
    return result
