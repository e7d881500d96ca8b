"""Whether IAM policies allow a call, evaluated as AWS documents it.

moto's IAM looks at neither resources nor conditions, and no kept Python package evaluates both, so this does: identity
policies and trust policies of one account, with the condition operators that infra/template.yaml uses. An operator that is
not here is an error, never a guess. What actions, resource types and condition keys there are comes from policy_sentry,
which packs AWS's service authorization reference.

Source: IAM User Guide, "Policy evaluation logic", "IAM JSON policy elements: Condition operators" and "Conditions with
multiple context keys or values".
"""

import fnmatch
import functools
import re
from collections.abc import Callable, Mapping, Sequence

from policy_sentry.querying.actions import get_action_data

Value = str | Sequence[str]
Statement = Mapping[str, object]


def listed(value: object) -> list:
    """IAM writes one of something without a list."""
    return list(value) if isinstance(value, list | tuple) else [value]


def like(value: str, pattern: str) -> bool:
    """`*` is any text and `?` any character; nothing else is special, unlike in fnmatch."""
    return fnmatch.fnmatchcase(value, pattern.replace("[", "[[]"))


def arn_like(value: str, pattern: str) -> bool:
    """Each of an ARN's six parts by itself: a `*` does not reach over a colon, but in the last."""
    parts, patterns = value.split(":", 5), pattern.split(":", 5)
    return len(parts) == len(patterns) == 6 and all(map(like, parts, patterns))


OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringLike": like,
    "ArnEquals": arn_like,
    "ArnLike": arn_like,
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "NumericLessThanEquals": lambda value, wanted: float(value) <= float(wanted),
}


def holds(operator: str, key: str, wanted: object, context: Mapping[str, Value]) -> bool:
    """Whether one key of a condition holds; keys of requests do not know case."""
    values = next((listed(it) for name, it in context.items() if name.lower() == key.lower()), [])
    wishes = [str(it).lower() if isinstance(it, bool) else str(it) for it in listed(wanted)]
    if operator == "Null":
        return all((not values) == (it == "true") for it in wishes)
    quantifier, _, operator = operator.rpartition(":")
    operator, if_exists = re.fullmatch(r"(\w+?)(IfExists)?", operator).groups()
    test = OPERATORS[operator]
    if not values:
        return quantifier == "ForAllValues" or if_exists is not None
    met = [any(test(value, it) for it in wishes) for value in values]
    if quantifier == "ForAllValues":
        return all(met)
    if quantifier == "ForAnyValue":
        return any(met)
    assert quantifier == "" and len(met) == 1, f"{key} has {values}, and {operator} is for one value"
    return met[0]


def conditions_hold(statement: Statement, context: Mapping[str, Value]) -> bool:
    """All operators and all of their keys must hold."""
    conditions = statement.get("Condition", {})
    return all(holds(operator, key, wanted, context) for operator, keys in conditions.items() for key, wanted in keys.items())


def applies(statement: Statement, action: str, resource: str, context: Mapping[str, Value]) -> bool:
    """Whether a statement speaks of this call. Actions do not know case, resources do."""
    assert not {"NotAction", "NotResource", "NotPrincipal"} & statement.keys(), statement
    return (
        any(like(action.lower(), it.lower()) for it in listed(statement["Action"]))
        and any(like(resource, it) for it in listed(statement.get("Resource", resource)))
        and conditions_hold(statement, context)
    )


def allows(statements: Sequence[Statement], action: str, resource: str = "*", context: Mapping[str, Value] | None = None) -> bool:
    """Whether policies allow a call: some statement must allow it, and none deny it."""
    found = {it["Effect"] for it in statements if applies(it, action, resource, context or {})}
    return "Allow" in found and "Deny" not in found


def trusts(statements: Sequence[Statement], kind: str, principal: str, action: str, context: Mapping[str, Value] | None = None) -> bool:
    """Whether a trust policy lets `principal` of a kind (`Service`, `Federated`, `AWS`) take the role."""
    named = [it for it in statements if principal in listed(it["Principal"].get(kind, []))]
    return allows(named, action, context=context)


@functools.cache
def reference(action: str) -> tuple[set[str], set[str]]:
    """The ARNs and the condition keys that AWS documents for an action, `*` where it has no resource."""
    service, _, name = action.partition(":")
    data = get_action_data(service, name)
    assert data, f"AWS has no action {action}"
    rows = [row for row in data[service] if row["action"].lower() == action.lower()]
    keys = {key.lower() for row in rows for key in row["condition_keys"]}
    return {row["resource_arn_format"] for row in rows}, keys


def needs_every_resource(action: str) -> bool:
    """Whether an action can only be allowed on `*`."""
    arns, _ = reference(action)
    return arns == {"*"}


def takes_resource(action: str, resource: str) -> bool:
    """Whether a named resource can be one that an action is about."""
    arns, _ = reference(action)
    return any(overlaps(resource, re.sub(r"\$\{\w+\}", "*", it)) for it in arns - {"*"})


def overlaps(one: str, other: str) -> bool:
    """Whether some text fits both patterns, each with `*`."""
    if not one or not other:
        return set(one + other) <= {"*"}
    if "*" in (one[0], other[0]):
        star, rest = (one, other) if one[0] == "*" else (other, one)
        return overlaps(star[1:], rest) or (bool(rest) and overlaps(star, rest[1:]))
    return one[0] == other[0] and overlaps(one[1:], other[1:])
