"""From syntax to the typed tree: every name and every overload is resolved here, once.

What is wrong is collected, so that one check reports all of it. Unchecked evaluation (``unchecked=True``) takes every
variable as ``dyn``: what the checker would refuse then becomes a :class:`~compiler.ir.Fail`, an error on each row, or,
for equality between types that are never equal, false (specification: "Gradual Type Checking").
"""

from __future__ import annotations

from collections.abc import Sequence

from . import comprehensions, messages, optional_nodes
from .diagnostics import CompileError, Diagnostic
from .functions import NAMESPACES, catalogue
from .functions.declare import EvaluationError, Function
from .ir import (
    Bind,
    Bound,
    Call,
    Column,
    Comprehension,
    Conditional,
    Constant,
    Deferred,
    Fail,
    Field,
    Has,
    Local,
    Logic,
    MakeList,
    MakeMap,
    Node,
    Part,
    column_fingerprint,
)
from .overloads import behind, behind_nullable, join, join_all, of_a_value, part_of, resolve
from .schema import Schema
from .source import Source, Span
from .syntax import Bind as BindSyntax
from .syntax import Call as CallSyntax
from .syntax import Comprehension as ComprehensionSyntax
from .syntax import Conditional as ConditionalSyntax
from .syntax import Has as HasSyntax
from .syntax import Index as IndexSyntax
from .syntax import (
    ListLiteral,
    Literal,
    MapLiteral,
    MessageLiteral,
    Name,
    Select,
    Syntax,
    dotted_name,
    function_name,
    names_in,
    operand_text,
)
from .syntax import Logic as LogicSyntax
from .types import (
    BOOL,
    DYN,
    NOTHING,
    STRING,
    TIMESTAMP,
    TYPE_NAMES,
    Dynamic,
    ListType,
    MapType,
    OptionalType,
    StructType,
    Type,
    TypeOf,
    Unusable,
    plain,
)
from .values import Timestamp, TypeValue

ROW = "user"
NOW = "now"

_MOST_DIAGNOSTICS = 20
"""After so many, the check ends: nobody reads more, and to find what was meant takes time."""


def check(syntax: Syntax, source: Source, schema: Schema, *, now: int, unchecked: bool = False) -> Node:
    """The typed tree of a condition.

    Args:
        syntax: the condition as written.
        source: its text, for the messages.
        schema: the columns that there are.
        now: the time of the run, in nanoseconds since the epoch.
        unchecked: take every variable as ``dyn``.

    Raises:
        CompileError: with all that is wrong, in source order; or with the first of very much.
    """
    checker = _Checker(source, schema, now, unchecked=unchecked)
    node = checker.node(syntax)
    if checker.diagnostics:
        raise CompileError(source, checker.diagnostics)
    return node


