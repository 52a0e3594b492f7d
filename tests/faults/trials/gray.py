"""Trials of the gray faults: nobody is down, and all is not well."""

import asyncio
from statistics import median

from aiohttp import ClientError

from brownout.answer import Integrity, read_reply
from brownout.schedule import Scope, Timing
from tests.faults.trial import Meets, Scene, trial
from tests.live import Seen

_LONG = Timing(at_s=0, for_s=3600)
_MANY = 60


async def _many(scene: Scene, number: int = _MANY) -> list[Seen]:
    return [await scene.ask() for _ in range(number)]


def _integrity(seen: Seen, canary: str = "none") -> Integrity:
    return read_reply("".join(seen.tokens), canary).integrity


def _took_s(seen: Seen) -> float:
    return seen.ended_s - seen.asked_s


# --- late --------------------------------------------------------------------------------------------------


@trial("tail-latency", settings={"tail_share": 0.1, "delay_s": 5.0}, timing=_LONG)
async def a_few_are_awfully_late(scene: Scene) -> None:
    """All are answered; the median is as ever, the worst far from it, and nothing in between."""
    seen = await _many(scene, 100)
    firsts_s = sorted(one.tokens_s[0] for one in seen)
    late = [first_s for first_s in firsts_s if first_s >= 5.0]
    assert ([True] * 100, True) == ([one.whole for one in seen], median(firsts_s) < 0.2)
    assert (True, True) == (1 <= len(late) <= 25, all(first_s < 0.2 for first_s in firsts_s if first_s < 5.0))


@trial("slow-tokens", settings={"inter_token_s": 0.5}, at="anthropic")
async def a_reply_that_trickles(scene: Scene) -> None:
    """The first token in time, half a second between the others."""
    seen = await scene.ask()
    gaps_s = [round(later - sooner, 3) for sooner, later in zip(seen.tokens_s, seen.tokens_s[1:], strict=False)]
    assert (True, True, [0.5] * 7) == (seen.whole, seen.tokens_s[0] < 0.2, gaps_s)


# --- one of several ----------------------------------------------------------------------------------------


@trial("bad-replica", settings={"replicas": 4, "how": "error"}, at="bedrock")
async def one_of_four_fails(scene: Scene) -> None:
    """About a quarter is refused, and all others are whole."""
    seen = await _many(scene)
    refused = [one for one in seen if one.refusal is not None]
    assert (True, {500}) == (5 <= len(refused) <= 27, {one.status for one in refused})
    assert _MANY == len(refused) + sum(one.whole for one in seen)


@trial("bad-replica", settings={"replicas": 3, "how": "slow", "delay_s": 7.0}, at="vertex", timing=_LONG)
async def one_of_three_is_slow(scene: Scene) -> None:
    """All are whole, and about a third is seven seconds late."""
    seen = await _many(scene)
    late = [one for one in seen if one.tokens_s[0] >= 7]
    assert (True, True) == (all(one.whole for one in seen), 8 <= len(late) <= 32)


@trial("bad-replica", settings={"replicas": 2, "how": "wrong"}, at="sagemaker")
async def one_of_two_talks_nonsense(scene: Scene) -> None:
    """All are whole by the protocol, and about half by their text."""
    seen = await _many(scene)
    garbled = [one for one in seen if _integrity(one) == "garbled"]
    assert (True, True) == (all(one.whole for one in seen), 15 <= len(garbled) <= 45)
    assert _MANY == len(garbled) + sum(_integrity(one) == "whole" for one in seen)


# --- wrong -------------------------------------------------------------------------------------------------


def _wrong(integrity: Integrity, tokens: int, *, stream: bool) -> Meets:
    async def meets(scene: Scene) -> None:
        seen = await scene.ask(stream=stream)
        assert seen.end is not None
        assert (200, True, "stop", tokens) == (seen.status, seen.whole, seen.end.stop, seen.end.output_tokens)
        assert integrity == _integrity(seen)

    meets.__name__ = f"{integrity}_{'streamed' if stream else 'at_once'}"
    return meets


for _at in ("openai", "bedrock", "sagemaker", "vertex", "anthropic"):
    for _stream in (True, False):
        trial("wrong-answer", settings={"how": "empty"}, at=_at)(_wrong("empty", 0, stream=_stream))
        trial("wrong-answer", settings={"how": "truncated"}, at=_at)(_wrong("truncated", 4, stream=_stream))
        trial("wrong-answer", settings={"how": "wrong-language"}, at=_at)(_wrong("garbled", 8, stream=_stream))


