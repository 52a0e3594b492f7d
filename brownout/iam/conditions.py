"""Whether a statement's conditions hold for a request."""

import re
from collections.abc import Iterator, Sequence

from brownout.iam.context import Context, Many, NotKnown, Value
from brownout.iam.operators import OPERATORS, Operator
from brownout.iam.policy import Condition
from brownout.iam.truth import NO, YES, Truth, every, known, some, unsure
from brownout.iam.variables import Absent, expand

_FORM = re.compile(r"^(?:(?P<over>forallvalues|foranyvalue):)?(?P<base>[a-z]+?)(?P<if_exists>ifexists)?$")
_ALL = "forallvalues"


def hold(conditions: Sequence[Condition], version: str, context: Context) -> Truth:
    """Return whether all conditions of a statement hold.

    An operator that is not known here, and a key whose value is not known, make the answer "not known" wherever they
    could change it.
    """
    return every(_holds(one, version, context) for one in conditions)


def _holds(condition: Condition, version: str, context: Context) -> Truth:
    form = _FORM.match(condition.operator.lower())
    value = context[condition.key]
    if form and form["base"] == "null" and not form["over"] and not form["if_exists"]:
        return _is_null(condition, value)
    compared = OPERATORS.get(form["base"]) if form else None
    if form is None or compared is None:
        return unsure(f"the condition operator {condition.operator!r}, which is not supported")
    if isinstance(value, NotKnown):
        return unsure(value.why)
    if value is None:
        return _of_nothing(form["over"], condition, compared, if_exists=bool(form["if_exists"]))
    return _of_values(form["over"], value, condition, compared, version, context)


def _of_values(
    over: str | None, value: str | Many, condition: Condition, compared: Operator, version: str, context: Context
) -> Truth:
    given = value.values if isinstance(value, Many) else (value,)
    each = (_agrees(one, condition, compared, version, context) for one in given)
    if over:
        return every(each) if over == _ALL else some(each)
    if isinstance(value, Many):
        return unsure(f"what {condition.operator} makes of {condition.key}, which has several values")
    return next(each)


def _of_nothing(over: str | None, condition: Condition, compared: Operator, *, if_exists: bool) -> Truth:
    """The key is absent: what is asked of all its values holds, and so does what is asked not to be."""
    if if_exists and over and over != _ALL:
        return unsure(f"what {condition.operator} makes of an absent {condition.key}")
    if over:
        return known(over == _ALL)
    return known(if_exists or compared.negated)


def _agrees(value: str, condition: Condition, compared: Operator, version: str, context: Context) -> Truth:
    """Return whether one value agrees with any of the policy's; of a negated operator, with none."""
    agrees = some(_each(value, condition, compared, version, context))
    return ~agrees if compared.negated else agrees


def _each(value: str, condition: Condition, compared: Operator, version: str, context: Context) -> Iterator[Truth]:
    for written in condition.values:
        wanted = expand(written, version, context, wild=compared.wild) if compared.variables else written
        if isinstance(wanted, Absent):
            yield unsure(f"what ${{{wanted.name}}} is compared as, which this request has not")
        elif isinstance(wanted, NotKnown):
            yield unsure(wanted.why)
        else:
            yield compared.compare(value, wanted)


def _is_null(condition: Condition, value: Value) -> Truth:
    if isinstance(value, NotKnown):
        return unsure(value.why)
    wanted = {word.lower() for word in condition.values}
    if not wanted <= {"true", "false"}:
        return unsure(f"what Null makes of {', '.join(condition.values)}")
    return YES if ("true" if value is None else "false") in wanted else NO
