"""What the servers in front of a GPU say when it cannot serve, and what SageMaker makes of that.

Sources: vLLM (``v1/engine/exceptions.py``, ``entrypoints/launcher.py``), Hugging Face TGI (``router/src/server.rs``,
``router/src/infer``), Triton Inference Server (its queue policy), botocore's sagemaker-runtime service model.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from brownout.wire import Cut, Refusal, RefusalKind

Server: TypeAlias = Literal["vllm", "tgi", "triton"]

TGI_CONCURRENT = 128
"""TGI's default for ``--max-concurrent-requests``."""

ENGINE_DEAD = "EngineDeadError"
"""The code of a request that vLLM's engine took with it: a whole request gets a 500 without a body, a stream the
sentence as its next event (vllm-project/vllm issues 20170 and 12233)."""

_OUT_OF_MEMORY = "CUDA out of memory."
_CONTAINER_STATUS: Mapping[RefusalKind, int] = {
    "throttled": 429,
    "overloaded": 503,
    "unavailable": 503,
    "internal": 500,
    "model-error": 424,
    "invalid": 400,
}


def full(server: Server) -> Refusal:
    """Return what a server says whose queue is full: TGI a 429 of its type ``overloaded``, Triton a 503."""
    if server == "tgi":
        return Refusal("throttled", "Model is overloaded", code="overloaded")
    return Refusal("overloaded", "Exceeds maximum queue size")


def engine_died(server: Server) -> Refusal:
    """Return what a request sees whose engine died: vLLM and Triton a 500, TGI its 424 of the type ``generation``."""
    if server == "vllm":
        sentence = "EngineCore encountered an issue. See stack trace (above) for the root cause."
        return Refusal("internal", sentence, code=ENGINE_DEAD)
    return _failed(server, "the model server's worker process has died")


def out_of_memory(server: Server) -> Refusal:
    """Return what a request sees whose step ran out of GPU memory; vLLM's engine dies of it."""
    return engine_died(server) if server == "vllm" else _failed(server, _OUT_OF_MEMORY)


def too_long(kv_tokens: int, prompt_tokens: int, answer_tokens: int) -> Refusal:
    """Return vLLM's 400 for a request that the cache could never hold."""
    return Refusal(
        "invalid",
        f"This model's maximum context length is {kv_tokens} tokens. However, you requested "
        f"{prompt_tokens + answer_tokens} tokens ({prompt_tokens} in the messages, {answer_tokens} in the completion). "
        "Please reduce the length of the messages or completion.",
    )


def behind_sagemaker(failure: Exception) -> Exception:
    """Return what SageMaker's caller sees of a container's failure: a ModelError, 424, with the container's status.

    A connection that broke is a ModelStreamError with the error code ``StreamBroken`` where it was a stream.
    """
    if isinstance(failure, Cut):
        return Refusal("model-error", "The model container closed the connection.", code="StreamBroken")
    assert isinstance(failure, Refusal)
    status = _CONTAINER_STATUS[failure.kind]
    return Refusal("model-error", failure.message, original_status=status)


def _failed(server: Server, reason: str) -> Refusal:
    if server == "tgi":
        return Refusal("model-error", f"Request failed during generation: Server error: {reason}", code="generation")
    return Refusal("internal", reason)