async def _anothers(scene: Scene, *, stream: bool) -> None:
    mint = scene.live.shell(scene.at).mint
    first, second, third = [
        await scene.ask(stream=stream, max_tokens=tokens, prompt=f"{mint.value('acme', number)} hello")
        for number, tokens in ((1, 8), (2, 12), (3, 5))
    ]
    assert ([True] * 3, "whole") == ([one.whole for one in (first, second, third)], _integrity(first, "acme-1"))
    assert ("foreign", "whole") == (_integrity(second, "acme-2"), _integrity(second, "acme-1"))
    assert ("foreign", "whole") == (_integrity(third, "acme-3"), _integrity(third, "acme-2"))


@trial("wrong-answer", settings={"how": "another-request"})
async def the_one_befores_answer(scene: Scene) -> None:
    """A shorter one and a longer one: each request gets the whole answer to the one before it."""
    await _anothers(scene, stream=True)


@trial("wrong-answer", settings={"how": "another-request"}, at="bedrock")
async def the_one_befores_whole_answer(scene: Scene) -> None:
    """The same where nothing is streamed."""
    await _anothers(scene, stream=False)


# --- the network -------------------------------------------------------------------------------------------


@trial("bandwidth", settings={"rate_kbps": 64.0})
async def a_long_prompt_crawls(scene: Scene) -> None:
    """Twenty thousand bytes at eight thousand a second are on their way for two and a half seconds."""
    seen = await scene.ask(prompt="word " * 4000)
    assert (True, True) == (seen.whole, 2.5 <= seen.tokens_s[0] < 4)


@trial("bandwidth", settings={"rate_kbps": 64.0}, timing=Timing(at_s=0, for_s=60, ramp_s=20))
async def a_line_that_thins_out(scene: Scene) -> None:
    """The same prompt takes longer and longer while the fault comes on."""
    took_s = []
    for _ in range(3):
        took_s.append((await scene.ask(prompt="word " * 4000)).tokens_s[0])
        await scene.wait(10)
    assert took_s == sorted(took_s)
    assert (True, True) == (took_s[0] < 1.0, took_s[2] >= 2.5)


@trial("jitter", settings={"delay_ms": 400.0, "jitter_ms": 300.0}, at="anthropic")
async def late_by_another_delay_each_time(scene: Scene) -> None:
    """Whole and in order, later than the least delay, and uneven."""
    seen = [await scene.ask() for _ in range(5)]
    firsts_s = [one.tokens_s[0] for one in seen]
    assert (True, True) == (all(one.whole for one in seen), all(0.2 <= first_s <= 0.8 for first_s in firsts_s))
    assert max(firsts_s) - min(firsts_s) > 0.05


async def _reset(scene: Scene) -> None:
    """No reply, though the endpoint has begun one."""
    seen = await scene.ask()
    assert (0, True) == (seen.status, isinstance(seen.broken, ClientError))
    assert "reset by peer" in repr(seen.broken).lower() + repr(getattr(seen.broken, "__cause__", None)).lower()
    await scene.live.until(lambda: bool(scene.live.records))
    assert 200 == scene.live.records[-1].status


trial("random-resets", at="vertex")(_reset)
trial("random-resets", at="vertex", real=True)(_reset)


@trial("random-resets", scope=Scope(share=0.5))
async def some_connections_are_reset(scene: Scene) -> None:
    """Half of the connections, more or less; the others know nothing of it."""
    seen = await _many(scene)
    broken = sum(one.broken is not None for one in seen)
    assert (True, _MANY) == (15 <= broken <= 45, broken + sum(one.whole for one in seen))


@trial("slow-close", settings={"delay_ms": 3000})
async def an_end_that_is_long_in_coming(scene: Scene) -> None:
    """What the endpoint says comes at once; that it has hung up comes three seconds later."""
    link = scene.world.links[scene.at]
    reader, writer = await asyncio.open_connection(link.host, link.port)
    writer.write(b"GET /v1/nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    began_s = scene.live.clock.now_s()
    said = await reader.read(65536)
    first_s = scene.live.clock.now_s() - began_s
    rest = await reader.read()
    assert (b"HTTP/1.1 4", b"") == (said[:10], rest)
    assert (True, 3.0) == (first_s < 0.1, round(scene.live.clock.now_s() - began_s, 1))
    writer.close()
    assert (await scene.ask()).whole
