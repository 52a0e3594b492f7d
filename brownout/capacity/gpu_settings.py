"""What a topology says of a pool of GPU instances."""

from typing import Literal

from brownout.capacity.gpu_rates import Gpu, TensorParallel
from brownout.capacity.gpu_refusals import Server
from brownout.capacity.instances import FleetSettings, above, at_least

_HBM_BYTES = 80e9
_HBM_SHARE = 0.9
"""vLLM's default for ``--gpu-memory-utilization``."""

_WEIGHT_BYTES = 141e9
"""70 billion parameters in FP16."""

_KV_BYTES = 2 * 80 * 8 * 128 * 2
"""Of one token of a 70B Llama: key and value, 80 layers, 8 heads of 128 numbers in FP16, i.e. 320 KiB."""

_BATCH_TOKENS = {"h100-80gb": 8192, "a100-80gb": 2048}
"""vLLM's defaults for ``--max-num-batched-tokens`` of its API server on these GPUs (``engine/arg_utils.py``)."""


class ServingSettings(FleetSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What serves on the instances of a `FleetSettings`.

    Attributes:
        gpu: the GPU.
        model: the model; step times were measured with this one (see `gpu_rates`).
        tensor_parallel: GPUs to an instance.
        server: what answers there. ``vllm`` has no bound on its queue, and preempts when the KV cache overflows;
            ``tgi`` and ``triton`` reserve a whole answer in the cache before they begin one, and refuse when full.
        front: what stands before the instances. ``none``: the servers' own port, which nobody listens on while no
            instance is up. ``sagemaker``: always there; failures of a container are its ModelError, 424.
        max_batch: sequences that run at once on an instance (vLLM's ``--max-num-seqs``).
        max_batched_tokens: tokens that one step computes; None for vLLM's default on this GPU.
        kv_tokens: tokens that an instance's KV cache holds; None for what 90 % of its memory leaves beside the weights.
        queue_limit: None for the server's default. Of ``tgi``, requests in flight to an instance
            (``--max-concurrent-requests``, 128); of ``triton``, requests that wait for a place (``max_queue_size``,
            no bound).
        speedup: how much faster than measured steps are (ratio).
        watchdog_s: how long a lost rank hangs an instance until the process aborts (torch's NCCL watchdog: 600 s).
        exit_s: how long a server whose engine has died goes on answering before it exits (vLLM's watchdog looks
            every 5 s).

    Raises:
        ValueError: for a number out of its bounds, or a bound on the queue of a server that knows none.
    """

    gpu: Gpu = "h100-80gb"
    model: Literal["llama-2-70b"] = "llama-2-70b"
    tensor_parallel: TensorParallel = 8
    server: Server = "vllm"
    front: Literal["none", "sagemaker"] = "none"
    max_batch: int = 256
    max_batched_tokens: int | None = None
    kv_tokens: int | None = None
    queue_limit: int | None = None
    speedup: float = 1.0
    watchdog_s: float = 600.0
    exit_s: float = 5.0

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least("max_batch", self.max_batch, 1)
        at_least("kv_tokens", self.cache_tokens, 2)
        at_least("exit_s", self.exit_s, 0)
        above("watchdog_s", self.watchdog_s, 0)
        above("speedup", self.speedup, 0)
        if self.batch_tokens < self.max_batch:
            raise ValueError(
                f"max_batched_tokens ({self.batch_tokens}) must not be below max_batch ({self.max_batch}): "
                "every sequence of a step decodes one token."
            )
        if self.queue_limit is not None:
            at_least("queue_limit", self.queue_limit, 1)
            if self.server == "vllm":
                raise ValueError("queue_limit: vLLM's queue has no bound; leave it out, or set server: tgi or triton.")

    @property
    def cache_tokens(self) -> int:
        """The tokens that an instance's KV cache holds."""
        if self.kv_tokens is not None:
            return self.kv_tokens
        return int((_HBM_SHARE * self.tensor_parallel * _HBM_BYTES - _WEIGHT_BYTES) / _KV_BYTES)

    @property
    def batch_tokens(self) -> int:
        """The tokens that one step computes."""
        return _BATCH_TOKENS[self.gpu] if self.max_batched_tokens is None else self.max_batched_tokens