class _Checker:
    def __init__(self, source: Source, schema: Schema, now: int, *, unchecked: bool) -> None:
        self.source = source
        self.schema = schema
        self.now = now
        self.unchecked = unchecked
        self.diagnostics: list[Diagnostic] = []
        self.scope: list[Local | Bound] = []
        self.depth = 0
        self.functions = catalogue()

    def node(self, syntax: Syntax) -> Node:
        # The commonest first: each pattern costs.
        match syntax:
            case Name():
                return self.name(syntax)
            case Literal():
                fingerprint = f"{syntax.type.name}:{syntax.value!r}"
                return Constant(syntax.span, syntax.type, syntax.value, fingerprint, origin=syntax)
            case CallSyntax():
                return self.call(syntax)
            case LogicSyntax():
                operands = tuple([self.condition(o) for o in syntax.operands])
                return logic(syntax.span, syntax.operator, operands, syntax)
            case Select():
                return self.select(syntax)
            case HasSyntax():
                return self.has(syntax)
            case ConditionalSyntax():
                return self.conditional(syntax)
            case IndexSyntax():
                return self.index(syntax)
            case ListLiteral():
                return self.list_literal(syntax)
            case MapLiteral():
                return self.map_literal(syntax)
            case ComprehensionSyntax():
                return self.comprehension(syntax)
            case BindSyntax():
                return self.bind(syntax)
            case MessageLiteral():
                return self.unsupported(syntax.span, messages.UNSUPPORTED_MESSAGE)

    # Names

    def name(self, syntax: Name) -> Node:
        if not syntax.absolute:
            for variable in reversed(self.scope):
                if variable.name == syntax.name:
                    return variable._replace(span=syntax.span, origin=syntax)
        if syntax.name == NOW:
            value = Timestamp(self.now)
            return Constant(syntax.span, TIMESTAMP, value, f"timestamp:{self.now}", origin=syntax)
        if syntax.name == ROW:
            return self.wrong(syntax.span, messages.ROW_ALONE, origin=syntax)
        column = self.column(syntax.name, syntax.span, syntax)
        if column is None and syntax.name in TYPE_NAMES:
            return self.type_value(syntax.name, syntax)
        return column or self.undeclared(syntax)

    def undeclared(self, syntax: Name) -> Node:
        names = [*self.schema.types, NOW, ROW, *(variable.name for variable in self.scope)]
        return self.wrong(syntax.span, *messages.undeclared(syntax.name, names), operands=(), origin=syntax)

    def column(self, name: str, span: Span, origin: Syntax) -> Node | None:
        type_ = self.schema.types.get(name)
        if type_ is None:
            return None
        if isinstance(plain(type_), Unusable):
            self.report(span, messages.unusable(name, str(self.schema.columns[name])))
            return self.unknown(span, origin)
        return Column(span, type_, name, column_fingerprint(name), origin=origin)

    def select(self, syntax: Select) -> Node:
        if self.is_row(syntax.operand):
            column = self.column(syntax.field, syntax.span, syntax)
            if column is not None:
                return optional_nodes.of_present(column, syntax) if syntax.optional else column
            message = messages.no_such_field(syntax.field, "user", list(self.schema.types))
            return self.wrong(syntax.field_span, *message, operands=(), origin=syntax)
        if self.schema.has_dotted_names and not syntax.optional and (qualified := self.qualified(syntax)) is not None:
            column = self.column(qualified, syntax.span, syntax)
            if column is not None:
                return column
        if (name := dotted_name(syntax)) in TYPE_NAMES and self.qualified(syntax) is not None:
            return self.type_value(str(name), syntax)
        operand = self.node(syntax.operand)
        return self.selection(operand, syntax)

    def type_value(self, name: str, syntax: Syntax) -> Constant:
        """A name that stands for a type."""
        type_ = TypeOf(TYPE_NAMES[name])
        return Constant(syntax.span, type_, TypeValue(name), f"type:{name}", origin=syntax)

    def selection(self, operand: Node, syntax: Select) -> Node:
        """``operand.field`` or ``operand.?field`` of a message, a map, or an optional one."""
        type_ = behind(operand.type)
        optional = isinstance(type_, OptionalType)
        held = behind(type_.of) if isinstance(type_, OptionalType) else type_
        match held:
            case StructType():
                field = held.field(syntax.field)
                if field is None:
                    names = [name for name, _ in held.fields]
                    message = messages.no_such_field(syntax.field, self.source.slice(operand.span), names)
                    return self.wrong(syntax.field_span, *message, (operand,), syntax, needed=(operand,))
                if isinstance(plain(field), Unusable):
                    self.report(syntax.field_span, messages.unusable(syntax.field, str(field)))
                    return self.unknown(syntax.span, syntax)
                return self.field(operand, field, syntax)
            case MapType():
                key = Constant(syntax.field_span, STRING, syntax.field, f"string:{syntax.field!r}")
                name = "_[?_]" if syntax.optional or optional else "_[_]"
                return self.apply(name, (operand, key), syntax.span, syntax.field_span, syntax)
            case Dynamic():
                result = OptionalType(DYN) if syntax.optional or optional else DYN
                return self.deferred(syntax.span, result, (operand,), f".{syntax.field!r}", syntax)
            case _ if optional and held == NOTHING:
                return operand
            case _ if isinstance(type_, OptionalType) and isinstance(type_.of, Dynamic):
                # Only what is held can be wrong: nothing has no fields, and gives nothing.
                return self.deferred(syntax.span, OptionalType(DYN), (operand,), f".{syntax.field!r}", syntax)
            case _:
                method = self.is_method(syntax.field, held)
                text = self.source.slice(operand.span)
                refusal = messages.no_fields(held, syntax.field, text, method=method)
                return self.wrong(syntax.field_span, *refusal, (operand,), syntax, needed=(operand,))

    def is_method(self, name: str, receiver: Type) -> bool:
        """Whether there is a method of that name for values of that type."""
        function = self.functions.get((name, True))
        receivers = () if function is None else [plain(o.parameters[0]) for o in function.overloads]
        return any(
            r == receiver or (r.kind != "primitive" and r.kind in ("parameter", receiver.kind)) for r in receivers
        )

    def field(self, operand: Node, type_: Type, syntax: Select) -> Node:
        """The field, of that type, of a message or an optional one."""
        if isinstance(behind(operand.type), OptionalType):
            holder = optional_nodes.present_operand(operand)
            if holder is None:
                return optional_nodes.of_field(operand, type_, syntax)
            # Of a null message every field is null, so only the last selection has to ask what is there.
            return optional_nodes.of_present(self.field(holder, type_, syntax._replace(optional=False)), syntax)
        fingerprint = f"({operand.fingerprint}).{syntax.field!r}"
        selected = part_of(operand.type, type_)
        field = Field(syntax.span, selected, operand, syntax.field, fingerprint, operand.depends, origin=syntax)
        return optional_nodes.of_present(field, syntax) if syntax.optional else field

    def has(self, syntax: HasSyntax) -> Node:
        span = syntax.span
        place = Span(syntax.operand.span.start, syntax.field_span.end)
        asked = Select(place, syntax.operand, syntax.field, syntax.field_span)
        if self.is_row(syntax.operand):
            selected = self.column(syntax.field, asked.span, asked)
            if selected is None:
                message = messages.no_such_field(syntax.field, "user", list(self.schema.types))
                return self.wrong(syntax.field_span, *message, operands=(), origin=syntax)
        else:
            operand = self.node(syntax.operand)
            if isinstance(behind(operand.type), MapType):
                key = Constant(syntax.field_span, STRING, syntax.field, f"string:{syntax.field!r}")
                return self.apply("@in", (key, operand), span, syntax.field_span, syntax)
            selected = self.selection(operand, asked)
            if isinstance(behind(operand.type), OptionalType) and not isinstance(selected, Fail):
                return self.apply("hasValue", (selected,), span, syntax.field_span, syntax, method=True)
        if isinstance(selected, Fail):
            return selected._replace(span=span, origin=syntax)
        if isinstance(selected, Deferred):
            return self.deferred(span, BOOL, selected.operands, f"has.{syntax.field!r}", syntax)
        return Has(span, selected, f"has({selected.fingerprint})", selected.depends, origin=syntax)

    def is_row(self, syntax: Syntax) -> bool:
        return isinstance(syntax, Name) and syntax.name == ROW and (syntax.absolute or not self.in_scope(ROW))

    def is_variable(self, syntax: Name) -> bool:
        local = not syntax.absolute and self.in_scope(syntax.name)
        return local or syntax.name == NOW or syntax.name in self.schema.types

    def in_scope(self, name: str) -> bool:
        return any(variable.name == name for variable in self.scope)

    def qualified(self, syntax: Syntax) -> str | None:
        """A chain of names as one dotted name (specification: "Name Resolution"), unless it starts at a local."""
        parts: list[str] = []
        while isinstance(syntax, Select) and not syntax.optional:
            parts.append(syntax.field)
            syntax = syntax.operand
        if not isinstance(syntax, Name):
            return None
        if not syntax.absolute and self.in_scope(syntax.name):
            return None
        return ".".join((syntax.name, *reversed(parts)))

    # Calls

    def call(self, syntax: CallSyntax) -> Node:
        name, method = function_name(syntax, self.functions)
        if (name, method) not in self.functions:
            return self.undeclared_function(syntax)
        if method and syntax.target is not None:
            written = (syntax.target, *syntax.arguments)
            if not self.unchecked and self.is_foreign(syntax, syntax.target):
                return self.undeclared_function(syntax)
        else:
            written = syntax.arguments
        arguments = tuple([self.node(a) for a in written])
        return self.apply(name, arguments, syntax.span, syntax.function_span, syntax, method=method)

    def is_foreign(self, syntax: CallSyntax, target: Syntax) -> bool:
        """Whether a call of a method's name means no method: of a namespace, or with a variable as a macro has it."""
        if isinstance(target, Name) and target.name in NAMESPACES and not self.is_variable(target):
            return True
        return self.has_variable(syntax)

    def has_variable(self, syntax: CallSyntax) -> bool:
        """Whether a call is written as a macro: its first argument is no variable yet, and its last one uses it."""
        if len(syntax.arguments) < 2:
            return False
        first, *_, last = syntax.arguments
        if not isinstance(first, Name) or self.is_variable(first):
            return False
        return any(name.name == first.name for name in names_in(last))

    def undeclared_function(self, syntax: CallSyntax) -> Node:
        name, target = syntax.function, syntax.target
        method = target is not None
        written = syntax.arguments if target is None else (target, *syntax.arguments)
        text = self.source.slice(written[0].span) if written else "x"
        if name in messages.MACRO_FORMS and not self.unchecked:
            self.report(syntax.function_span, *messages.macro_misused(name, text if method else None))
            return self.unknown(syntax.span, syntax)
        if isinstance(target, Name) and not self.is_variable(target):
            # The name of a namespace, rather.
            name, method, written = f"{target.name}.{name}", False, syntax.arguments
        if method and self.has_variable(syntax) and not self.unchecked:
            # Its arguments are for a macro: what they name is not declared either.
            texts = [self.source.slice(argument.span) for argument in syntax.arguments]
            known = (name, True) in self.functions
            self.report(syntax.function_span, *messages.no_macro(name, text, texts, known=known))
            return self.unknown(syntax.span, syntax)
        operands = tuple(map(self.node, written))
        types = tuple(o.type for o in operands)
        other = (name, not method) in self.functions
        fits = other and resolve(name, types, method=not method, unchecked=self.unchecked) is not None
        near = [n for n, is_method in self.functions if is_method == method]
        if method and not isinstance(behind(types[0]), Dynamic):
            near = [n for n in near if self.is_method(n, behind(types[0]))]
        every = [n for n, _ in self.functions]
        refusal = messages.undeclared_function(name, near, every, method=method, other=other, fits=fits, text=text)
        return self.wrong(syntax.function_span, *refusal, operands=operands, origin=syntax)

    def index(self, syntax: IndexSyntax) -> Node:
        operand, index = self.node(syntax.operand), self.node(syntax.index)
        name = "_[?_]" if syntax.optional or isinstance(behind(operand.type), OptionalType) else "_[_]"
        return self.apply(name, (operand, index), syntax.span, syntax.index.span, syntax)

    def apply(
        self, name: str, arguments: tuple[Node, ...], span: Span, place: Span, origin: Syntax, *, method: bool = False
    ) -> Node:
        """A call of the function of that name, bound to its overload."""
        if self.diagnostics and any(map(_is_unknown, arguments)):
            return self.unknown(span, origin)
        types = tuple([a.type for a in arguments])
        resolution = resolve(name, types, method=method, unchecked=self.unchecked)
        if resolution is None:
            texts = [self.source.slice(a.span) for a in arguments]
            message, hint = messages.no_overload(self.functions[name, method], types, texts)
            needed = arguments[1:] if name == "@in" else arguments
            return self.wrong(
                place, message, hint, arguments, origin, needed=needed, span=span, text="no such overload"
            )
        inner = ",".join([a.fingerprint for a in arguments])
        depends = _depends(arguments)
        if resolution.overload is None:
            return self.deferred(span, resolution.type, arguments, name, origin)
        fingerprint = f"{resolution.overload.id}({inner})"
        node = Call(span, resolution.type, resolution.overload, arguments, fingerprint, depends, origin=origin)
        if resolution.overload.literals and not self.unchecked:
            self.check_literals(self.functions[name, method], node)
        return node

    def check_literals(self, function: Function, call: Call) -> None:
        """A literal that its function can never accept is reported before any row is read."""
        for place, read in call.overload.literals:
            argument = call.arguments[place]
            if isinstance(argument, Constant):
                try:
                    read(argument.value)
                except EvaluationError as error:
                    text = self.source.slice(argument.span)
                    self.report(argument.span, *messages.bad_literal(function, str(error), text))

    # Special forms

    def condition(self, syntax: Syntax) -> Node:
        """An operand that must be bool."""
        node = self.node(syntax)
        type_ = behind(node.type)
        if type_ == BOOL or isinstance(type_, Dynamic):
            return node
        message, hint = messages.not_bool(type_, operand_text(self.source, syntax))
        return self.wrong(syntax.span, message, hint, (node,), syntax, needed=(node,), text="no such overload")

    def conditional(self, syntax: ConditionalSyntax) -> Node:
        condition = self.condition(syntax.condition)
        then, otherwise = self.node(syntax.then), self.node(syntax.otherwise)
        type_ = join(of_a_value(then.type), of_a_value(otherwise.type))
        parts = (condition, then, otherwise)
        if isinstance(then, Fail) and isinstance(then.type, Dynamic):
            type_ = otherwise.type
        elif isinstance(otherwise, Fail) and isinstance(otherwise.type, Dynamic):
            type_ = then.type
        elif isinstance(then.type, Dynamic) or isinstance(otherwise.type, Dynamic):
            known = join(behind_nullable(then.type), behind_nullable(otherwise.type))
            type_ = Dynamic(known) if known is not None and not isinstance(known, Dynamic) else DYN
        if type_ is None:
            if not self.unchecked:
                message = messages.branches(str(then.type), str(otherwise.type))
                return self.wrong(syntax.span, *message, operands=parts, origin=syntax)
            type_ = DYN
        fingerprint = f"({condition.fingerprint})?({then.fingerprint}):({otherwise.fingerprint})"
        return Conditional(syntax.span, type_, condition, then, otherwise, fingerprint, _depends(parts), origin=syntax)

    def list_literal(self, syntax: ListLiteral) -> Node:
        elements = tuple(self.node(e) for e in syntax.elements)
        optional = syntax.optional
        types = [self.held(e, optional=place in optional) for place, e in enumerate(elements)]
        marked = (f"{'?' if p in optional else ''}{e.fingerprint}" for p, e in enumerate(elements))
        fingerprint = f"[{','.join(marked)}]"
        if optional and not all(types):
            return self.deferred(syntax.span, ListType(DYN), elements, fingerprint, syntax)
        type_ = ListType(join_all([t for t in types if t is not None]))
        depends = _depends(elements)
        return MakeList(syntax.span, type_, elements, fingerprint, depends, origin=syntax, optional=optional)

    def held(self, node: Node, *, optional: bool) -> Type | None:
        """The type of an element or entry: what it holds, where it is an optional one; None where that is unknown."""
        if not optional:
            return of_a_value(node.type)
        match behind(node.type):
            case OptionalType(of=of):
                return of
            case Dynamic():
                return None
            case type_:
                self.report(node.span, *messages.not_optional(str(type_), self.source.slice(node.span)))
                return DYN

    def map_literal(self, syntax: MapLiteral) -> Node:
        keys = tuple(self.node(entry.key) for entry in syntax.entries)
        values = tuple(self.node(entry.value) for entry in syntax.entries)
        optional = frozenset(place for place, entry in enumerate(syntax.entries) if entry.optional)
        types = [self.held(v, optional=place in optional) for place, v in enumerate(values)]
        entries = (f"{k.fingerprint}:{v.fingerprint}" for k, v in zip(keys, values, strict=True))
        fingerprint = f"{{{','.join(entries)}}}{sorted(optional) if optional else ''}"
        key_type = join_all([of_a_value(k.type) for k in keys])
        if optional and not all(types):
            return self.deferred(syntax.span, MapType(key_type, DYN), (*keys, *values), fingerprint, syntax)
        type_ = MapType(key_type, join_all([t for t in types if t is not None]))
        depends = _depends(keys) | _depends(values)
        return MakeMap(syntax.span, type_, keys, values, fingerprint, depends, origin=syntax, optional=optional)

    def comprehension(self, syntax: ComprehensionSyntax) -> Node:
        range_ = self.node(syntax.range)
        type_ = behind(range_.type)
        count = len(syntax.variables)
        variables = comprehensions.variables(type_, count)
        if variables is None:
            message, hint = messages.not_iterable(str(type_), self.source.slice(syntax.range.span), syntax.macro)
            return self.wrong(syntax.range.span, message, hint, (range_,), syntax, needed=(range_,))
        types = [part_of(range_.type, of) for _, of in variables]
        depth = self.depth
        self.scope += [
            Local(syntax.range.span, of, name, _local(depth, part), 1 << depth, part=part)
            for name, of, (part, _) in zip(syntax.variables, types, variables, strict=True)
        ]
        self.depth += 1
        try:
            *filters, last = syntax.arguments
            condition = self.condition(filters[0]) if filters else None
            body = self.node(last) if syntax.macro in comprehensions.TRANSFORMS else self.condition(last)
            if syntax.macro == "transformMapEntry" and not isinstance(behind(body.type), MapType | Dynamic):
                refusal = messages.no_entry(str(body.type), self.source.slice(last.span))
                body = self.wrong(last.span, *refusal, (body,), last, needed=(body,), text="no such overload")
        finally:
            self.depth -= 1
            del self.scope[-count:]
        macro = "map" if syntax.macro == "transformList" else syntax.macro
        whole = type_ if isinstance(type_, MapType) else plain(range_.type)
        result = comprehensions.result_type(macro, whole, types[0], body.type)
        parts = (range_, body) if condition is None else (range_, condition, body)
        depends = range_.depends | (_depends(parts[1:]) & ~(1 << depth))
        inner = ";".join(p.fingerprint for p in parts)
        own = f"{macro}{depth}{'' if count == 1 else 'by2'}"
        fingerprint = f"{own}({inner})"
        if any(isinstance(t, Dynamic) and t.of is None for t in (type_, *types)):
            return self.deferred(syntax.span, result, parts, own, syntax)._replace(depends=depends)
        return Comprehension(
            syntax.span, result, macro, range_, condition, body, depth, fingerprint, depends, syntax, count
        )

    def bind(self, syntax: BindSyntax) -> Bind:
        value = self.node(syntax.value)
        variable = f"bound:{_digest(value.fingerprint)}"
        self.scope.append(Bound(syntax.value.span, value.type, syntax.variable, variable, value.depends))
        try:
            body = self.node(syntax.body)
        finally:
            self.scope.pop()
        depends = value.depends | body.depends
        return Bind(syntax.span, body.type, variable, value, body, body.fingerprint, depends, origin=syntax)

    # What is wrong

    def wrong(
        self,
        place: Span,
        message: str,
        hint: str | None = None,
        operands: tuple[Node, ...] = (),
        origin: Syntax | None = None,
        *,
        needed: tuple[Node, ...] = (),
        span: Span | None = None,
        text: str | None = None,
    ) -> Node:
        """Reports an error, or, unchecked or where it is due to a ``dyn``, makes it one of every row.

        ``text`` is then the message of the row.
        """
        if not self.unchecked and not any(isinstance(o.type, Dynamic) for o in operands):
            self.report(place, message, hint)
            return self.unknown(place, origin)
        span = span or (origin.span if origin is not None else place)
        inner = ",".join(o.fingerprint for o in operands)
        fingerprint = f"fail({message!r},{inner})"
        return Fail(span, DYN, text or message, operands, fingerprint, _depends(operands), origin, needed)

    def report(self, place: Span, message: str, hint: str | None = None) -> None:
        diagnostic = Diagnostic(place, message, hint)
        if diagnostic not in self.diagnostics:
            self.diagnostics.append(diagnostic)
        if len(self.diagnostics) >= _MOST_DIAGNOSTICS:
            raise CompileError(self.source, self.diagnostics)

    def unsupported(self, place: Span, message: str) -> Node:
        self.report(place, message)
        return self.unknown(place, None)

    def unknown(self, span: Span, origin: Syntax | None) -> Node:
        """Stands for what could not be checked, so that one fault is reported once."""
        return Fail(span, DYN, "", (), "fail()", 0, origin=origin)

    def deferred(self, span: Span, type_: Type, operands: tuple[Node, ...], label: str, origin: Syntax) -> Deferred:
        """What is decided at run time. ``label`` tells it from others of the same operands, and does not contain them:
        a fingerprint that contained its operands twice would double at each level.
        """
        reason = messages.RUN_TIME_TYPE
        key = f"deferred({label},{','.join(o.fingerprint for o in operands)})"
        return Deferred(span, type_, reason, operands, key, _depends(operands), origin=origin)


def _is_unknown(node: Node) -> bool:
    """Whether a node stands for what has been reported already."""
    return isinstance(node, Fail) and not node.message


def logic(span: Span, operator: str, operands: tuple[Node, ...], origin: Syntax | None) -> Logic:
    """A chain of ``&&`` or ``||`` over checked operands."""
    fingerprint = f"({operator.join([o.fingerprint for o in operands])})"
    kind: str = "&&" if operator == "&&" else "||"
    return Logic(span, kind, operands, fingerprint, _depends(operands), origin=origin)  # type: ignore[arg-type]


def _depends(nodes: Sequence[Node]) -> int:
    bits = 0
    for node in nodes:
        bits |= node.depends
    return bits


def _local(depth: int, part: Part) -> str:
    """The fingerprint of a variable of a comprehension."""
    return f"@{depth}" if part == "element" else f"@{depth}.{part}"


def _digest(fingerprint: str) -> str:
    """A fingerprint in short: what stands for a value many times over must not grow with it."""
    from hashlib import blake2b  # takes a while, and few conditions bind

    return blake2b(fingerprint.encode(errors="surrogatepass"), digest_size=16).hexdigest()
