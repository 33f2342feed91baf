/// Philox4x32-10 (Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3").
///
/// A stream is named by a 64-bit key and three counter words c1, c2, c3. Its element e is word e % 4 of the block
/// with counter {e / 4, c1, c2, c3}: a pure function of e, so any range of a stream can be made anywhere, in any
/// pieces, and has the same bits, on every instruction set. A stream has 2^34 elements.
#ifndef ELBO_RANDOM_H
#define ELBO_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// One block: ten rounds over `counter` under the key.
void elbo_philox_block(uint32_t key_lo, uint32_t key_hi, const uint32_t counter[4], uint32_t out[4]);

/// Elements first ..< first + n of the stream, as words.
void elbo_philox_words(uint64_t key, uint32_t c1, uint32_t c2, uint32_t c3, uint64_t first, uint32_t *y, size_t n);
/// Uniform in [0, 1): the upper 24 bits of each word, times 2^-24.
void elbo_philox_uniform(uint64_t key, uint32_t c1, uint32_t c2, uint32_t c3, uint64_t first, float *y, size_t n);
/// Standard normal, by Box and Muller: for words a, b of an even element 2k and its neighbour,
/// √(-2 log((a + 1/2) 2^-32)) times the cosine (element 2k) and the sine (2k + 1) of 2π b 2^-32, within 10^-6. The
/// greatest is 6.76.
void elbo_philox_normal(uint64_t key, uint32_t c1, uint32_t c2, uint32_t c3, uint64_t first, float *y, size_t n);
/// 1 where the uniform of the same element is below p, else 0.
void elbo_philox_bernoulli(uint64_t key, uint32_t c1, uint32_t c2, uint32_t c3, uint64_t first, float p, float *y,
                           size_t n);

/// Row i of y is elements 0 ..< cols of the stream whose c2 is row_ids[i]: a row's noise follows its example.
void elbo_philox_uniform_rows(uint64_t key, uint32_t c1, const uint32_t *row_ids, uint32_t c3, size_t rows,
                              size_t cols, float *y);
void elbo_philox_normal_rows(uint64_t key, uint32_t c1, const uint32_t *row_ids, uint32_t c3, size_t rows,
                             size_t cols, float *y);

/// Dynamic binarisation of images: row i of y is 1 where the uniform of element j of the stream with
/// c2 = row_ids[i] is below src[row_ids[i], j] / 255, else 0. src is the whole data set, `cols` bytes a row.
void elbo_philox_binarise_bytes(uint64_t key, uint32_t c1, uint32_t c3, const uint8_t *src, const uint32_t *row_ids,
                                size_t rows, size_t cols, float *y);

#ifdef __cplusplus
}
#endif

#endif
