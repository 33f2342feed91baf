"""Golden values of super-resolution: cubic convolution by Pillow, which antialiases and leaves edges out, on pictures that are
mirrored beyond theirs; structural similarity by scikit-image."""
import numpy
import skimage
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

import golden
from small_data import Numbers


def picture(height, width, seed):
    """Gray values of some blobs and noise."""
    numbers = Numbers(seed)
    y, x = numpy.mgrid[:height, :width]
    values = 120 + 80 * numpy.sin(x / 3 + seed) * numpy.cos(y / 4) + [
        [numbers.below(41) - 20 for _ in range(width)] for _ in range(height)]
    return numpy.clip(values.round(), 0, 255)


def resized(values, height, width):
    # A margin of a whole number of pixels on both sides of the scale.
    margin = numpy.array(values.shape)
    mirrored = numpy.pad(values, [(margin[0],) * 2, (margin[1],) * 2], mode="symmetric")
    image = Image.fromarray(mirrored.astype(numpy.float32), mode="F")
    result = numpy.asarray(image.resize((3 * width, 3 * height), Image.Resampling.BICUBIC))
    return result[height:2 * height, width:2 * width].astype(float).round(4)


def main():
    values = picture(12, 18, 1)
    golden.write("Images", "bicubic", {
        "height": 12, "width": 18, "values": values,
        "cases": [
            {"height": h, "width": w, "values": resized(values, h, w)}
            for h, w in [(4, 6), (6, 9), (36, 54), (24, 9), (12, 6)]
        ],
    })
    truth, noisy = picture(30, 26, 2), picture(30, 26, 2) + picture(30, 26, 3) / 8
    noisy = numpy.clip(noisy.round(), 0, 255)
    inner = (slice(3, -3), slice(3, -3))
    _, similarity = structural_similarity(
        truth[inner], noisy[inner], gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255,
        full=True)
    golden.write("Metrics", "image_quality", {
        "scikit-image": skimage.__version__, "height": 30, "width": 26, "truth": truth, "picture": noisy, "border": 3,
        "psnr": peak_signal_noise_ratio(truth[inner], noisy[inner], data_range=255),
        "ssim": similarity[5:-5, 5:-5].mean(),
    })


if __name__ == "__main__":
    main()
