"""SAM's mask decoder for many single points of one picture, doing no more than a grid of points needs.

The answers are those of segment_anything's MaskDecoder, to rounding. Three things make it cheaper:

- Seven tokens look at 64×64 places. Where a projection of the places meets one of the tokens, the two matrices are
  multiplied on the tokens' side, so that no place is projected; what the first layer sees of the picture is the same
  for every point and is not copied.
- Predicted IoUs are known before masks are: only candidates above the threshold get a mask.
- Masks are upscaled where the picture lies, not in the padding.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from segment_anything.modeling import Sam
from segment_anything.modeling.transformer import Attention, TwoWayAttentionBlock
from torch import Tensor, nn

OUTSIDE = -100.0  # the logit of the padding


@dataclass(frozen=True, eq=False)
class DecodedPoints:
    """K candidates: the point and its predicted IoU, and K×256×256 logits."""

    point_index: Tensor
    predicted_iou: Tensor
    low_res_logits: Tensor


def decode_points(
    sam: Sam, image_embedding: Tensor, point_coords: Tensor, *, above: float, inner_hw: tuple[int, int]
) -> DecodedPoints:
    """The candidates above a predicted IoU that answer B foreground points, each asked alone.

    image_embedding: C×h×w. point_coords: B×2 (x, y) in pixels of the frame. inner_hw: the part of the frame, in pixels,
    that is picture.
    """
    decoder, side = sam.mask_decoder, sam.image_encoder.img_size
    labels = torch.ones_like(point_coords[:, :1])
    sparse, dense = sam.prompt_encoder(points=(point_coords[:, None], labels), boxes=None, masks=None)
    fixed = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight])
    tokens = torch.cat([fixed.expand(len(sparse), -1, -1), sparse], dim=1)
    rows, columns = image_embedding.shape[1:]
    places = (image_embedding + dense[0]).flatten(1).T[None]  # 1×hw×C: the same for every point
    where = sam.prompt_encoder.get_dense_pe()[0].flatten(1).T[None]

    queries = tokens
    for layer in decoder.transformer.layers:
        queries, places = _layer(layer, queries, places, tokens, where)
    attention = decoder.transformer.final_attn_token_to_image
    queries = queries + _tokens_to_places(attention, queries + tokens, places + where, places)
    queries = decoder.transformer.norm_final_attn(queries)

    iou = decoder.iou_prediction_head(queries[:, 0])[:, 1:]
    points, candidates = torch.nonzero(iou > above, as_tuple=True)
    logits = iou.new_full((len(points), 4 * rows, 4 * columns), OUTSIDE)
    # one row and column more than the picture covers: upscaling looks at the neighbour
    height, width = (min(n, -(-inner * n // side) + 1) for n, inner in zip((rows, columns), inner_hw, strict=True))
    picture = places.unflatten(1, (rows, columns))[:, :height, :width]
    for point in points.unique().tolist():
        chosen = points == point
        heads = [decoder.output_hypernetworks_mlps[number + 1] for number in candidates[chosen].tolist()]
        numbers = candidates[chosen] + 2  # among the tokens: after that of the IoU and that of the single mask
        weights = torch.stack([head(queries[point, n]) for head, n in zip(heads, numbers, strict=True)])
        logits[chosen, : 4 * height, : 4 * width] = _masks(decoder.output_upscaling, picture[point], weights)
    return DecodedPoints(points, iou[points, candidates], logits)


def _layer(
    layer: TwoWayAttentionBlock, queries: Tensor, places: Tensor, tokens: Tensor, where: Tensor
) -> tuple[Tensor, Tensor]:
    """TwoWayAttentionBlock: B×T×C queries and 1×N×C or B×N×C places -> both, B of each."""
    if layer.skip_first_layer_pe:
        queries = layer.self_attn(q=queries, k=queries, v=queries)
    else:
        asking = queries + tokens
        queries = queries + layer.self_attn(q=asking, k=asking, v=queries)
    queries = layer.norm1(queries)
    located = places + where
    queries = queries + _tokens_to_places(layer.cross_attn_token_to_image, queries + tokens, located, places)
    queries = layer.norm2(queries)
    queries = layer.norm3(queries + layer.mlp(queries))
    places = _places_to_tokens(layer.cross_attn_image_to_token, located, queries + tokens, queries, places)
    return queries, layer.norm4(places)


def _tokens_to_places(attention: Attention, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """What B×T×C tokens take from 1×N×C or B×N×C places (k: with their position, v: without)."""
    asking = _heads(attention.q_proj(q), attention)  # B×H×T×D
    # B×H×T×C; the projection's bias moves the scores of all places alike, which changes nothing
    asking = asking @ _by_head(attention.k_proj, attention) * _scale(attention)
    shares = _each(asking.flatten(1, 2), k.mT).softmax(-1)  # B×HT×N
    seen = _each(shares, v).unflatten(1, asking.shape[1:3])  # B×H×T×C
    taken = seen @ _by_head(attention.v_proj, attention).mT + _heads(attention.v_proj.bias[None, None], attention)
    return attention.out_proj(taken.transpose(1, 2).flatten(2))


def _places_to_tokens(attention: Attention, q: Tensor, k: Tensor, v: Tensor, places: Tensor) -> Tensor:
    """1×N×C or B×N×C places, plus what they (q: with their position) take from B×T×C tokens -> B×N×C."""
    offered = _heads(attention.k_proj(k), attention) * _scale(attention)  # B×H×T×D
    bias = offered @ _heads(attention.q_proj.bias[None, None], attention).mT  # B×H×T×1
    offered = (offered @ _by_head(attention.q_proj, attention)).flatten(1, 2)  # B×HT×C
    scores = _each(offered, q.mT).add_(bias.flatten(1, 2))  # B×HT×N
    shares = scores.unflatten(1, (attention.num_heads, -1)).softmax(2).flatten(1, 2)
    out = attention.out_proj.weight.unflatten(1, (attention.num_heads, -1)).permute(1, 2, 0)  # H×D×C
    given = _heads(attention.v_proj(v), attention) @ out + attention.out_proj.bias / attention.num_heads
    return torch.baddbmm(places, shares.mT, given.flatten(1, 2))


def _masks(upscaling: Iterable[Any], picture: Tensor, weights: Tensor) -> Tensor:
    """h×w×C places of one point and K×c weights of its candidates -> K×4h×4w logits.

    Transposed convolutions of as large a stride as kernel: each place becomes 2×2 by itself, twice.
    """
    first, norm, activation, second, _ = upscaling
    x = F.layer_norm(_double(first.weight, first.bias, picture), norm.weight.shape, norm.weight, norm.bias, norm.eps)
    x = activation(_double(second.weight, second.bias, activation(x)))  # h×w×2×2×2×2×c
    x = (x @ weights.T).permute(6, 0, 2, 4, 1, 3, 5)
    return x.flatten(1, 3).flatten(2)


def _double(weight: Tensor, bias: Tensor, x: Tensor) -> Tensor:
    """...×C -> ...×2×2×c, by the C×c×2×2 weights of a transposed convolution and its bias."""
    across = weight.permute(0, 2, 3, 1)
    doubled = torch.addmm(bias.repeat(4), x.reshape(-1, x.shape[-1]), across.flatten(1))
    return doubled.view(*x.shape[:-1], *across.shape[1:])


def _each(left: Tensor, right: Tensor) -> Tensor:
    """B×M×K @ (B or 1)×K×N -> B×M×N; as one product where the right one is common to all."""
    return (left.flatten(0, 1) @ right[0]).unflatten(0, left.shape[:2]) if len(right) == 1 else left @ right


def _heads(x: Tensor, attention: Attention) -> Tensor:
    """B×T×HD -> B×H×T×D."""
    return x.unflatten(-1, (attention.num_heads, -1)).transpose(1, 2)


def _by_head(projection: nn.Linear, attention: Attention) -> Tensor:
    """The weights of a projection to heads, H×D×C."""
    return projection.weight.unflatten(0, (attention.num_heads, -1))


def _scale(attention: Attention) -> float:
    return (attention.internal_dim // attention.num_heads) ** -0.5
