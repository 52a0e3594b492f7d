"""The reference router takes batches: as OpenAI documents them, bounded, and each its tenant's alone."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from brownout.wire import HttpReply, HttpRequest, Refusal
from tests.batching import ENDPOINT, Client, Front, jsonl, one_after_another, served, statuses, with_batches


def code_of(body: bytes) -> str:
    """Return an error's code."""
    return str(json.loads(body)["error"]["code"])


def test_a_batch_comes_back_as_documented() -> None:
    """Validating, then completed, with counts and the instants of its states; a line of output for each of input."""

    async def play(client: Client, front: Front) -> None:
        file_id = await client.upload(jsonl("a", "b", "c"))
        made = await client.create(file_id, metadata={"job": "nightly"})
        assert ("batch", "validating", ENDPOINT, "24h", file_id) == tuple(
            made[name] for name in ("object", "status", "endpoint", "completion_window", "input_file_id")
        )
        batch = await client.ended(made["id"])
        assert ("completed", {"total": 3, "completed": 3, "failed": 0}) == (batch["status"], batch["request_counts"])
        assert ({"job": "nightly"}, None, None) == (batch["metadata"], batch["errors"], batch["error_file_id"])
        instants = [batch[f"{name}_at"] for name in ("created", "in_progress", "finalizing", "completed")]
        assert sorted(instants) == instants
        lines = await client.lines(batch["output_file_id"])
        assert {name: {"answer": name} for name in "abc"} == {n: one["response"]["body"] for n, one in lines.items()}
        assert {(200, None)} == {(one["response"]["status_code"], one["error"]) for one in lines.values()}
        assert [("acme", name) for name in "abc"] == front.asked
        assert [("ok", "")] * 3 == front.ended
        kept = await client.told("GET", f"/v1/files/{batch['output_file_id']}")
        assert ("batch_output", "processed") == (kept["purpose"], kept["status"])

    with_batches(play)


def test_for_another_tenant_nothing_is_there() -> None:
    """Neither the batch nor any of its files, to look at, to read, to cancel or to make another of: 404, as if none."""

    async def play(client: Client, front: Front) -> None:
        file_id = await client.upload(jsonl("a"))
        batch = await client.ended((await client.create(file_id))["id"])
        other = client.as_("globex")
        asked = [("GET", f"/v1/batches/{batch['id']}"), ("POST", f"/v1/batches/{batch['id']}/cancel")]
        for one in (file_id, batch["output_file_id"]):
            asked += [("GET", f"/v1/files/{one}"), ("GET", f"/v1/files/{one}/content")]
        for method, path in asked:
            status, body = await other.send(method, path)
            assert (404, "not_found") == (status, code_of(body)), path
        wanted = {"input_file_id": file_id, "endpoint": ENDPOINT, "completion_window": "24h"}
        theirs = await other.send("POST", "/v1/batches", json=wanted)
        nobodys = await other.send("POST", "/v1/batches", json=wanted | {"input_file_id": "file-none"})
        assert 404 == theirs[0]
        assert theirs[1].replace(file_id.encode(), b"file-none") == nobodys[1]
        assert [("acme", "a")] == front.asked

    with_batches(play)


def test_who_is_no_tenant_has_no_files() -> None:
    """A name that is not known, or none, is denied."""

    async def play(client: Client, _: Front) -> list[int]:
        return [(await client.as_(name).send("GET", "/v1/files/file-rt1"))[0] for name in ("", "nobody")]

    assert [403, 403] == with_batches(play)


def test_a_line_that_is_refused_is_in_the_error_file() -> None:
    """With the status and the error that it would have got by itself; the others are in the output."""

    async def play(client: Client, front: Front) -> None:
        batch = await client.ended(await client.hand_in("a", "b"))
        assert ("completed", {"total": 2, "completed": 1, "failed": 1}) == (batch["status"], batch["request_counts"])
        assert ["b"] == list(await client.lines(batch["output_file_id"]))
        (line,) = (await client.lines(batch["error_file_id"])).values()
        assert ("a", 400, None) == (line["custom_id"], line["response"]["status_code"], line["error"])
        assert "too long" == line["response"]["body"]["error"]["message"]
        assert [("refused", "invalid"), ("ok", "")] == front.ended

    with_batches(play, one_after_another(Refusal("invalid", "too long")), at_once=1)


