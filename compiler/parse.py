"""From text to the syntax tree: a hand-written parser by precedence (CEL specification, "Syntax").

The grammar is the specification's with what cel-go's grammar adds to it: optional selections, indices, elements and
entries (``a.?b``, ``a[?i]``, ``[?x]``, ``{?k: v}``), field names in backticks, and trailing commas in literals.
"""

from __future__ import annotations

from . import limits, mistakes
from .diagnostics import CompileError
from .lex import RESERVED_WORDS, Tokens, literal, tokenize
from .macros import MACROS, expand
from .source import Source, Span, to_span
from .syntax import (
    Call,
    Conditional,
    Index,
    ListLiteral,
    Logic,
    MapEntry,
    MapLiteral,
    MessageField,
    MessageLiteral,
    Name,
    Select,
    Syntax,
)

# How tightly a binary operator binds, and the function that it calls.
_LOOSEST = 1
_LEVELS = {
    "||": 1,
    "&&": 2,
    **dict.fromkeys(("<", "<=", ">=", ">", "==", "!=", "in"), 3),
    **dict.fromkeys(("+", "-"), 4),
    **dict.fromkeys(("*", "/", "%"), 5),
}
_LOGIC_LEVEL = 2
_FUNCTIONS = {operator: f"_{operator}_" for operator in _LEVELS} | {"in": "@in"}
_PREFIX_FUNCTIONS = {"!": "!_", "-": "-_"}

_LITERALS = frozenset({"int", "uint", "double", "string", "raw", "true", "false", "null"})
_SIGNED = frozenset({"int", "double"})
_FOLLOWING = frozenset({".", "[", "{"})
"""What continues an operand: a selection or a call, an index, the fields of a message."""


def parse(source: Source) -> Syntax:
    """The syntax tree of a condition.

    Takes time linear in the text's length and never recurses beyond a fixed depth, whatever the text.

    Raises:
        CompileError: with one diagnostic, the first syntax error or the first limit that is exceeded.
    """
    limits.check_text(source)
    parser = _Parser(source, tokenize(source.text, source.start))
    tree = parser.condition()
    # A tree has no more levels than its text has tokens, so most conditions need no second look.
    if len(parser.kinds) > limits.DEPTH or parser.macros > limits.COMPREHENSION_DEPTH:
        limits.check_tree(source, tree)
    return tree


