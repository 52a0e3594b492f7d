"""How long a GPU takes over a step, as measured: prefill by tokens and prompts, decode by batch.

Source: the characterisation that ships with SplitwiseSim (github.com/Mutinifni/splitwise-sim, data/perf_model.csv;
Patel et al., "Splitwise: Efficient Generative LLM Inference Using Phase Splitting", ISCA 2024): Llama-2-70B in FP16 on
DGX-A100 and DGX-H100. Each figure here is the median of the five repetitions of a row with 128 output tokens.

Left out, because no single batch can have produced them: the tensor-parallel-2 rows of batch 64 (their end-to-end times
are ten times those of batch 32; the batch does not fit beside the weights), and the rows of 128-token prompts, which
repeat badly (on H100 they took 48 to 61 ms, more than 512 tokens did): shorter prompts take what 256 tokens take.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec

Gpu: TypeAlias = Literal["h100-80gb", "a100-80gb"]
TensorParallel: TypeAlias = Literal[2, 8]


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of one machine. All times are in milliseconds.

    Attributes:
        prompt_ms: the prefill of one prompt, by its tokens.
        batch_ms: the prefill of a batch of prompts of 512 tokens, by the number of prompts.
        decode_ms: one decoding step, by the number of sequences.
    """

    prompt_ms: Mapping[int, float]
    batch_ms: Mapping[int, float]
    decode_ms: Mapping[int, float]


MEASURED: Mapping[tuple[Gpu, TensorParallel], Measured] = {
    ("h100-80gb", 8): Measured(
        prompt_ms={256: 51.66, 512: 53.39, 1024: 77.91, 2048: 136.80, 4096: 390.29, 8192: 844.89},
        batch_ms={1: 53.39, 2: 76.89, 4: 132.64, 8: 371.63, 16: 811.93, 32: 1551.73, 64: 2936.33},
        decode_ms={1: 29.76, 2: 30.26, 4: 31.79, 8: 32.50, 16: 34.17, 32: 38.62, 64: 50.16},
    ),
    ("h100-80gb", 2): Measured(
        prompt_ms={256: 51.85, 512: 83.83, 1024: 157.95, 2048: 310.32, 4096: 642.66, 8192: 1339.84},
        batch_ms={1: 83.83, 2: 155.84, 4: 299.82, 8: 606.02, 16: 1191.98, 32: 2397.77},
        decode_ms={1: 37.00, 2: 37.39, 4: 39.98, 8: 40.40, 16: 41.97, 32: 52.30},
    ),
    ("a100-80gb", 8): Measured(
        prompt_ms={256: 66.76, 512: 94.31, 1024: 154.46, 2048: 274.22, 4096: 661.22, 8192: 1549.82},
        batch_ms={1: 94.31, 2: 165.94, 4: 292.28, 8: 767.62, 16: 2084.41, 32: 3524.54, 64: 7553.99},
        decode_ms={1: 44.85, 2: 44.56, 4: 45.79, 8: 46.47, 16: 50.44, 32: 53.02, 64: 71.61},
    ),
    ("a100-80gb", 2): Measured(
        prompt_ms={256: 112.93, 512: 196.86, 1024: 377.06, 2048: 688.05, 4096: 1485.35, 8192: 2990.18},
        batch_ms={1: 196.86, 2: 416.49, 4: 845.37, 8: 1596.83, 16: 3238.85, 32: 6632.63},
        decode_ms={1: 54.86, 2: 59.92, 4: 60.52, 8: 61.69, 16: 65.46, 32: 72.19},
    ),
}
_BATCH_PROMPT = 512
"""The length of the prompts in the rows of batches, in tokens."""

_MIXED = 1.1
"""What decoding beside a prefill adds to it (ratio): SplitwiseSim's own rule for mixed iterations."""


class _Line:
    """A measured line: straight between its points, flat before the first, on at the last slope after the last."""

    def __init__(self, points: Mapping[int, float]) -> None:
        self._at: Sequence[int] = sorted(points)
        self._ms: Sequence[float] = [points[at] for at in self._at]

    def __call__(self, at: float) -> float:
        if at <= self._at[0]:
            return self._ms[0]
        right = min(bisect_right(self._at, at), len(self._at) - 1)
        x0, x1 = self._at[right - 1], self._at[right]
        y0, y1 = self._ms[right - 1], self._ms[right]
        return y0 + (at - x0) * (y1 - y0) / (x1 - x0)


class Rates:
    """The step times of one machine: a row where one was measured, a straight line between rows.

    Beyond the longest prompt (8192 tokens) and the largest batch (64, or 32) the last slope goes on. A decoding step
    does not depend on the length of the sequences: between 512 and 8192 tokens the rows differ by less than 6 %.

    Args:
        gpu: the GPU.
        tensor_parallel: over how many of them a model is spread.
    """

    def __init__(self, gpu: Gpu, tensor_parallel: TensorParallel) -> None:
        rows = MEASURED[gpu, tensor_parallel]
        short = {tokens: ms for tokens, ms in rows.prompt_ms.items() if tokens < _BATCH_PROMPT}
        self._prompt_ms = _Line(rows.prompt_ms)
        self._batch_ms = _Line(short | {_BATCH_PROMPT * prompts: ms for prompts, ms in rows.batch_ms.items()})
        self._decode_ms = _Line(rows.decode_ms)
        self._decode_s: list[float] = []

    def decode_s(self, sequences: int) -> float:
        """Return the time of one decoding step, in seconds."""
        known = self._decode_s
        while len(known) <= sequences:
            known.append(self._decode_ms(len(known)) / 1000)
        return known[sequences]

    def prefill_s(self, tokens: int, prompts: int = 1) -> float:
        """Return the time to prefill some prompts together, in seconds.

        One prompt takes what one prompt of that length took; prompts of 512 tokens what a batch of them took. In
        between (several longer prompts) the two are mixed by where the number of prompts lies, in logarithms.

        Args:
            tokens: of all prompts together.
            prompts: how many there are.
        """
        if prompts == 1:
            return self._prompt_ms(tokens) / 1000
        batch_ms = self._batch_ms(tokens)
        if tokens > _BATCH_PROMPT * prompts:
            share = math.log(prompts) / math.log(tokens / _BATCH_PROMPT)
            batch_ms = share * batch_ms + (1 - share) * self._prompt_ms(tokens)
        return batch_ms / 1000

    def step_s(self, decodes: int, *, done: int = 0, continued: int = 0, fresh: int = 0, prompts: int = 0) -> float:
        """Return the time of one step of continuous batching with chunked prefill, in seconds.

        Chunks of one prompt take together what the prompt takes whole. A step that decodes as well takes 1.1 times
        the prefill of all its tokens (one for each sequence that decodes), as SplitwiseSim has it, and never less
        than the decoding alone; a forward pass is never shorter than that of one sequence.

        Args:
            decodes: how many sequences decode.
            done: how many tokens of a prompt begun earlier are prefilled already.
            continued: how many more of them this step prefills.
            fresh: how many tokens of prompts begun now this step prefills.
            prompts: how many prompts these are of.
        """
        decode_s = self.decode_s(max(decodes, 1))
        if not continued and not fresh:
            return decode_s
        prefill_s = self.prefill_s(fresh + decodes, prompts) if fresh else 0.0
        if continued:
            beside = 0 if fresh else decodes
            prefill_s += self.prefill_s(done + continued + beside) - self.prefill_s(done)
        return max(decode_s, prefill_s * _MIXED if decodes else prefill_s)
