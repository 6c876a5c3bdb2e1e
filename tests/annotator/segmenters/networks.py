"""Networks with weights made here: SAM's own classes, small enough to encode a picture in a second."""

from functools import partial

import numpy as np
import torch
from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

from annotator.automask.grid import views
from annotator.automask.settings import AutomaskSettings
from annotator.prediction import CANDIDATES, Embedding, single_points
from annotator.segmenters.sam import SamSegmenter

CPU = torch.device("cpu")
STEEP = 40.0  # standard deviation of a lively SAM's logits


def small_sam(seed: int = 0) -> Sam:
    """SAM with an encoder of two narrow blocks (one of windows, one global) in place of 12 to 32 wide ones.

    Sizes of input, embedding and logits, prompt encoder and mask decoder are the real ones.
    """
    torch.manual_seed(seed)
    return Sam(
        image_encoder=ImageEncoderViT(
            depth=2,
            embed_dim=32,
            img_size=1024,
            mlp_ratio=2,
            norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
            num_heads=1,
            patch_size=16,
            qkv_bias=True,
            use_rel_pos=True,
            global_attn_indexes=[1],
            window_size=14,
            out_chans=256,
        ),
        prompt_encoder=PromptEncoder(
            embed_dim=256, image_embedding_size=(64, 64), input_image_size=(1024, 1024), mask_in_chans=16
        ),
        mask_decoder=MaskDecoder(
            num_multimask_outputs=3,
            transformer=TwoWayTransformer(depth=2, embedding_dim=256, mlp_dim=2048, num_heads=8),
            transformer_dim=256,
            iou_head_depth=3,
            iou_head_hidden_dim=256,
        ),
        pixel_mean=[123.675, 116.28, 103.53],
        pixel_std=[58.395, 57.12, 57.375],
    ).eval()


def small_segmenter(name: str = "vit_b") -> SamSegmenter:
    return SamSegmenter(small_sam(), name=name, title=f"small {name}", fingerprint=f"{name}-small-1", device=CPU)


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """H×W×3 uint8 with large shapes and fine grain."""
    rows, columns = np.mgrid[0:height, 0:width]
    shapes = np.stack([rows * 3 + seed, columns * 2, (rows + columns) // 8 * 40], axis=-1)
    grain = np.random.default_rng(seed).integers(0, 60, (height, width, 3))
    return ((shapes + grain) % 256).astype(np.uint8)


def make_lively(sam: Sam, embedding: Embedding, *, predicted_iou: float = 0.87) -> None:
    """Change a SAM's last layers so that the points of a grid find masks worth proposing in the picture of embedding.

    With weights as they are made every point gets much the same fine chequered noise, of a predicted IoU near 0. Here
    its four upscaled pixels become one, what all points have in common is taken away and the rest made steep, and the
    predicted IoUs are spread around the one given, by 0.04. About a third of the candidates then
    are stable at 0.95, and their areas differ from a few pixels to half of the picture.
    """
    decoder, frame = sam.mask_decoder, embedding.frame
    segmenter = SamSegmenter(sam, name="vit_b", title="made", fingerprint=embedding.segmenter, device=CPU)
    heads = [decoder.output_hypernetworks_mlps[number] for number in range(1, CANDIDATES + 1)]
    seen: dict[torch.nn.Module, list[torch.Tensor]] = {}

    def note(module: torch.nn.Module, _: object, output: torch.Tensor) -> None:
        seen.setdefault(module, []).append(output.clone())

    with torch.no_grad():
        for module in decoder.output_upscaling:
            if isinstance(module, torch.nn.ConvTranspose2d):
                module.weight.copy_(module.weight.mean((2, 3), keepdim=True).expand_as(module.weight))
        watched = [decoder.output_upscaling, decoder.iou_prediction_head, *heads]
        hooks = [module.register_forward_hook(note) for module in watched]
        grid = AutomaskSettings(points_per_side=6)
        segmenter.predict_batch(embedding, single_points(views(frame.size_hw, grid)[0].point_coords))
        for hook in hooks:
            hook.remove()
        rows, columns = frame.low_res_inner_hw
        upscaled = torch.cat(seen[decoder.output_upscaling])[:, :, :rows, :columns]
        mean = upscaled.mean((0, 2, 3))
        aside = torch.eye(len(mean)) - torch.outer(mean, mean) / mean.dot(mean)
        for head, beyond in zip(heads, (1.0, 1.5, 2.0), strict=True):  # standard deviations, for a pixel to be inside
            common = torch.cat(seen[head]).mean(0)
            logits = torch.einsum("pc,pchw->phw", (torch.cat(seen[head]) - common) @ aside, upscaled)
            factor, last = STEEP / logits.std(), head.layers[-1]
            last.weight.copy_(factor * aside @ last.weight)
            last.bias.copy_(factor * aside @ (last.bias - common) - beyond * STEEP * mean / mean.dot(mean))
        scores = torch.cat(seen[decoder.iou_prediction_head])[:, 1:]
        factor, last = 0.04 / scores.std(0).mean(), decoder.iou_prediction_head.layers[-1]
        last.weight.mul_(factor)
        last.bias.mul_(factor)
        last.bias[1:] += predicted_iou - factor * scores.mean(0)
