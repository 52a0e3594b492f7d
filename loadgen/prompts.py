"""What each request says: harmless filler of the length asked for, with the canary in its middle."""

from brownout.canary import COMMON, CanaryMint
from brownout.wire import Ask, Dialect, HttpRequest
from brownout.workload import DueRequest, TrafficClass
from loadgen.plan import LoadPlan
from loadgen.plants import marks_of, planted

_WORDS = """
    amber basin cedar delta ember field grove harbor island juniper kettle lantern meadow north orchard pebble
    quarry river stone timber upland valley willow yarrow acorn bridge cloud drift elm fern glade heron inlet jetty
    knoll linen maple nettle oat pine quill reed shore thicket umber vale wheat yonder ash birch clover dune evening
    fallow gravel hazel ivy jasper kelp loam moss
""".split()  # noqa: SIM905 - sixty quoted words are harder to read


# Each word's next of the same length: what is said in them is another thing, and takes as many bytes and tokens.
_BY_LENGTH = {length: [word for word in _WORDS if len(word) == length] for length in set(map(len, _WORDS))}
_OTHER = {word: alike[(alike.index(word) + 1) % len(alike)] for alike in _BY_LENGTH.values() for word in alike}


def prompt(due: DueRequest, canary: str, *, other: bool = False) -> str:
    """Return about ``prompt_tokens`` words that hold the canary.

    The words depend on the request's number alone, or on which common question it asks. The canary is never the first
    word: a target that looks at a prompt's beginning only (a prefix cache) must not be what finds it or loses it. In
    a planted load, which no prefix cache hits anyway, it is there besides (`loadgen.plants`).

    Args:
        due: the request.
        canary: its canary.
        other: say another thing of the same length, word by word.
    """
    count = max(due.prompt_tokens - 1, 1)
    words = [_WORDS[(_number(due) * 7 + place) % len(_WORDS)] for place in range(count)]
    if other:
        words = [_OTHER[word] for word in words]
    words.insert((count + 1) // 2, canary)
    return " ".join(words)


def ask(plan: LoadPlan, due: DueRequest, canary: str) -> Ask:
    """Return the generation a request asks for; the plan's models take turns, and a common question has one of them."""
    return Ask(
        model=plan.models[_number(due) % len(plan.models)].replace("{tenant}", due.tenant),
        prompt=prompt(due, canary, other=due.common is None and due.tenant == plan.other_secret_of),
        max_tokens=max(due.output_tokens, 2),  # the shortest answer that tells whether it is whole
        stream=due.stream,
    )


def http_request(plan: LoadPlan, dialect: Dialect, due: DueRequest, mint: CanaryMint) -> HttpRequest:
    """Return a request as both drivers send it: the dialect's, with the caller's key, tenant and class.

    The key goes as a bearer token whatever the dialect: the plan's URL is a router's, and routers know no other.
    """
    own = due.common is None
    canary = mint.value(due.tenant if own else COMMON, _number(due))
    request = dialect.client.request(ask(plan, due, canary))
    body = request.body
    if plan.workload.planted and own:  # a common question is the same to the letter, and bears nobody's data
        body = planted(body, canary, marks_of(mint, due.tenant, due.number))
    headers = {**request.headers, **caller_headers(plan, due.tenant, due.traffic_class)}
    return HttpRequest(method=request.method, path=request.path, query=request.query, headers=headers, body=body)


def caller_headers(plan: LoadPlan, tenant: str, traffic_class: TrafficClass) -> dict[str, str]:
    """Return the headers by which a caller says who asks, and for what."""
    # A compressing proxy would hold tokens back until a block is full, and its codec would be timed as the target.
    headers = {"Accept-Encoding": "identity"}
    if plan.api_key:
        headers["Authorization"] = f"Bearer {plan.api_key}"
    if plan.tenant_header:
        headers[plan.tenant_header] = tenant
    if plan.class_header:
        headers[plan.class_header] = traffic_class
    return headers | plan.headers.get(tenant, {})


def _number(due: DueRequest) -> int:
    """Return the number that what a request says follows from."""
    return due.number if due.common is None else due.common


def address(plan: LoadPlan, request: HttpRequest) -> str:
    """Return the URL a request goes to, percent-encoded as the dialect encoded it."""
    return plan.url.rstrip("/") + request.path + (f"?{request.query}" if request.query else "")