def test_a_batch_waits_out_what_passes() -> None:
    """A line that nobody can serve now is asked again, as much later as it is told; it counts once."""

    async def play(client: Client, front: Front) -> float:
        batch = await client.ended(await client.hand_in("a"))
        assert {"total": 1, "completed": 1, "failed": 0} == batch["request_counts"]
        assert ([("acme", "a")] * 3, [("ok", "")]) == (front.asked, front.ended)
        return asyncio.get_running_loop().time()

    full = Refusal("overloaded", retry_after_s=3.0)
    took_s = with_batches(play, one_after_another(full, Refusal("unavailable")))
    assert 4.0 <= took_s <= 5.0


def test_a_line_that_nobody_serves_is_given_up() -> None:
    """After so many tries it is told why, and the batch is over."""

    async def play(client: Client, front: Front) -> list[int]:
        batch = await client.ended(await client.hand_in("a"))
        assert (None, [("refused", "unavailable")]) == (batch["output_file_id"], front.ended)
        assert 3 == len(front.asked)
        return statuses(list((await client.lines(batch["error_file_id"])).values()))

    assert [503] == with_batches(play, one_after_another(*[Refusal("unavailable")] * 9), tries=3)


def test_a_file_that_is_wrong_fails_the_batch() -> None:
    """Nothing of it is asked; the errors are told by their lines."""

    async def play(client: Client, front: Front) -> None:
        made = await client.create(await client.upload(jsonl("a", "a") + b"{"))
        batch = await client.ended(made["id"])
        assert ("failed", []) == (batch["status"], front.asked)
        assert ("list", [(2, "duplicate_custom_id"), (3, "invalid_json_line")]) == (
            batch["errors"]["object"],
            [(one["line"], one["code"]) for one in batch["errors"]["data"]],
        )

    with_batches(play)


async def _slow(raw: HttpRequest) -> HttpReply:
    await asyncio.sleep(10)
    return await served(raw)


@pytest.mark.parametrize(("limits", "status"), [({}, "cancelled"), ({"kept_s": 8.0}, "expired")])
def test_what_is_not_asked_in_time_is_said_to_be_so(limits: dict[str, Any], status: str) -> None:
    """Of a batch that is cancelled, or takes too long, the lines under way end, and the others say why they did not."""

    async def play(client: Client, _: Front) -> None:
        batch_id = await client.hand_in("a", "b", "c", "d")
        await asyncio.sleep(5)
        if status == "cancelled":
            assert "cancelling" == (await client.told("POST", f"/v1/batches/{batch_id}/cancel"))["status"]
        batch = await client.ended(batch_id)
        assert status == batch["status"]
        assert batch[f"{status}_at"] >= batch["created_at"]
        done, left = await client.lines(batch["output_file_id"]), await client.lines(batch["error_file_id"])
        assert (["a", "b", "c", "d"], batch["request_counts"]["completed"]) == (sorted({*done, *left}), len(done))
        assert {(None, f"batch_{status}")} == {(one["response"], one["error"]["code"]) for one in left.values()}
        code, _body = await client.send("POST", f"/v1/batches/{batch_id}/cancel")
        assert 409 == code

    with_batches(play, _slow, **limits)


def test_a_few_at_a_time_are_under_way() -> None:
    """Of each batch so many and no more."""

    async def play(client: Client, front: Front) -> int:
        for one in [await client.hand_in(*"abcdef") for _ in range(2)]:
            await client.ended(one)
        return front.most

    assert 6 == with_batches(play, _slow, at_once=3)


@pytest.mark.parametrize(
    ("limits", "files", "refused"),
    [
        ({"file_bytes": 100}, [b"x" * 5000], (413, "request_too_large")),
        ({"file_bytes": 100}, [b"x" * 101], (413, "request_too_large")),
        ({"files": 2}, [b"x"] * 3, (400, "file_limit_exceeded")),
        ({"tenant_bytes": 100}, [b"x" * 60] * 2, (400, "file_limit_exceeded")),
    ],
)
def test_files_are_bounded(limits: dict[str, int], files: list[bytes], refused: tuple[int, str]) -> None:
    """In length, in number, and all together; what one tenant has takes no room from another."""

    async def play(client: Client, _: Front) -> tuple[int, str]:
        *taken, last = files
        for content in taken:
            await client.upload(content)
            await client.as_("globex").upload(content)
        form = aiohttp.FormData({"purpose": "batch"})
        form.add_field("file", last, filename="f.jsonl")
        status, body = await client.send("POST", "/v1/files", data=form)
        return status, code_of(body)

    assert refused == with_batches(play, **limits)


@pytest.mark.parametrize("limits", [{"open_batches": 2}, {"batches": 2}])
def test_batches_are_bounded(limits: dict[str, int]) -> None:
    """One more than may be is refused, and another tenant's is taken."""

    async def play(client: Client, _: Front) -> None:
        file_id = await client.upload(jsonl("a"))
        for _once in range(2):
            await client.create(file_id)
        wanted = {"input_file_id": file_id, "endpoint": ENDPOINT, "completion_window": "24h"}
        status, body = await client.send("POST", "/v1/batches", json=wanted)
        assert (429, "rate_limit_exceeded") == (status, code_of(body))
        await client.as_("globex").hand_in("a")

    with_batches(play, _slow, **limits)


