"""What is done to pictures in cases of gradients.py, channels first."""

import torch
import torch.nn.functional as F


def unpooled_square(x):
    """The square of each window's maximum, where it lay; windows stand out over the edge."""
    pooled, places = F.max_pool2d(x, 2, ceil_mode=True, return_indices=True)
    return F.max_unpool2d(pooled**2, places, 2, output_size=x.shape[2:])


def placed(x, placements):
    """Images mirrored or not, then moved down and right; zeros come in."""
    images = []
    for image, (down, right, mirrored) in zip(x, placements):
        images.append(F.pad(image.flip(1) if mirrored else image, (0, 0, right, -right, down, -down)))
    return torch.stack(images)


def bilinear(x, factor):
    """Bilinear upsampling by a matrix for each axis, asserted to be PyTorch's, whose third derivative is not made."""
    def matrix(extent):
        eye = torch.eye(extent, dtype=x.dtype)[None]
        return F.interpolate(eye, scale_factor=factor, mode="linear", align_corners=False)[0]
    y = torch.einsum("nchw,hi,wj->ncij", x, matrix(x.shape[2]), matrix(x.shape[3]))
    wanted = F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
    assert torch.allclose(y, wanted, rtol=0, atol=1e-12)
    return y