class _Parser:
    """A position in a condition's tokens; each method reads one rule of the grammar and moves past it.

    ``depth`` is the level of nesting at which a rule is read. Every cycle of the grammar adds to it, so it bounds the
    recursion; chains to the left (``a.b.c``, ``a + b + c``) are loops, and are bounded on the finished tree.
    """

    __slots__ = ("at", "kinds", "macros", "source", "spans", "tokens")

    def __init__(self, source: Source, tokens: Tokens) -> None:
        self.source = source
        self.tokens = tokens
        self.kinds = tokens.kinds
        self.spans = tokens.spans
        self.at = 0
        self.macros = 0

    def condition(self) -> Syntax:
        if self.kinds[0] == "end":
            raise mistakes.empty(self.source)
        tree = self.expression(1)
        if self.kinds[self.at] != "end":
            raise self.unexpected("an operator")
        return tree

    def expression(self, depth: int) -> Syntax:
        start = self.spans[self.at][0]
        condition = self.operation(_LOOSEST, depth)
        if self.kinds[self.at] != "?":
            return condition
        question = self.at
        self.at += 1
        then = self.operation(_LOOSEST, depth + 1)
        if self.kinds[self.at] != ":":
            raise self.unexpected("':'", question)
        self.at += 1
        otherwise = self.expression(depth + 1)
        return Conditional(self.span_from(start), condition, then, otherwise)

    def operation(self, loosest: int, depth: int) -> Syntax:
        """Operands joined by operators that bind at least as tightly as ``loosest``."""
        if depth > limits.DEPTH:
            raise limits.too_deep(self.source, self.spans[self.at])
        kinds = self.kinds
        start = self.spans[self.at][0]
        left = self.unary(depth)
        while (level := _LEVELS.get(operator := kinds[self.at], 0)) >= loosest:
            if level <= _LOGIC_LEVEL:
                operands = [left]
                while kinds[self.at] == operator:
                    self.at += 1
                    operands.append(self.operation(level + 1, depth + 1))
                left = Logic(self.span_from(start), operator, tuple(operands))
            else:
                place = self.spans[self.at]
                self.at += 1
                right = self.operation(level + 1, depth + 1)
                left = Call(self.span_from(start), _FUNCTIONS[operator], place, None, (left, right))
        return left

    def unary(self, depth: int) -> Syntax:
        kinds = self.kinds
        operator = kinds[self.at]
        if operator not in _PREFIX_FUNCTIONS or (operator == "-" and kinds[self.at + 1] in _SIGNED):
            return self.member(depth)
        first = self.at
        while kinds[self.at] == operator:
            self.at += 1
        places = self.spans[first : self.at]
        if depth + len(places) > limits.DEPTH:
            raise limits.too_deep(self.source, places[0])
        operand = self.member(depth + len(places))
        for place in reversed(places):
            operand = Call(self.span_from(place.start), _PREFIX_FUNCTIONS[operator], place, None, (operand,))
        return operand

    def member(self, depth: int) -> Syntax:
        """A primary expression with the selections, calls and indices that follow it."""
        kinds = self.kinds
        start = self.spans[self.at].start
        node = self.primary(depth)
        while (follows := kinds[self.at]) in _FOLLOWING:
            match follows:
                case ".":
                    node = self.selection(node, start, depth)
                case "[":
                    node = self.index(node, start, depth)
                case _:
                    node = self.message_literal(node, start, depth)
        return node

    def primary(self, depth: int) -> Syntax:
        kind = self.kinds[self.at]
        span = self.spans[self.at]
        if kind == "name":
            return self.name(span.start, depth)
        if kind in _LITERALS:
            self.at += 1
            return literal(self.source, kind, span)
        match kind:
            case "-" if self.kinds[self.at + 1] in _SIGNED:
                self.at += 2
                return literal(self.source, self.kinds[self.at - 1], self.spans[self.at - 1], sign=span)
            case "(":
                return self.parenthesised(depth)
            case "[":
                return self.list_literal(depth)
            case "{":
                return self.map_literal(depth)
            case ".":
                self.at += 1
                return self.name(span.start, depth)
            case _:
                raise self.unexpected("an expression")

    def name(self, start: int, depth: int) -> Syntax:
        """A variable or the call of a function; ``start`` is the place of its leading dot, where it has one."""
        if self.kinds[self.at] != "name":
            raise self.unexpected("a name")
        span = self.spans[self.at]
        word = self.text(span)
        if word in RESERVED_WORDS:
            raise mistakes.reserved(self.source, span, word)
        self.at += 1
        absolute = start < span.start
        if self.kinds[self.at] == "(":
            arguments = self.arguments(depth)
            call = Call(self.span_from(start), word, span, None, arguments)
            return call if absolute else self.expanded(call)
        return Name(self.span_from(start), word, absolute)

    def selection(self, operand: Syntax, start: int, depth: int) -> Syntax:
        """``.field``, ``.?field`` or ``.method(...)`` after an operand."""
        self.at += 1
        optional = self.accept("?")
        span, field = self.field()
        if self.kinds[self.at] == "(" and self.kinds[self.at - 1] == "name" and not optional:
            arguments = self.arguments(depth)
            return self.expanded(Call(self.span_from(start), field, span, operand, arguments))
        return Select(self.span_from(start), operand, field, span, optional)

    def field(self) -> tuple[Span, str]:
        """The name of a field: any word but those of the syntax, or a text in backticks."""
        span = self.spans[self.at]
        match self.kinds[self.at]:
            case "name":
                name = self.text(span)
            case "quoted":
                name = self.source.text[span.start + 1 : span.end - 1]
            case _:
                raise self.unexpected("a field name")
        self.at += 1
        return span, name

    def expanded(self, call: Call) -> Syntax:
        if call.function not in MACROS:
            return call
        self.macros += 1
        return expand(self.source, call)

    def arguments(self, depth: int) -> tuple[Syntax, ...]:
        opening = self.at
        self.at += 1
        if self.accept(")"):
            return ()
        arguments = [self.expression(depth + 1)]
        while self.accept(","):
            arguments.append(self.expression(depth + 1))
        self.close(")", opening, separated=True)
        return tuple(arguments)

    def index(self, operand: Syntax, start: int, depth: int) -> Index:
        opening = self.at
        self.at += 1
        optional = self.accept("?")
        index = self.expression(depth + 1)
        self.close("]", opening)
        return Index(self.span_from(start), operand, index, optional)

    def parenthesised(self, depth: int) -> Syntax:
        opening = self.at
        self.at += 1
        inner = self.expression(depth + 1)
        self.close(")", opening)
        return inner

    def list_literal(self, depth: int) -> ListLiteral:
        opening = self.at
        self.at += 1
        elements: list[Syntax] = []
        optional: set[int] = set()
        while self.more("]", opening, first=not elements):
            if self.accept("?"):
                optional.add(len(elements))
            elements.append(self.expression(depth + 1))
        return ListLiteral(self.span_from(self.spans[opening].start), tuple(elements), frozenset(optional))

    def map_literal(self, depth: int) -> MapLiteral:
        opening = self.at
        self.at += 1
        entries: list[MapEntry] = []
        while self.more("}", opening, first=not entries):
            optional = self.accept("?")
            key = self.expression(depth + 1)
            self.colon()
            entries.append(MapEntry(key, self.expression(depth + 1), optional))
        return MapLiteral(self.span_from(self.spans[opening].start), tuple(entries))

    def message_literal(self, type_name: Syntax, start: int, depth: int) -> MessageLiteral:
        name = self.dotted_name(type_name, start)
        opening = self.at
        self.at += 1
        fields: list[MessageField] = []
        while self.more("}", opening, first=not fields):
            optional = self.accept("?")
            span, field = self.field()
            self.colon()
            value = self.expression(depth + 1)
            fields.append(MessageField(self.span_from(span.start), field, value, optional))
        return MessageLiteral(self.span_from(start), name, tuple(fields))

    def dotted_name(self, node: Syntax, start: int) -> str:
        """The text of a type's name, which may hold neither parentheses nor backticks nor calls."""
        names: list[str] = []
        while isinstance(node, Select) and not node.optional and len(node.field) == len(self.text(node.field_span)):
            names.append(node.field)
            node = node.operand
        if not isinstance(node, Name) or node.span.start != start:
            raise self.unexpected("an operator")
        names.append(f".{node.name}" if node.absolute else node.name)
        return ".".join(reversed(names))

    def more(self, closing: str, opening: int, *, first: bool) -> bool:
        """Whether another element of a literal comes next; otherwise moves past the closing bracket."""
        if self.accept(closing):
            return False
        if first:
            if self.kinds[self.at] == "," and self.kinds[self.at + 1] == closing:
                self.at += 2
                return False
            return True
        if self.accept(","):
            return not self.accept(closing)
        raise self.unexpected(f"',' or '{closing}'", opening)

    def close(self, closing: str, opening: int, *, separated: bool = False) -> None:
        if not self.accept(closing):
            raise self.unexpected(f"',' or '{closing}'" if separated else f"'{closing}'", opening)

    def colon(self) -> None:
        if not self.accept(":"):
            raise self.unexpected("':'")

    def accept(self, kind: str) -> bool:
        if self.kinds[self.at] != kind:
            return False
        self.at += 1
        return True

    def unexpected(self, expected: str, opening: int | None = None) -> CompileError:
        return mistakes.unexpected(self.source, self.tokens, self.at, expected, opening)

    def text(self, span: Span) -> str:
        return self.source.text[span.start : span.end]

    def span_from(self, start: int) -> Span:
        """From a place to the end of the last token that was read."""
        return to_span((start, self.spans[self.at - 1][1]))
