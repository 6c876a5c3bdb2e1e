"""Networks with weights made here: SAM's own classes, small enough to encode a picture in a second."""

from functools import partial

import numpy as np
import torch
from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

from annotator.segmenters.sam import SamSegmenter


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
    return SamSegmenter(
        small_sam(), name=name, title=f"small {name}", fingerprint=f"{name}-small-1", device=torch.device("cpu")
    )


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """H×W×3 uint8 with large shapes and fine grain."""
    rows, columns = np.mgrid[0:height, 0:width]
    shapes = np.stack([rows * 3 + seed, columns * 2, (rows + columns) // 8 * 40], axis=-1)
    grain = np.random.default_rng(seed).integers(0, 60, (height, width, 3))
    return ((shapes + grain) % 256).astype(np.uint8)
