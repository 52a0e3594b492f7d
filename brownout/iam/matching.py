"""Whether a statement is about a request."""

from brownout.iam.arns import covers
from brownout.iam.conditions import hold
from brownout.iam.context import NotKnown
from brownout.iam.policy import Names, Statement
from brownout.iam.principals import Level, means
from brownout.iam.request import Request
from brownout.iam.truth import NO, YES, Truth, every, known, some, unsure
from brownout.iam.variables import Absent, expand
from brownout.iam.wildcards import glob, pattern


def about(statement: Statement, request: Request, *, least: Level = Level.ACCOUNT) -> Truth:
    """Return whether a statement is about a request.

    Args:
        statement: of any policy. In one without principals (an identity's, an SCP) the caller is meant as itself.
        request: the call.
        least: by which name the statement must mean the caller, or a closer one.
    """
    does = _does(statement, request)
    if does.value is False:
        return NO
    principals = statement.principals
    meant = YES if principals is None else means(principals, request.principal, denies=statement.denies, least=least)
    if meant.value is False:
        return NO
    upon = _upon(statement, request)
    if upon.value is False:
        return NO
    return every((meant, upon, hold(statement.conditions, statement.version, request.context)))


def _does(statement: Statement, request: Request) -> Truth:
    found = any(glob(pattern(name), request.action, fold=True) for name in statement.actions.values)
    return known(found != statement.actions.negated)


def _upon(statement: Statement, request: Request) -> Truth:
    if statement.resources is None:
        return YES
    found = some(_covered(name, statement, request) for name in statement.resources.values)
    return ~found if statement.resources.negated else found


def _covered(name: str, statement: Statement, request: Request) -> Truth:
    wanted = expand(name, statement.version, request.context, wild=True)
    if isinstance(wanted, NotKnown):
        return unsure(wanted.why)
    if isinstance(wanted, Absent):
        names: Names | None = statement.resources
        # A resource that names a variable which has no value is no resource. What all but that is, nobody says.
        return unsure(f"what all but {name!r} is") if names is not None and names.negated else NO
    return covers(wanted, request.resource)
