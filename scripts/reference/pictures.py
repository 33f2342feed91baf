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


def warped(x, maps):
    """Images [n, h, w, c] through affine maps (xx, xy, x0, yx, yy, y0) from the result to the source, in pixels from the
    middle: the matrix of torch's grid_sample, which has no second derivative itself, found on images of one pixel."""
    n, h, w, c = x.shape
    rows = []
    for image, (xx, xy, x0, yx, yy, y0) in zip(x, maps):
        down, right = torch.meshgrid(
            torch.arange(h) - (h - 1) / 2, torch.arange(w) - (w - 1) / 2, indexing="ij")
        # grid_sample's coordinates are -1 and 1 at the edges of the outermost pixels.
        grid = torch.stack([(xx * right + xy * down + x0) * 2 / w, (yx * right + yy * down + y0) * 2 / h], -1)
        basis = torch.eye(h * w, dtype=x.dtype).reshape(h * w, 1, h, w)
        matrix = F.grid_sample(
            basis, grid.to(x.dtype).expand(h * w, h, w, 2), mode="bilinear", padding_mode="reflection",
            align_corners=False).reshape(h * w, h * w)
        rows.append((matrix.T @ image.reshape(h * w, c)).reshape(h, w, c))
    return torch.stack(rows)


def mixed_channels(x, matrices, offsets):
    """Each pixel's channels through a matrix and an offset of its image."""
    matrices, offsets = torch.tensor(matrices, dtype=x.dtype), torch.tensor(offsets, dtype=x.dtype)
    return torch.einsum("nhwk,nck->nhwc", x, matrices) + offsets[:, None, None]
