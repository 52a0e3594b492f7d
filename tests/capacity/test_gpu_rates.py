"""Step times are the measured ones where there are some, and lie sensibly in between."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.capacity.gpu_rates import MEASURED, Gpu, Rates, TensorParallel

MACHINES: list[tuple[Gpu, TensorParallel]] = list(MEASURED)
ANY_MACHINE = st.sampled_from(MACHINES)


@pytest.mark.parametrize(("gpu", "tensor_parallel"), MACHINES)
def test_every_measured_row_is_met(gpu: Gpu, tensor_parallel: TensorParallel) -> None:
    """At each measured point the time is the row's."""
    rates, rows = Rates(gpu, tensor_parallel), MEASURED[gpu, tensor_parallel]
    for tokens, ms in rows.prompt_ms.items():
        assert rates.prefill_s(tokens) * 1000 == pytest.approx(ms)
    for prompts, ms in rows.batch_ms.items():
        assert rates.prefill_s(512 * prompts, prompts) * 1000 == pytest.approx(ms)
    for sequences, ms in rows.decode_ms.items():
        assert rates.decode_s(sequences) * 1000 == pytest.approx(ms)


@pytest.mark.parametrize(
    ("gpu", "tensor_parallel", "prefill_ms", "decode_ms"),
    [("h100-80gb", 8, 53, 29.8), ("h100-80gb", 2, 84, 37.0), ("a100-80gb", 8, 94, 44.9), ("a100-80gb", 2, 197, 54.9)],
)
def test_published_medians(gpu: Gpu, tensor_parallel: TensorParallel, prefill_ms: float, decode_ms: float) -> None:
    """A prompt of 512 tokens and a single sequence take SplitwiseSim's published medians."""
    rates = Rates(gpu, tensor_parallel)
    assert rates.prefill_s(512) * 1000 == pytest.approx(prefill_ms, abs=0.5)
    assert rates.decode_s(1) * 1000 == pytest.approx(decode_ms, abs=0.1)


@given(ANY_MACHINE, st.integers(1, 20_000), st.integers(0, 3_000))
def test_longer_prompts_never_take_less(machine: tuple[Gpu, TensorParallel], tokens: int, more: int) -> None:
    """A longer prompt takes no less time."""
    rates = Rates(*machine)
    assert rates.prefill_s(tokens) <= rates.prefill_s(tokens + more)


@given(ANY_MACHINE, st.integers(512, 16_384), st.integers(2, 64))
def test_a_batch_lies_between_its_rows(machine: tuple[Gpu, TensorParallel], tokens: int, prompts: int) -> None:
    """Several long prompts take a time between one prompt of their length, and prompts of 512 tokens of that length."""
    rates = Rates(*machine)
    alone_s, in_512s_s = rates.prefill_s(tokens), rates.prefill_s(tokens, 10**6)
    slack_s = 1e-12
    assert min(alone_s, in_512s_s) - slack_s <= rates.prefill_s(tokens, prompts) <= max(alone_s, in_512s_s) + slack_s


@given(ANY_MACHINE, st.lists(st.integers(1, 2_000), min_size=1, max_size=8))
def test_chunks_take_together_what_the_prompt_takes(machine: tuple[Gpu, TensorParallel], chunks: list[int]) -> None:
    """A prompt in chunks takes what it takes whole, and never less (a forward pass has a least time)."""
    rates = Rates(*machine)
    spent_s = rates.step_s(0, fresh=chunks[0], prompts=1)
    for done, chunk in zip(itertools.accumulate(chunks), chunks[1:], strict=False):
        spent_s += rates.step_s(0, done=done, continued=chunk)
    whole_s = rates.prefill_s(sum(chunks))
    assert whole_s - 1e-9 <= spent_s <= whole_s + rates.decode_s(1) * len(chunks)


@given(ANY_MACHINE, st.integers(0, 300), st.integers(0, 4_000), st.integers(1, 8), st.integers(0, 4_000))
def test_a_mixed_step_is_no_shorter_than_its_parts(
    machine: tuple[Gpu, TensorParallel], decodes: int, fresh: int, prompts: int, continued: int
) -> None:
    """Decoding beside a prefill takes no less than either alone."""
    rates = Rates(*machine)
    step_s = rates.step_s(decodes, done=1000, continued=continued, fresh=fresh, prompts=prompts)
    assert step_s >= rates.decode_s(decodes)
    if fresh:
        assert step_s >= rates.prefill_s(fresh, prompts) - 1e-12
    if continued:
        assert step_s >= rates.prefill_s(1000 + continued) - rates.prefill_s(1000) - 1e-12
