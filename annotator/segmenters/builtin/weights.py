"""The built-in network in a safetensors file: half precision, its architecture in the header, no pickle."""

import json

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from annotator.segmenters.builtin.architecture import METADATA_KEY, Architecture
from annotator.segmenters.builtin.network import Network

HEADER_LENGTH = 8  # bytes, little-endian: how long the JSON header after them is


def network_from(content: bytes) -> Network:
    """The network that a weights file holds, in single precision. Raises ValueError where it holds none."""
    try:
        weights = {name: tensor.float() for name, tensor in load(content).items()}
        network = Network(Architecture.from_metadata(_metadata(content)))
        network.load_state_dict(weights)
    except (SafetensorError, RuntimeError) as error:
        raise ValueError(f"These are not the weights of a built-in model: {error}") from error
    return network


def notes_in(content: bytes) -> dict[str, str]:
    """What content_of was given beside the network. Raises ValueError where content is no weights file."""
    metadata = _metadata(content) or {}
    return {name: note for name, note in metadata.items() if name not in ("format", METADATA_KEY)}


def _metadata(content: bytes) -> dict[str, str] | None:
    length = int.from_bytes(content[:HEADER_LENGTH], "little")
    return json.loads(content[HEADER_LENGTH : HEADER_LENGTH + length]).get("__metadata__")


def content_of(network: Network, notes: dict[str, str]) -> bytes:
    """The weights file of a network, with notes (text by name) in its header beside the architecture."""
    weights = {
        name: tensor.detach().to("cpu", torch.half).contiguous() for name, tensor in network.state_dict().items()
    }
    return save(weights, metadata={"format": "pt", **network.architecture.to_metadata(), **notes})