def test_what_is_old_is_forgotten() -> None:
    """Files are gone after their time, batches after twice that."""

    async def play(client: Client, _: Front) -> list[int]:
        batch = await client.ended(await client.hand_in("a"))
        paths = [f"/v1/files/{batch['output_file_id']}", f"/v1/batches/{batch['id']}"]
        seen = []
        for wait_s in (50, 60, 100):
            await asyncio.sleep(wait_s)
            seen += [(await client.send("GET", path))[0] for path in paths]
        return seen

    assert [200, 200, 404, 200, 404, 404] == with_batches(play, kept_s=100.0)


def test_a_defect_of_the_routers_ends_the_batch_and_is_said() -> None:
    """Nobody waits for ever for what has broken down."""

    async def broken(_: HttpRequest) -> HttpReply:
        raise ZeroDivisionError

    async def play(client: Client, _: Front) -> dict[str, Any]:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        return await client.ended(await client.hand_in("a"))

    batch = with_batches(play, broken)
    assert ("failed", "internal_error") == (batch["status"], batch["errors"]["data"][0]["code"])


def _form(*fields: tuple[str, bytes]) -> dict[str, Any]:
    parts = b"".join(
        b'--f\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value)
        for name, value in fields
    )
    return {"data": parts + b"--f--\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=f"}}


@pytest.mark.parametrize(
    ("sent", "param"),
    [
        ({"data": b"x", "headers": {"Content-Type": "application/jsonl"}}, "file"),
        ({"data": b"x", "headers": {"Content-Type": "multipart/form-data"}}, "file"),
        ({"data": b"x", "headers": {"Content-Type": "multipart/form-data; boundary=f"}}, "file"),
        ({"data": b"--f\r\nX", "headers": {"Content-Type": "multipart/form-data; boundary=f"}}, "file"),
        (_form(), "purpose"),
        (_form(("file", b"x")), "purpose"),
        (_form(("purpose", b"batch")), "file"),
        (_form(("purpose", b"vision"), ("file", b"x")), "purpose"),
        (_form(("purpose", b"batch" * 99), ("file", b"x")), "purpose"),
        (_form(("purpose", b"batch"), ("file", b"x"), ("file", b"y")), "file"),
        (_form(("purpose", b"batch"), ("file", b"x"), ("tenant", b"globex")), "tenant"),
    ],
)
def test_an_upload_that_is_none_is_told_what_is_wrong(sent: dict[str, Any], param: str) -> None:
    """By the field at fault, whatever was sent in its place."""

    async def play(client: Client, _: Front) -> tuple[int, str]:
        status, body = await client.send("POST", "/v1/files", **sent)
        return status, json.loads(body)["error"]["param"]

    assert (400, param) == with_batches(play)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"endpoint": "/v1/embeddings"}, "endpoint"),
        ({"completion_window": "1h"}, "completion_window"),
        ({"input_file_id": 3}, "input_file_id"),
        ({"metadata": {"a": 1}}, "metadata"),
        ({"priority": "high"}, "priority"),
    ],
)
def test_a_batch_that_cannot_be_is_told_what_is_wrong(body: dict[str, Any], param: str) -> None:
    """By the field at fault; and what came of a batch is no file for another."""

    async def play(client: Client, _: Front) -> None:
        batch = await client.ended(await client.hand_in("a"))
        wanted = {"input_file_id": batch["input_file_id"], "endpoint": ENDPOINT, "completion_window": "24h"}
        status, told = await client.send("POST", "/v1/batches", json=wanted | body)
        assert (400, param) == (status, json.loads(told)["error"]["param"]), told
        output = {"input_file_id": batch["output_file_id"]}
        status, told = await client.send("POST", "/v1/batches", json=wanted | output)
        assert (400, "input_file_id") == (status, json.loads(told)["error"]["param"])

    with_batches(play)


def test_what_there_is_none_of_is_not_found() -> None:
    """Lists and deletions are not offered."""

    async def play(client: Client, _: Front) -> set[tuple[int, str]]:
        asked = [("GET", "/v1/files"), ("GET", "/v1/batches"), ("DELETE", "/v1/files/file-rt1")]
        answers = [await client.send(method, path) for method, path in asked]
        return {(status, code_of(body)) for status, body in answers}

    assert {(404, "unknown_url")} == with_batches(play)
