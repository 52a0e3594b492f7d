"""What was seen outside a boundary, in words. No byte of it is shown: a canary's id says whose it was."""

from brownout.canary import Kind
from brownout.crossing import MADE
from brownout.owners import whose as whose_is
from reports.leaks import Leak, Way

KINDS: dict[Kind, str] = {
    "prompt": "prompt",
    "system": "system prompt",
    "tool": "tool's result",
    "file": "file",
    "completion": "answer",
    "context": "retrieved context",
    "credential": "credential",
}
_METRICS = "metrics"


def sentence(leak: Leak) -> str:
    """Return a leak as a sentence: when, amid which faults, whose data of which kind, where, and how it lay there."""
    return f"{when(leak)}: {whose(leak.way, leak.canary)} {went(leak.way, leak)}."


def when(leak: Leak) -> str:
    """Return when it was, and amid which faults; of what was found late, when it was asked, and amid which then."""
    found = ", and found when load had ended" if leak.asked_s is not None else ""
    amid = "" if leak.late and not found else f", amid {' and '.join(leak.faults) or 'no fault'}"
    return f"{moment(leak)}{amid}{found}"


def moment(leak: Leak) -> str:
    """Return when it was; of what was found late, when it was asked."""
    test = leak.test if leak.repeat == 1 else f"{leak.test} (repeat {leak.repeat})"
    if leak.asked_s is not None:
        return f"asked {_at(leak.asked_s)} into {test}"
    if leak.late:
        return f"found in {test} when load had ended"
    return f"{_at(leak.at_s)} into {test}" if leak.at_s >= 0 else f"{_at(-leak.at_s)} before the load of {test}"


def whose(way: Way, canary: str = "") -> str:
    """Return whose data it was, and of which kinds: ``acme's prompt and answer (acme-17)``."""
    if not way.tenant:
        return "the target"
    words = [KINDS[kind] for kind in way.kinds]
    listed = " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
    return whose_is(way.tenant, listed or "data") + (f" ({canary})" if canary else "")


def went(way: Way, leak: Leak) -> str:
    """Return where it went, and how: ``reached bedrock-od-eu-west-1 (body at byte 12, under gzip)``."""
    return f"{_reached(way)}{_details(way, leak)}"


def place(way: Way) -> str:
    """Return where it was seen, as a heading."""
    if way.layer == "replies":
        return f"a reply to {way.to}"
    kind, _, name = way.place.rpartition(":")
    if way.layer == "telemetry":
        return "its metrics" if way.place == _METRICS else f"the collector {name or kind}"
    at = f"the service {name}" if kind == "service" else way.place
    return f"{at}, in {way.to}'s request" if way.to else at


def lay(way: Way) -> str:
    """Return in which part it lay, and under what: ``in body, under gzip``; what else is wrong where it was neither."""
    if way.profile:
        return f"by the inference profile {way.profile}., which reaches wider"
    if way.part == MADE:
        return "made there"
    said = [f"in {way.part}"] if way.part else []
    said += [f"under {way.chain.replace('>', ' > ')}"] if way.chain not in {"", "raw"} else []
    said += ["kept from getting there"] if way.denied else []
    return ", ".join(said)


def _reached(way: Way) -> str:
    was = "were" if len(way.kinds) > 1 else "was"
    if way.layer in {"replies", "telemetry"}:
        return f"{was} {'in' if way.to or way.place == _METRICS else 'sent to'} {place(way)}"
    if way.layer == "files":
        return f"{was} written to {way.place}"
    if way.to:
        return f"{was} in a request of {way.to}'s at {place(way._replace(to=''))}"
    if way.layer == "names":
        return f"{was} in a name that was asked for, {way.place}" if way.tenant else f"asked for the name {way.place}"
    if way.part == MADE:
        return f"was made at {place(way)}"
    verb = "called" if not way.tenant else f"{was} sent to" if way.denied else "reached"
    return f"{verb} {place(way)}"


def _details(way: Way, leak: Leak) -> str:
    said = [f"by the inference profile {way.profile}., which reaches wider"] if way.profile else []
    said += [leak.within] if leak.within else []
    said += [f"{way.part} at byte {leak.offset}"] if way.part and way.part != MADE else []
    said += [f"under {way.chain}"] if way.chain not in {"", "raw"} else []
    said += ["kept from getting there"] if way.denied else []
    said += [leak.why] if leak.why and (way.part or not way.tenant) else []
    return f" ({', '.join(said)})" if said else ""


def _at(seconds: float) -> str:
    return f"{seconds:.1f} s"
